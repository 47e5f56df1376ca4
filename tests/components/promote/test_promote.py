"""A pointer that moves to a better model, stays where it is not better, and is never left half-written."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest
from kfp import dsl

from components.core import storage
from components.core.champion import Champion, SeenPointer, local_champion, read_pointer, resolve_model
from components.core.errors import ConfigError, DataError
from components.core.models import ONNX_FILE, check_holds_model, local_model, model_digest
from components.core.network.description import read_config
from components.core.network.model_artifact import load_model, save_model
from components.promote.component import promote as component
from components.promote.promote import promote
from components.promote.report import write_report
from tests.components.promote.held_out import ALL, FEW, MOST, HeldOut
from tests.detection.detecting import CONFIG
from tests.s3_server import S3Server
from tests.shims import artifact


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> HeldOut:
    """Not to be changed."""
    return HeldOut(tmp_path_factory.mktemp("held_out"))


@pytest.fixture(params=["local", "s3"])
def pointer(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where no pointer is yet, in each kind of store."""
    if request.param == "local":
        return str(tmp_path / "models" / "current.json")
    server: S3Server = request.getfixturevalue("s3_environment")
    return storage.join_uri(server.new_folder(), "current.json")


def test_a_better_model_takes_the_place_and_a_worse_one_does_not(held_out: HeldOut, pointer: str) -> None:
    first = held_out.promote(MOST, pointer)
    assert first.is_moved and first.comparison is None and "named none before" in first.sentences()[0]

    worse = held_out.promote(FEW, pointer)
    assert not worse.is_moved and "goes on naming" in worse.sentences()[0]
    assert [check.holds for check in worse.checks] == [False, False, False]

    better = held_out.promote(ALL, pointer)
    assert better.is_moved and all(check.holds for check in better.checks)
    assert better.comparison is not None
    gains = {town.town: town.measures["iou"].gain for town in better.comparison.towns}
    assert gains["austin"] == 0 and gains["vienna"] == pytest.approx(1 / 3)

    named = read_pointer(pointer).champion
    assert named is not None and named == better.named and named.run == f"run {ALL:g}"
    assert [known.model for known in named.predecessors] == [first.model]
    assert named.scores["overall"]["images"] == 4 and named.scores["towns"]["vienna"]["iou"] == 1.0
    assert named.scores["towns"]["austin"]["counts"]["iou"] == [2304, 2304]
    assert named.rule["min_gain"] == 0.005 and "pointer_uri" not in named.rule
    for uri in (named.model_uri, named.predecessors[0].model_uri):
        check_holds_model(uri)
        assert storage.parent_of(uri) == storage.parent_of(pointer)
    assert resolve_model(pointer).uri == named.model_uri

    again = held_out.promote(ALL, pointer)
    assert again.is_known and not again.is_moved and read_pointer(pointer).champion == named


def test_the_same_model_brings_the_files_that_the_one_in_use_lacks(
    held_out: HeldOut, pointer: str, tmp_path: Path
) -> None:
    """Such as a model.onnx of a training that writes one now; files that are there stay as they are."""
    model, again = held_out.model(ALL), tmp_path / "again"
    named = held_out.promote(ALL, pointer).named
    shutil.copytree(model, again)
    (again / ONNX_FILE).write_bytes(b"network")
    (again / "notes.txt").write_bytes(b"other")
    storage.write_bytes(storage.join_uri(named.model_uri, "notes.txt"), b"first")
    content = storage.read_bytes(pointer)
    with pytest.raises(DataError, match=r"holds no model\.onnx"):
        check_holds_model(named.model_uri, "onnx")

    done = promote(again, held_out.evaluation(model), {"pointer_uri": pointer}, held_out.scoring())
    assert done.is_known and not done.is_moved and storage.read_bytes(pointer) == content
    assert done.sentences()[0].endswith("nothing to compare, and its folder has model.onnx now")
    check_holds_model(named.model_uri, "onnx")
    assert storage.read_bytes(storage.join_uri(named.model_uri, "notes.txt")) == b"first"

    once_more = promote(again, held_out.evaluation(model), {"pointer_uri": pointer}, held_out.scoring())
    assert once_more.added == () and once_more.sentences()[0].endswith("nothing to compare")


@pytest.mark.parametrize(
    ("rule", "moves"),
    [
        ({"min_gain": 0.5, "min_certainty": 0}, False),
        ({"min_gain": 0.2, "min_certainty": 0}, True),
        ({"min_gain": 0.1, "min_certainty": 0.99}, False),
        ({"measures": ["iou", "object_f1"], "min_gain": 0.1}, True),
        ({"measures": ["object_f1"], "min_gain": 0.4}, False),
    ],
)
def test_the_rule_decides(held_out: HeldOut, tmp_path: Path, rule: dict[str, object], moves: bool) -> None:
    pointer = str(tmp_path / "current.json")
    held_out.promote(MOST, pointer)
    assert held_out.promote(ALL, pointer, **rule).is_moved == moves


def test_no_town_may_lose_more_than_the_rule_allows(held_out: HeldOut, tmp_path: Path) -> None:
    pointer = str(tmp_path / "current.json")
    held_out.promote(ALL, pointer)
    lenient = {"min_gain": -1.0, "min_certainty": 0}
    kept = held_out.promote(MOST, pointer, max_town_loss=0.3, **lenient)
    assert not kept.is_moved and "not so vienna (-0.333)" in kept.sentences()[-1]
    assert held_out.promote(MOST, pointer, max_town_loss=0.34, **lenient).is_moved


def test_of_two_promotions_at_once_both_are_kept_in_order(held_out: HeldOut, pointer: str) -> None:
    """Both begin where no pointer is; the one that comes second is compared with what the first one promoted."""
    models = {threshold: held_out.model(threshold) for threshold in (MOST, FEW, ALL)}
    evaluations = {threshold: held_out.evaluation(model) for threshold, model in models.items()}
    ready = threading.Barrier(len(models))

    def work(threshold: float) -> None:
        ready.wait()
        config = {"pointer_uri": pointer, "min_gain": -1.0, "max_town_loss": 1.0, "min_certainty": 0}
        promote(models[threshold], evaluations[threshold], config, held_out.scoring())

    threads = [threading.Thread(target=work, args=(threshold,)) for threshold in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    named = read_pointer(pointer).champion
    assert named is not None
    seen = [named.model, *(known.model for known in named.predecessors)]
    assert sorted(seen) == sorted(map(model_digest, models.values())), "each of them was the champion once"


BROKEN = {
    "no JSON": (b'{"model_uri": "', "is not JSON"),
    "a list": (b"[1]", "is no pointer to a model"),
    "nothing": (b"{}", "is no pointer to a model"),
    "an unknown version": (b'{"format_version": 7}', "format_version"),
}


@pytest.mark.parametrize("kind", [*BROKEN, "itself", "another pointer"])
def test_a_broken_pointer_is_refused_with_the_fix_and_left_as_it_is(
    held_out: HeldOut, tmp_path: Path, kind: str
) -> None:
    place = tmp_path / "current.json"
    if kind in BROKEN:
        content, words = BROKEN[kind]
    else:
        uri = str(place) if kind == "itself" else str(tmp_path / "other.json")
        content, words = json.dumps({"model_uri": uri, "model": "0" * 64, "promoted": ""}).encode(), f"is {kind}"
    place.write_bytes(content)
    for use in (resolve_model, lambda uri: held_out.promote(ALL, uri)):
        with pytest.raises(DataError, match=rf"current\.json: .*{words}.*put back an earlier version of it, or delete"):
            use(str(place))
    assert place.read_bytes() == content and list(tmp_path.iterdir()) == [place]


def test_a_pointer_that_is_not_there_is_refused_where_a_model_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no pointer .*promote a first model"):
        resolve_model(str(tmp_path / "current.json"))
    assert resolve_model("s3://models/town").uri == "s3://models/town"


def test_what_fails_while_the_champion_is_used_is_not_said_of_the_pointer(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    champion = Champion(model_uri=str(folder), model=model_digest(folder), promoted="")
    seen = SeenPointer(str(tmp_path / "current.json"), b"", champion)
    with (
        pytest.raises(DataError, match=r"^model: .* holds no model\.onnx"),
        local_champion(seen, champion) as opened,
        local_model(opened, "onnx"),
    ):
        pass


def test_a_champion_whose_files_are_gone_or_replaced_is_refused(held_out: HeldOut, tmp_path: Path) -> None:
    pointer = tmp_path / "current.json"
    named = held_out.promote(MOST, str(pointer)).named
    before = pointer.read_bytes()
    save_model(Path(named.model_uri), load_model(held_out.model(FEW)).network, read_config(held_out.model(FEW)), {})
    with pytest.raises(DataError, match="give each model a folder of its own"):
        held_out.promote(ALL, str(pointer))
    (Path(named.model_uri) / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"current\.json: names a model that is gone: .*holds no model\.safetensors"):
        held_out.promote(ALL, str(pointer))
    assert pointer.read_bytes() == before


def test_a_champion_of_other_classes_is_refused(held_out: HeldOut, tmp_path: Path) -> None:
    pointer, other = str(tmp_path / "current.json"), tmp_path / "other"
    model = load_model(held_out.model(MOST))
    classes = [entry.model_copy(update={"title": f"{entry.title}s"}) for entry in model.config.classes]
    special = model.config.special_classes.model_copy(update={"background": classes[0].title})
    config = model.config.model_copy(update={"classes": tuple(classes), "special_classes": special})
    save_model(other, model.network, config, {})
    promote(other, held_out.evaluation(held_out.model(MOST)), {"pointer_uri": pointer}, held_out.scoring())
    with pytest.raises(ConfigError, match=r"names a model of the classes \['bgs', 'untitleds'\]"):
        held_out.promote(ALL, pointer)


def test_evaluations_of_other_images_or_of_another_truth_are_refused(held_out: HeldOut, tmp_path: Path) -> None:
    pointer, model = str(tmp_path / "current.json"), held_out.model(ALL)
    held_out.promote(MOST, pointer)
    some = held_out.evaluation(model, tags=("austin",))
    with pytest.raises(DataError, match=r"2 images were evaluated for the model in use alone \(ds/vienna1, ds/vienna2"):
        promote(model, some, {"pointer_uri": pointer}, held_out.scoring())
    metrics = json.loads((held_out.evaluation(model) / "metrics.json").read_text())
    metrics["images"][0]["pixels"]["false_negative"] += 1
    (tmp_path / "changed").mkdir()
    (tmp_path / "changed" / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(DataError, match="1 images had another truth"):
        promote(model, tmp_path / "changed", {"pointer_uri": pointer}, held_out.scoring())


def test_without_a_building_nothing_says_which_model_is_better(held_out: HeldOut, tmp_path: Path) -> None:
    model, pointer = held_out.model(ALL), tmp_path / "current.json"
    evaluation = held_out.evaluation(model, held_out.without_objects())
    with pytest.raises(DataError, match="none of its 4 images has a building in its truth"):
        promote(model, evaluation, {"pointer_uri": str(pointer)}, held_out.scoring())
    assert not pointer.exists()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "pointer_uri: is missing"),
        ({"pointer_uri": "models/current"}, "give a file that ends in .json"),
        ({"pointer_uri": "c.json", "min_gain": 2}, "min_gain: 2"),
        ({"pointer_uri": "c.json", "measures": []}, "measures"),
        ({"pointer_uri": "c.json", "measures": ["accuracy"]}, "measures"),
        ({"pointer_uri": "c.json", "min_gains": 1}, "perhaps 'min_gain'"),
    ],
)
def test_a_config_is_refused_with_the_key(
    held_out: HeldOut, config: dict[str, object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=f"promote.config: .*{words}"):
        promote(tmp_path, tmp_path, config, held_out.scoring())


def test_the_component_writes_the_decision_the_figures_and_a_page(held_out: HeldOut, tmp_path: Path) -> None:
    pointer = str(tmp_path / "current.json")
    held_out.promote(MOST, pointer)
    metrics = artifact(dsl.Metrics, tmp_path / "m")
    model = held_out.model(ALL)
    component.python_func(
        model=artifact(dsl.Model, model),
        evaluation=artifact(dsl.Artifact, held_out.evaluation(model)),
        project=artifact(dsl.Dataset, held_out.truth),
        decision=artifact(dsl.Artifact, tmp_path / "decision"),
        metrics=metrics,
        report=artifact(dsl.HTML, tmp_path / "report.html"),
        config={"pointer_uri": pointer, "min_gain": 0},
        data_root=str(held_out.root / "data"),
        inference_config=json.loads(CONFIG),
        training_run="a run",
        workers=1,
    )
    decision = json.loads((tmp_path / "decision").read_text())
    assert decision["promoted"] and decision["named"]["run"] == "a run"
    assert metrics.metadata["promoted"] == 1.0
    assert metrics.metadata["iou_gain"] == decision["comparison"]["overall"]["iou"]["gain"] > 0
    page = (tmp_path / "report.html").read_text()
    assert "By town" in page and "vienna" in page and "+0.333" in page


def test_a_first_promotion_has_a_page_too(held_out: HeldOut, tmp_path: Path) -> None:
    write_report(held_out.promote(MOST, str(tmp_path / "current.json")), tmp_path / "page.html")
    assert "nothing to compare with" in (tmp_path / "page.html").read_text()
