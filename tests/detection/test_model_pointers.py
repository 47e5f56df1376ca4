"""What recurring runs do with a pointer in place of a model's folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from components.core import storage
from components.core.champion import Champion, read_pointer
from components.core.errors import DataError
from components.core.models import ONNX_FILE, model_digest, network_digest
from components.core.network.model_artifact import load_model
from components.core.network.onnx_export import write_onnx
from tests.components.core.collection.stac.valid import check, links
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import (
    HOUSE,
    SIZE,
    Detection,
    layer,
    write_three,
    write_town,
)


def test_a_run_works_with_the_model_that_its_pointer_named_when_it_began(detection: Detection, tmp_path: Path) -> None:
    """Whatever the pointer names meanwhile; digests and keys are those of the model, as if its folder were given."""
    write_three(Path(detection.images))
    pointer = str(tmp_path / "models" / "current.json")
    pointed = replace(detection, model=point(pointer, detection.model))
    plan = pointed.plan(tmp_path / "plan")
    assert (plan.model_uri, plan.pointer_uri) == (detection.model, pointer)
    assert plan.detector == detection.plan(tmp_path / "other").detector

    point(pointer, str(save_bright_model(tmp_path / "second", threshold=250)))
    assert len(pointed.publish(tmp_path, _detected(pointed, tmp_path))) and len(layer(detection)) == 3

    (waiting,) = {pointed.plan(tmp_path / "next").waiting}
    assert waiting == 3, "the next run knows the second model, and leaves what is done"


def by_onnx(detection: Detection) -> Detection:
    """The same, run by onnxruntime."""
    config = json.loads(detection.settings.inference_config) | {"runtime": "onnx", "precision": "auto"}
    return replace(detection, settings=replace(detection.settings, inference_config=json.dumps(config)))


def with_onnx(model: Path) -> None:
    """Add a model.onnx to a model's folder."""
    loaded = load_model(model)
    write_onnx(model / ONNX_FILE, loaded.network, loaded.config)


def test_a_pointer_goes_with_either_runtime(detection: Detection, tmp_path: Path) -> None:
    """The model is the same, whatever file of it is run; what is done by one is not done by the other."""
    write_town(Path(detection.images) / "west.tif", SIZE, HOUSE)
    with_onnx(Path(detection.model))
    pointed = replace(detection, model=point(str(tmp_path / "models" / "current.json"), detection.model))
    plans = [run.plan(tmp_path / f"plan{number}") for number, run in enumerate((pointed, by_onnx(pointed)))]
    assert {plan.model for plan in plans} == {model_digest(Path(detection.model))}
    runs = [network_digest(Path(detection.model), runtime) for runtime in ("torch", "onnx")]
    assert [plan.runs for plan in plans] == runs and len(set(runs)) == 2
    assert plans[0].detector != plans[1].detector

    run = by_onnx(pointed)
    run.plan(tmp_path / "plan")
    with (Path(detection.model) / ONNX_FILE).open("ab") as file:
        file.write(b"\x00")
    with pytest.raises(DataError, match="holds another model than at planning"):
        run.do_shard(tmp_path, "1/1")


def _detected(detection: Detection, work: Path) -> list[Path]:
    detection.do_shard(work, "1/1")
    return detection.parts(work)


def point(pointer: str, model: str) -> str:
    """Let a pointer name a model, after those that it named before; gives the pointer."""
    seen = read_pointer(pointer)
    before = () if seen.champion is None else seen.champion.as_predecessor()
    digest = model_digest(Path(model))
    champion = Champion(model_uri=model, model=digest, promoted="2026-11-20T00:00:00Z", predecessors=before)
    storage.write_bytes(pointer, champion.as_bytes())
    return pointer


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_the_items_of_models_lead_to_predecessor_and_successor(
    runtime: str, detection: Detection, tmp_path: Path
) -> None:
    """The predecessor is the last one that the collection knows: it need not have been run with each."""
    pointer, folder = str(tmp_path / "models" / "current.json"), Path(detection.output) / "model"
    pointed = replace(detection, model=pointer)
    models = [save_bright_model(tmp_path / f"m{number}", threshold=100 + number) for number in range(3)]
    if runtime == "onnx":
        pointed = by_onnx(pointed)
        for number in (0, 2):  # the other one is not run
            with_onnx(models[number])
    names = [f"{model_digest(model)[:12]}.json" for model in models]
    write_town(Path(detection.images) / "west.tif", SIZE, HOUSE)
    point(pointer, str(models[0]))
    pointed.run()
    assert links(json.loads((folder / names[0]).read_text()), "successor-version") == []

    point(pointer, str(models[1]))
    point(pointer, str(models[2]))
    pointed.run()
    first, last = (json.loads((folder / names[number]).read_text()) for number in (0, 2))
    assert links(first, "successor-version") == [f"./{names[2]}"] and not links(first, "predecessor-version")
    assert links(last, "predecessor-version") == [f"./{names[0]}"] and not links(last, "successor-version")
    for item in (first, last):
        check(item)
        assert item["properties"]["version"] == item["id"].removeprefix("model-")

    before = (folder / names[0]).stat().st_mtime_ns
    pointed.run()
    assert (folder / names[0]).stat().st_mtime_ns == before, "nothing new is written where the links are there"
