"""The register Job, run against a server of the Kubeflow API: done once, paused, and within its rights."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from components.core.cli import run_main
from pipelines.__main__ import parser
from tests.manifests.rendering import KUSTOMIZATIONS, Manifest, one, rendered, site_of
from tests.pipelines.kubeflow_server import Kubeflow, serving
from tests.pipelines.packages import run_shut_in

# What Kubeflow Pipelines asks Kubernetes before it does what a request wants: resource and verb.
RIGHTS = {
    r"GET /pipelines": ("pipelines", "list"),
    r"POST /pipelines": ("pipelines", "create"),
    r"GET /pipelines/[^/]+": ("pipelines", "get"),
    r"GET /pipelines/[^/]+/versions": ("pipelines/versions", "list"),
    r"POST /pipelines/upload_version": ("pipelines/versions", "create"),
    r"GET /experiments": ("experiments", "list"),
    r"POST /experiments": ("experiments", "create"),
    r"GET /experiments/[^/]+": ("experiments", "get"),
    r"GET /recurringruns": ("jobs", "list"),
    r"POST /recurringruns": ("jobs", "create"),
    r"POST /recurringruns/[^/]+:enable": ("jobs", "enable"),
    r"POST /recurringruns/[^/]+:disable": ("jobs", "disable"),
    r"DELETE /recurringruns/[^/]+": ("jobs", "delete"),
    r"GET /healthz": None,
}

Register = Callable[..., None]


def run_here(module: str, *arguments: str) -> None:
    """Run the command line in this process."""
    assert module == "pipelines"
    assert run_main(lambda options: options.main(options), parser(), arguments) == 0


def run_as_in_its_image(module: str, *arguments: str) -> None:
    """Run it in an interpreter that has only what the image has."""
    done = run_shut_in("submit", module, *arguments)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def kubeflow() -> Kubeflow:
    """An installation for several users, which asks for the Job's token."""
    server = Kubeflow()
    server.namespaces = {"building-footprints"}
    server.token = "token-of-the-account"
    return server


@pytest.fixture
def register(kubeflow: Kubeflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    """Run the Job of some rendered objects; it must succeed."""
    token = tmp_path / "token"
    token.write_text("token-of-the-account")
    with serving(kubeflow) as url:

        def run(
            objects: tuple[Manifest, ...] | list[Manifest],
            run_module: Callable[..., None] = run_here,
            **changed: str,
        ) -> None:
            (container,) = one(objects, "Job", "footprints-register")["spec"]["template"]["spec"]["containers"]
            python, option, *module = container["command"]
            assert (python, option) == ("python", "-m")
            mounts = mounted(tmp_path, objects, "footprints-parameters", "footprints-node-pools")
            variables = environment(objects, container) | {"KFP_ENDPOINT": url, "KFP_TOKEN_FILE": str(token)} | changed
            for name, value in variables.items():
                monkeypatch.setenv(name, value)
            arguments = [
                expanded(argument, variables).replace("=/etc/footprints", f"={mounts}")
                for argument in container["args"]
            ]
            run_module(*module, *arguments)

        yield run


def mounted(folder: Path, objects: tuple[Manifest, ...] | list[Manifest], *names: str) -> Path:
    """The config maps as the Job mounts them."""
    root = folder / "etc"
    for name in names:
        place = root / name.removeprefix("footprints-")
        place.mkdir(parents=True, exist_ok=True)
        for old in place.iterdir():
            old.unlink()
        for key, text in one(objects, "ConfigMap", name)["data"].items():
            (place / key).write_text(text)
    return root


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """A word of a container's command line as Kubernetes writes it."""
    return re.sub(r"\$\((\w+)\)", lambda match: variables[match[1]], text)


def environment(
    objects: tuple[Manifest, ...] | list[Manifest], container: Manifest, secret: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The variables that Kubernetes gives the container; every secret has the same keys."""
    maps = {entry["metadata"]["name"]: entry["data"] for entry in objects if entry["kind"] == "ConfigMap"}
    found: dict[str, str] = {}
    for source in container["envFrom"]:
        found |= maps[source["configMapRef"]["name"]]
    for entry in container["env"]:
        origin = entry.get("valueFrom", {})
        if "configMapKeyRef" in origin:
            found[entry["name"]] = maps[origin["configMapKeyRef"]["name"]][origin["configMapKeyRef"]["key"]]
        elif "secretKeyRef" in origin and secret is not None:
            found[entry["name"]] = secret[origin["secretKeyRef"]["key"]]
        elif "fieldRef" in origin:
            assert origin["fieldRef"]["fieldPath"] == "metadata.namespace"
            found[entry["name"]] = "building-footprints"
        else:
            found[entry["name"]] = entry["value"]
    return found


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_registers_one_paused_run_and_leaves_it_the_next_time(
    kustomization: str, kubeflow: Kubeflow, register: Register
) -> None:
    register(rendered(kustomization))
    (run,) = kubeflow.recurring.values()
    assert (run.display_name, run.mode, run.trigger.cron_schedule.cron) == (
        "building-footprints",
        "DISABLE",
        "0 0 3 * * 0",
    )
    assert set(run.runtime_config.parameters) == {"images_uri", "model_uri", "output_uri"}
    (pipeline,) = kubeflow.pipelines.values()
    assert (pipeline.display_name, pipeline.namespace) == ("building-footprints-detection", "building-footprints")
    kubeflow.requests.clear()
    register(rendered(kustomization))
    assert list(kubeflow.recurring.values()) == [run]
    assert all(request.startswith("GET ") for request in kubeflow.requests)


def test_the_image_has_what_registering_imports(kubeflow: Kubeflow, register: Register) -> None:
    register(rendered("base"), run_as_in_its_image)
    (run,) = kubeflow.recurring.values()
    assert run.mode == "DISABLE"


def test_overlays_and_the_site_say_how_the_pipeline_is_placed(kubeflow: Kubeflow, register: Register) -> None:
    placed = {}
    for overlay in ("gpu-pool", "dev-object-store", "cpu-only", "single-user"):
        register(rendered(f"overlays/{overlay}"), RECURRING_RUN=overlay, FOOTPRINTS_GPU_IMAGE=f"registry/{overlay}:1")
        (run,) = [run for run in kubeflow.recurring.values() if run.display_name == overlay]
        version = kubeflow.versions[run.pipeline_version_reference.pipeline_version_id]
        spec, platform = version.pipeline_spec["pipeline_spec"], version.pipeline_spec["platform_spec"]
        container = spec["deploymentSpec"]["executors"]["exec-detect-scenes"]["container"]
        assert container["image"] == f"registry/{overlay}:1"
        pod = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-detect-scenes"]
        placed[overlay] = (
            "accelerator" in container["resources"],
            pod.get("nodeSelector", {}).get("labels"),
            "nvidia.com/gpu" in [entry["key"] for entry in pod["tolerations"]],
            pod["secretAsVolume"][0]["secretName"],
        )
    usual = "mlpipeline-minio-artifact"
    assert placed == {
        "gpu-pool": (True, {"nvidia.com/gpu.present": "true"}, True, usual),
        "dev-object-store": (True, None, True, "footprints-object-store"),
        "cpu-only": (False, None, False, usual),
        "single-user": (True, None, True, usual),
    }


def test_what_kubernetes_holds_is_not_uploaded_again(kubeflow: Kubeflow, register: Register) -> None:
    """A Kubernetes-native installation shows its objects as pipelines and versions."""
    objects = rendered("overlays/kubernetes-native")
    for entry in (entry for entry in objects if entry["kind"] == "PipelineVersion"):
        spec = entry["spec"]
        pipeline = kubeflow.add_pipeline(spec["pipelineName"], "building-footprints")
        content = yaml.safe_dump_all([spec["pipelineSpec"], spec["platformSpec"]]).encode()
        kubeflow.add_version(pipeline.pipeline_id, spec["displayName"], content, spec["description"])
    before = set(kubeflow.versions)
    register(objects)
    assert set(kubeflow.versions) == before
    (run,) = kubeflow.recurring.values()
    assert run.pipeline_version_reference.pipeline_version_id in before


def test_the_role_gives_what_registering_asks_for(kubeflow: Kubeflow, register: Register, tmp_path: Path) -> None:
    active = site_of(tmp_path, ["active"])
    register(active)
    (run,) = kubeflow.recurring.values()
    assert run.mode == "ENABLE"
    register(active, CRON="0 0 4 * * *")
    register(rendered("base"), CRON="0 0 4 * * *")
    assert [run.mode for run in kubeflow.recurring.values()] == ["DISABLE"]
    asked = {right for request in kubeflow.requests if (right := right_of(request)) is not None}
    rules = one(rendered("base"), "Role", "footprints-register")["rules"]
    given = {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}
    assert asked <= given
    assert {verb for _, verb in given} == {verb for _, verb in asked} | {"get"}


def right_of(request: str) -> tuple[str, str] | None:
    """What a request needs; fails on one that is not known."""
    (right,) = [right for pattern, right in RIGHTS.items() if re.fullmatch(pattern, request)]
    return right
