import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest
import yaml

from components.base_images import CPU_IMAGE, GPU_IMAGE
from components.core.errors import ConfigError
from pipelines.compiling import COMPILED
from pipelines.placement import NODE_POOLS, NODE_POOLS_VARIABLE, SETTINGS, bytes_of, load_placements

CPU_ONLY = NODE_POOLS.with_name("node_pools.cpu-only.yaml")


@pytest.fixture(scope="module")
def compiled():
    return read_compiled("sample_training")


def read_compiled(name):
    return list(yaml.safe_load_all((COMPILED / f"{name}.yaml").read_text()))


def stage_of(executor):
    """The key in node_pools.yaml; kfp numbers steps that stand in two branches."""
    name = executor.removeprefix("exec-").replace("-", "_")
    return {"count_shards": "plan_imagery", "publish_collection_2": "publish_collection"}.get(name, name)


@pytest.fixture(scope="module")
def executors(compiled):
    return {stage_of(name): entry["container"] for name, entry in compiled[0]["deploymentSpec"]["executors"].items()}


@pytest.fixture(scope="module")
def pods(compiled):
    found = compiled[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {stage_of(name): entry for name, entry in found.items()}


def test_every_stage_has_a_placement_and_every_placement_a_stage():
    documents = [read_compiled(file.stem)[0] for file in COMPILED.glob("*.yaml")]
    steps = {stage_of(name) for document in documents for name in document["deploymentSpec"]["executors"]}
    assert steps == set(load_placements())


def test_resources_and_images_are_those_of_the_file(executors):
    for stage, container in executors.items():
        wanted = load_placements()[stage]
        assert container["image"] == {"cpu": CPU_IMAGE, "gpu": GPU_IMAGE}[wanted.image], stage
        assert container["resources"]["resourceCpuLimit"] == wanted.cpu
        assert container["resources"]["resourceMemoryLimit"] == wanted.memory


def test_detection_asks_for_a_gpu_for_inference_alone_and_takes_nothing_from_the_cache():
    spec, platform = read_compiled("detection")
    executors = {name: entry["container"] for name, entry in spec["deploymentSpec"]["executors"].items()}
    asking = [name for name, container in executors.items() if "accelerator" in container["resources"]]
    assert asking == ["exec-infer-windows"]
    assert executors["exec-infer-windows"]["resources"]["accelerator"]["resourceCount"] == "1"
    branches = [spec["root"]["dag"], *(entry["dag"] for entry in spec["components"].values() if "dag" in entry)]
    for dag in branches:
        for task in dag["tasks"].values():
            is_step = "dag" not in spec["components"][task["componentRef"]["name"]]
            assert not (is_step and task["cachingOptions"].get("enableCache")), task["taskInfo"]["name"]
    found = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(found) == set(executors), "each step has the store's credentials and a security context"


def test_three_gpus_train_unless_a_run_says_otherwise_and_one_infers(compiled, executors):
    accelerators = {
        stage: container["resources"]["accelerator"]["resourceCount"]
        for stage, container in executors.items()
        if "accelerator" in container["resources"]
    }
    chosen = "{{$.inputs.parameters['pipelinechannel--train_gpus']}}"
    assert accelerators == {"train_unet": chosen, "infer_windows": "1"}
    assert compiled[0]["root"]["inputDefinitions"]["parameters"]["train_gpus"]["defaultValue"] == 3.0


def test_gpu_steps_get_selector_tolerations_and_shared_memory(pods):
    for stage in ("train_unet", "infer_windows"):
        assert "nodeSelectorJson" in pods[stage]["nodeSelector"]
        assert any("tolerationJson" in entry for entry in pods[stage]["tolerations"])
        assert pods[stage]["emptyDirMounts"][0]["mountPath"] == "/dev/shm"
    assert "nodeSelector" not in pods["split_tagging"]


def test_training_has_a_volume_for_copies_of_rasters(executors, pods):
    size = bytes_of(load_placements()["train_unet"].cache)
    (mount,) = [entry for entry in pods["train_unet"]["emptyDirMounts"] if entry["volumeName"] == "cache"]
    variables = {entry["name"]: entry["value"] for entry in executors["train_unet"]["env"]}
    assert PurePosixPath(mount["mountPath"]) in PurePosixPath(variables["STORAGE_CACHE_DIR"]).parents
    assert bytes_of(mount["sizeLimit"]) == size
    assert 0.9 * size < int(variables["STORAGE_CACHE_BYTES"]) < size


def test_the_config_map_says_what_a_step_does_not_say_itself(executors, pods):
    for stage, pod in pods.items():
        (config_map,) = pod["configMapAsEnv"]
        taken = {entry["envVar"] for entry in config_map["keyToEnv"]}
        own = {entry["name"] for entry in executors[stage].get("env", ())}
        assert taken | own >= set(SETTINGS), stage
        assert not taken & own, stage


@pytest.mark.parametrize(("text", "size"), [("1000", 1e3), ("1.5Ki", 1536), ("2G", 2e9), ("40Gi", 40 << 30)])
def test_quantities_in_bytes(text, size):
    assert bytes_of(text) == size


def test_only_training_keeps_off_spot_nodes(pods):
    tolerating = {
        stage for stage, pod in pods.items() if any(e.get("key") == "spot" for e in pod.get("tolerations", []))
    }
    assert set(pods) - tolerating == {"train_unet"}


def test_credentials_come_from_the_secret_that_a_run_names(pods):
    for stage, pod in pods.items():
        (secret,) = pod["secretAsEnv"]
        assert secret["secretNameParameter"]["componentInputParameter"].endswith("storage_secret"), stage
        variables = {entry["secretKey"]: entry["envVar"] for entry in secret["keyToEnv"]}
        assert variables == {"accesskey": "AWS_ACCESS_KEY_ID", "secretkey": "AWS_SECRET_ACCESS_KEY"}


def test_every_step_runs_as_the_images_user(pods):
    for stage, pod in pods.items():
        assert pod["securityContext"] == {"runAsUser": "10001", "runAsGroup": "10001", "runAsNonRoot": True}, stage


def test_every_parameter_that_a_step_refers_to_reaches_it(compiled):
    """Kfp 2.17 compiles some parameter-valued settings to names that their graph does not have."""
    spec, platform = compiled
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    graphs = {"root": spec["root"], **spec["components"]}
    checked = 0
    for graph in graphs.values():
        known = set(graph.get("inputDefinitions", {}).get("parameters", {}))
        for name, task in graph.get("dag", {}).get("tasks", {}).items():
            inputs = task.get("inputs", {}).get("parameters", {})
            used = {e["componentInputParameter"] for e in inputs.values() if "componentInputParameter" in e}
            if f"exec-{name}" in pods:
                used |= set(referred(pods[f"exec-{name}"]))
            assert used <= known, name
            checked += len(used)
            container = spec["deploymentSpec"]["executors"].get(f"exec-{name}", {}).get("container", {})
            kind = container.get("resources", {}).get("accelerator", {}).get("resourceType", "")
            if kind.startswith("{{"):
                assert kind.split("'")[1] in inputs, name
    assert checked > 50


def referred(entry: object) -> Iterator[str]:
    if isinstance(entry, dict):
        if isinstance(entry.get("componentInputParameter"), str):
            yield entry["componentInputParameter"]
        for value in entry.values():
            yield from referred(value)
    elif isinstance(entry, list):
        for value in entry:
            yield from referred(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train_unet: {image: tpu, cpu: '1', memory: 1Gi, timeout_s: 1}", "train_unet.image"),
        ("train_unet: {image: gpu, cpu: 1, memory: 1Gi, timeout_s: 1}", "train_unet.cpu"),
        ("train_unet: {image: gpu, cpu: '1', memory: 1 GB, timeout_s: 1}", "train_unet.memory"),
        ("train_unet: {image: gpu, cpu: '1', memory: 1Gi, timeout_s: 1, gpus: 3}", "train_unet.gpus"),
        ("train_unet: {image: gpu, cpu: '1', memory: 1Gi, timeout_s: 1, cache: 100m}", "train_unet.cache"),
        ("train_unet: {image: gpu, cpu: '1', memory: 1Gi, timeout_s: 1}", "split_masks: is missing; take it from"),
        (
            f"{NODE_POOLS.read_text()}\ntrain_net: {{image: gpu, cpu: '1', memory: 1Gi, timeout_s: 1}}",
            "train_net: is no",
        ),
        ("train_unet: [", "cannot be read"),
    ],
)
def test_a_faulty_file_is_refused_with_the_place(tmp_path, text, message):
    file = tmp_path / "node_pools.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"{file}: .*{message}"):
        load_placements(file)


def test_the_environment_may_name_another_file(monkeypatch):
    monkeypatch.setenv(NODE_POOLS_VARIABLE, str(CPU_ONLY))
    placements = load_placements()
    assert [stage for stage, wanted in placements.items() if wanted.accelerators] == []
    assert placements == {
        stage: wanted.model_copy(update={"accelerators": 0, "timeout_s": placements[stage].timeout_s})
        for stage, wanted in load_placements(NODE_POOLS).items()
    }


def test_the_committed_file_is_accepted():
    assert load_placements(NODE_POOLS)["train_unet"].accelerators == 3


@pytest.mark.parametrize("name", ["training", "sample_training", "detection"])
def test_what_a_step_takes_from_its_surroundings_is_there(name):
    """Kubeflow looks up secrets, settings and node selectors among the inputs of the DAG in which a step stands."""
    spec, platform = read_compiled(name)
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    components = spec["components"]
    seen = 0
    for surroundings in (spec["root"], *(entry for entry in components.values() if "dag" in entry)):
        known = set(surroundings.get("inputDefinitions", {}).get("parameters", {}))
        for task in surroundings["dag"]["tasks"].values():
            executor = components[task["componentRef"]["name"]].get("executorLabel")
            wanted = set(re.findall(r"'componentInputParameter': '([\w-]+)'", str(pods.get(executor))))
            assert wanted <= known, task["taskInfo"]["name"]
            seen += len(wanted)
    assert seen > 10
