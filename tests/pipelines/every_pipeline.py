"""Every compiled pipeline, run whole on small data by the tests' backend, and what must then have been seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from components.core import storage
from components.core.geometry import Size
from pipelines import detect_cli, run_cli
from pipelines.__main__ import parser
from pipelines.package import COMPILED
from pipelines.site import compile_for_site
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import CONFIG, write_town
from tests.manifests.rendering import MANIFESTS
from tests.pipelines.backend import Backend, Step
from tests.pipelines.small import SMALL_OPTIONS, small_documents

CPU_ONLY = MANIFESTS / "components" / "cpu-only" / "node_pools.yaml"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def run_every_pipeline(backend: Backend, folder: Path, root: str) -> None:
    """Train on sample scenes; detect something new, then nothing new, then with another tolerance; in two shards each.

    The arguments are those that `python -m pipelines run` and `detect` would give, but for documents that are named, as
    the form of a pipeline takes them; the pipelines are compiled for a
    cluster without GPUs, as a step that is placed on GPUs refuses to go on without. A step that is always given an
    artifact which it may go without runs once more without it.

    Args:
        backend: Runs the steps.
        folder: For files of this function's own.
        root: Folder or URI prefix that the steps see too.
    """
    compile_for_site(CPU_ONLY, folder / "compiled")
    small = ["run", "--data-root", f"{root}/training", *SMALL_OPTIONS, *small_documents(folder)]
    small += ["--pointer", f"{root}/models/current.json"]
    arguments = run_cli.pipeline_arguments(parser().parse_args(small))
    named = {"split_masks_query": ["split_masks"], "train_config": {"base": "tutorial"} | arguments["train_config"]}
    backend.run(folder / "compiled" / "sample_training.yaml", arguments | named | {"shards_max": 2})
    arguments = detect_cli.pipeline_arguments(parser().parse_args(_detection(folder, root)))
    arguments |= {"split_masks_query": ["split_masks_confident"]}
    for _ in ("something new", "nothing new"):
        backend.run(folder / "compiled" / "detection.yaml", arguments)
    before = len(backend.steps)
    redone = {"footprints_tolerance": "2 px", "images_redo": "all"}
    backend.run(folder / "compiled" / "detection.yaml", arguments | redone)
    stages = [step.name.rpartition("/")[2] for step in backend.steps[before:]]
    assert stages == ["plan-imagery", "publish-collection"], "footprints are made again without the network"
    for step in list(backend.steps):
        for name in step.optional & step.given:
            if all(name in other.given for other in _like(step, backend)):
                backend.again(step, without=name)


def _detection(folder: Path, root: str) -> list[str]:
    """Flags for two towns, a model that finds their buildings, and shards of a town each."""
    for index in range(2):
        file = folder / "imagery" / f"town_{index}.tif"
        write_town(file, Size(200, 180), (20, 30, 40, 24), east_px=400 * index)
    storage.put_tree(folder / "imagery", f"{root}/imagery")
    storage.put_tree(save_bright_model(folder / "model"), f"{root}/model")
    (folder / "config.json").write_text(CONFIG)
    flags = {
        "--images": f"{root}/imagery",
        "--model": f"{root}/model",
        "--output": f"{root}/collection",
        "--data-root": f"{root}/detection",
        "--inference-config": str(folder / "config.json"),
        "--shard-megapixels": "0.04",
    }
    return ["detect", *(word for flag in flags.items() for word in flag)]


def _like(step: Step, backend: Backend) -> list[Step]:
    """The steps that have run the same command."""
    return [other for other in backend.steps if other.command == step.command]


def check_what_ran(backend: Backend) -> None:
    """See that every executor has run, and every artifact that may be left out was given and left out."""
    ran = {(step.image, step.command) for step in backend.steps}
    for name, container in compiled_executors():
        assert (container["image"], (*container["command"], *container["args"])) in ran, f"{name} has not run"
    for step in backend.steps:
        for name in step.optional:
            given = {name in other.given for other in _like(step, backend)}
            assert given == {True, False}, f"{step.name}: {name} was {'always' if True in given else 'never'} given"
    lists = [len(entry["artifacts"]) for step in backend.steps for entry in _artifacts(step)]
    assert max(lists) == 2, "no step was given several artifacts as one input"


def compiled_executors() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every container of the compiled pipelines, with a name for it."""
    for file in sorted(COMPILED.glob("*.yaml")):
        spec = next(yaml.load_all(file.read_text(encoding="utf-8"), _LOADER))
        for name, executor in spec["deploymentSpec"]["executors"].items():
            yield f"{file.stem}: {name}", executor["container"]


def _artifacts(step: Step) -> list[Mapping[str, Any]]:
    return list(step.executor_input["inputs"].get("artifacts", {}).values())
