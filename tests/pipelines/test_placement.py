from collections.abc import Iterator

import pytest
import yaml

from components.base_images import CPU_IMAGE, GPU_IMAGE
from components.core.errors import ConfigError
from pipelines.compiling import COMPILED
from pipelines.placement import NODE_POOLS, load_placements


@pytest.fixture(scope="module")
def compiled():
    return list(yaml.safe_load_all((COMPILED / "sample_training.yaml").read_text()))


@pytest.fixture(scope="module")
def executors(compiled):
    return {
        name.removeprefix("exec-").replace("-", "_"): entry["container"]
        for name, entry in compiled[0]["deploymentSpec"]["executors"].items()
    }


@pytest.fixture(scope="module")
def pods(compiled):
    found = compiled[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-").replace("-", "_"): entry for name, entry in found.items()}


def test_every_stage_has_a_placement_and_every_placement_a_stage(executors):
    assert set(executors) == set(load_placements())


def test_resources_and_images_are_those_of_the_file(executors):
    for stage, wanted in load_placements().items():
        container = executors[stage]
        assert container["image"] == {"cpu": CPU_IMAGE, "gpu": GPU_IMAGE}[wanted.image], stage
        assert container["resources"]["resourceCpuLimit"] == wanted.cpu
        assert container["resources"]["resourceMemoryLimit"] == wanted.memory


def test_three_gpus_train_and_one_infers(executors):
    accelerators = {
        stage: container["resources"]["accelerator"]["resourceCount"]
        for stage, container in executors.items()
        if "accelerator" in container["resources"]
    }
    assert accelerators == {"train_unet": "3", "infer_windows": "1"}


def test_gpu_steps_get_selector_tolerations_and_shared_memory(pods):
    for stage in ("train_unet", "infer_windows"):
        assert "nodeSelectorJson" in pods[stage]["nodeSelector"]
        assert any("tolerationJson" in entry for entry in pods[stage]["tolerations"])
        assert pods[stage]["emptyDirMounts"][0]["mountPath"] == "/dev/shm"
    assert "nodeSelector" not in pods["split_tagging"]


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
        ("train_unet: [", "cannot be read"),
    ],
)
def test_a_faulty_file_is_refused_with_the_place(tmp_path, text, message):
    file = tmp_path / "node_pools.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_placements(file)


def test_the_committed_file_is_accepted():
    assert load_placements(NODE_POOLS)["train_unet"].accelerators == 3
