import re
from pathlib import PurePosixPath

import pytest
import yaml

from components.base_images import CPU_IMAGE, GPU_IMAGE
from components.core.errors import ConfigError
from pipelines.compiling import COMPILED, PIPELINES
from pipelines.placement import NODE_POOLS, bytes_of, load_node_pools, longest_s
from pipelines.site import NODE_POOLS_VARIABLE

CPU_ONLY = NODE_POOLS.parents[1] / "manifests" / "components" / "cpu-only" / "node_pools.yaml"

GPU_STEPS = {"training": {"train_unet", "infer_windows", "promote"}, "detection": {"detect_scenes"}}
GPU_STEPS["sample_training"] = GPU_STEPS["training"]


class Compiled:
    """A compiled pipeline, its containers and pods by stage, and its tasks wherever they stand."""

    def __init__(self, name):
        self.name = name
        self.spec, platform = yaml.safe_load_all((COMPILED / f"{name}.yaml").read_text())
        self.executors = self.spec["deploymentSpec"]["executors"]
        self.containers = {stage_of(key): entry["container"] for key, entry in self.executors.items()}
        pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        self.pods = {stage_of(key): entry for key, entry in pods.items()}
        self.platform = platform["platforms"]["kubernetes"]

    def graphs(self):
        return [self.spec["root"], *(entry for entry in self.spec["components"].values() if "dag" in entry)]

    def steps(self):
        """Stage and task of every step."""
        for graph in self.graphs():
            for task in graph["dag"]["tasks"].values():
                label = self.spec["components"][task["componentRef"]["name"]].get("executorLabel")
                if label:
                    yield stage_of(label), task


def stage_of(executor):
    return executor.removeprefix("exec-").replace("-", "_")


@pytest.fixture(scope="module", params=sorted(PIPELINES))
def compiled(request):
    return Compiled(request.param)


def test_every_stage_has_a_placement_and_every_placement_a_stage():
    steps = {stage for name in PIPELINES for stage in Compiled(name).containers}
    assert steps == set(load_node_pools().stages)


def test_every_pipeline_has_a_file_and_every_file_a_pipeline():
    assert {file.stem for file in COMPILED.glob("*.yaml")} == set(PIPELINES)


def test_resources_and_images_are_those_of_the_file(compiled):
    for stage, container in compiled.containers.items():
        wanted = load_node_pools().stages[stage]
        assert container["image"] == {"cpu": CPU_IMAGE, "gpu": GPU_IMAGE}[wanted.image], stage
        assert container["resources"]["resourceCpuLimit"] == wanted.cpu
        assert container["resources"]["resourceMemoryLimit"] == wanted.memory


def test_steps_that_are_placed_on_gpus_ask_for_them_in_plain_text(compiled):
    """Kubeflow's driver reads a limit as text, and leaves out one that comes from a whole number."""
    asking = {
        stage: container["resources"]["accelerator"]
        for stage, container in compiled.containers.items()
        if "accelerator" in container["resources"]
    }
    assert set(asking) == GPU_STEPS[compiled.name]
    for stage, accelerator in asking.items():
        assert accelerator["resourceType"] == "nvidia.com/gpu"
        assert accelerator["resourceCount"] == str(load_node_pools().stages[stage].accelerators)


def test_steps_that_are_placed_on_gpus_know_how_many(compiled):
    for stage, task in compiled.steps():
        given = task.get("inputs", {}).get("parameters", {}).get("gpus", {}).get("runtimeValue", {}).get("constant")
        assert given == (load_node_pools().stages[stage].accelerators or None), stage


def test_no_setting_of_the_cluster_is_a_parameter_of_a_run(compiled):
    """So none can be a number where Kubernetes wants text, or a name that a step's surroundings do not have."""
    text = yaml.safe_dump([compiled.platform, *(container["resources"] for container in compiled.containers.values())])
    assert "componentInputParameter" not in text
    assert "{{" not in text
    numbers = [word for word in re.findall(r": (\S+)$", text, re.MULTILINE) if re.fullmatch(r"-?\d+\.\d+", word)]
    floats = ("cpuLimit", "cpuRequest", "memoryLimit", "memoryRequest")  # kfp's older form of the resources
    assert len(numbers) == sum(
        name in container["resources"] for container in compiled.containers.values() for name in floats
    )
    cluster = {
        "accelerator_type",
        "gpu_node_selector",
        "gpu_tolerations",
        "storage_secret",
        "storage_settings",
        "gpus",
    }
    assert not cluster & set(compiled.spec["root"]["inputDefinitions"]["parameters"])


def test_gpu_steps_tolerate_the_taint_of_gpu_nodes_and_have_shared_memory(compiled):
    for stage, pod in compiled.pods.items():
        tolerated = [entry.get("key") for entry in pod.get("tolerations", [])]
        assert ("nvidia.com/gpu" in tolerated) == (stage in GPU_STEPS[compiled.name]), stage
        if stage in GPU_STEPS[compiled.name]:
            assert "/dev/shm" in [mount["mountPath"] for mount in pod["emptyDirMounts"]]


def test_every_step_may_run_on_spot_nodes(compiled):
    tolerating = {
        stage for stage, pod in compiled.pods.items() if any(e.get("key") == "spot" for e in pod.get("tolerations", []))
    }
    assert tolerating == set(compiled.pods)


def test_a_training_keeps_its_checkpoints_in_the_data_root(compiled):
    """So that a pod that is lost costs minutes; see docs/guides/gpus.md."""
    tasks = [task for stage, task in compiled.steps() if stage == "train_unet"]
    assert len(tasks) == (compiled.name != "detection")
    for task in tasks:
        given = task["inputs"]["parameters"]
        assert given["data_root"] == {"componentInputParameter": "output_data_root"}
        assert "work_dir" not in given


def test_retries_last_as_long_as_all_tries_and_their_waits(compiled):
    """Argo counts the longest duration from the first try, and ends a try that runs when it is over."""
    pools = load_node_pools()
    for stage, task in compiled.steps():
        wanted, policy = pools.stages[stage], task["retryPolicy"]
        assert policy["maxRetryCount"] == wanted.retries >= 1, stage
        tries = wanted.retries + 1
        waits = sum(15 * 2**number for number in range(wanted.retries))
        needed = tries * (wanted.timeout_s + pools.cluster.longest_wait_for_a_node_s) + waits
        assert int(policy["backoffMaxDuration"].removesuffix("s")) == needed == longest_s(wanted, pools.cluster)
        assert compiled.pods[stage]["activeDeadlineSeconds"] == str(wanted.timeout_s)


def test_nothing_is_taken_from_the_cache(compiled):
    """It knows URIs, not what lies there: a training would replay what other masks once gave."""
    for stage, task in compiled.steps():
        assert not task["cachingOptions"].get("enableCache"), stage


def test_settings_and_credentials_are_files_that_may_be_missing(compiled):
    """Missing ones are then named by the first step; as variables they would also steer Kubeflow's launcher."""
    for stage, pod in compiled.pods.items():
        assert "secretAsEnv" not in pod and "configMapAsEnv" not in pod, stage
        maps = {entry["configMapName"]: (entry["mountPath"], entry["optional"]) for entry in pod["configMapAsVolume"]}
        assert maps == {
            "footprints-storage": ("/etc/footprints/storage", True),
            "footprints-ca": ("/etc/footprints/ca", True),
        }
        (secret,) = pod["secretAsVolume"]
        assert secret["secretName"] == "mlpipeline-minio-artifact"
        assert (secret["mountPath"], secret["optional"]) == ("/etc/footprints/credentials", True)
        variables = {entry["name"] for entry in compiled.containers[stage].get("env", ())}
        assert variables <= {"STORAGE_CACHE_DIR", "STORAGE_CACHE_BYTES"}, stage


def test_training_has_a_volume_for_copies_of_rasters():
    training = Compiled("training")
    size = bytes_of(load_node_pools().stages["train_unet"].cache)
    (mount,) = [entry for entry in training.pods["train_unet"]["emptyDirMounts"] if entry["volumeName"] == "cache"]
    variables = {entry["name"]: entry["value"] for entry in training.containers["train_unet"]["env"]}
    assert PurePosixPath(mount["mountPath"]) in PurePosixPath(variables["STORAGE_CACHE_DIR"]).parents
    assert bytes_of(mount["sizeLimit"]) == size
    assert 0.9 * size < int(variables["STORAGE_CACHE_BYTES"]) < size


def test_every_step_runs_as_the_images_user(compiled):
    for stage, pod in compiled.pods.items():
        assert pod["securityContext"] == {"runAsUser": "10001", "runAsGroup": "10001", "runAsNonRoot": True}, stage


def test_finished_runs_leave_the_cluster(compiled):
    seconds = load_node_pools().cluster.remove_finished_runs_after_s
    assert seconds > 0
    assert compiled.platform["pipelineConfig"]["resourceTtlOnCompletion"] == seconds


@pytest.mark.parametrize(("text", "size"), [("1000", 1e3), ("1.5Ki", 1536), ("2G", 2e9), ("40Gi", 40 << 30)])
def test_quantities_in_bytes(text, size):
    assert bytes_of(text) == size


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stages: {train_unet: {image: tpu}}", "stages.train_unet.image"),
        ("stages: {train_unet: {cpu: 1}}", "stages.train_unet.cpu"),
        ("stages: {train_unet: {memory: 1 GB}}", "stages.train_unet.memory"),
        ("stages: {train_unet: {gpus: 3}}", "stages.train_unet.gpus"),
        ("stages: {train_unet: {cache: 100m}}", "stages.train_unet.cache"),
        ("stages: {train_unet: {accelerators: '3'}}", "stages.train_unet.accelerators"),
        ("stages: {infer_windows: {accelerators: 2}}", "infer_windows.accelerators: 2 is above 1"),
        ("stages: {detect_scenes: {accelerators: 8}}", "detect_scenes.accelerators: 8 is above 1"),
        ("stages: {train_net: {cpu: '1'}}", "train_net: is not a stage"),
        ("cluster: {gpu_taints: []}", "cluster.gpu_taints"),
        ("cluster: {gpu_tolerations: [{key: gpu, operator: Is}]}", "cluster.gpu_tolerations.0.operator"),
        ("cluster: {storage_secret: My Secret}", "cluster.storage_secret"),
        ("pools: {}", "pools: Extra inputs are not permitted"),
        ("train_unet: [", "cannot be read"),
        ("[1]", "must hold the mappings cluster and stages"),
    ],
)
def test_a_faulty_file_is_refused_with_the_place(tmp_path, text, message):
    file = tmp_path / "node_pools.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"{file}: .*{re.escape(message)}"):
        load_node_pools(file)


def test_a_site_says_only_what_is_different(tmp_path, monkeypatch):
    file = tmp_path / "site.yaml"
    file.write_text("cluster: {gpu_node_selector: {pool: gpu}}\nstages: {train_unet: {accelerators: 8}}\n")
    monkeypatch.setenv(NODE_POOLS_VARIABLE, str(file))
    site, usual = load_node_pools(), load_node_pools(NODE_POOLS)
    assert site.cluster == usual.cluster.model_copy(update={"gpu_node_selector": {"pool": "gpu"}})
    changed = usual.stages["train_unet"].model_copy(update={"accelerators": 8})
    assert site.stages == {**usual.stages, "train_unet": changed}


def test_a_site_may_have_several_files_the_last_by_name_wins(tmp_path):
    (tmp_path / "10.yaml").write_text("cluster: {storage_secret: first, gpu_node_selector: {pool: gpu}}\n")
    (tmp_path / "20.yaml").write_text("cluster: {storage_secret: second}\nstages: {train_unet: {accelerators: 1}}\n")
    (tmp_path / "notes.txt").write_text("no placements")
    cluster = load_node_pools(tmp_path).cluster
    assert (cluster.storage_secret, cluster.gpu_node_selector) == ("second", {"pool": "gpu"})
    assert load_node_pools(tmp_path).stages["train_unet"].accelerators == 1


def test_without_gpus_all_else_is_as_usual():
    pools, usual = load_node_pools(CPU_ONLY), load_node_pools(NODE_POOLS)
    assert [stage for stage, wanted in pools.stages.items() if wanted.accelerators] == []
    assert pools.cluster == usual.cluster.model_copy(update={"gpu_tolerations": ()})
    assert pools.stages == {
        stage: wanted.model_copy(update={"accelerators": 0, "timeout_s": pools.stages[stage].timeout_s})
        for stage, wanted in usual.stages.items()
    }
