"""Every error about a query tells the layer, its action, and the path to the setting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.dtl.actions.flip import FlipImage
from components.core.dtl.graph import build_query
from components.core.dtl.places import at_place
from components.core.errors import ConfigError, DataError, FootprintsError, StorageError, TooManySkippedError
from components.core.figures import Bitmap, RasterMask
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Recipe
from components.core.project import ImageRef, Item, Object
from components.core.scene_errors import stops_all
from tests.components.core.dtl.projects import SIZE, car, house, item, run, write
from tests.queries import choose, data, layer, save, tag, windows

ROTATE = {"rotate_angles": {"min_degrees": 10, "max_degrees": 10}, "black_regions": {"mode": "keep"}}
BROKEN = Bitmap(0, 0, RasterMask(MaskRaster("/nowhere/mask.tif"), Recipe.whole(SIZE), 9))

STATIC: dict[str, tuple[list[Any], str]] = {
    "a setting": ([data(), layer("flip", "$all", "$1", axis="up"), save("$1")], "query[1].settings.axis: "),
    "rules of settings": (
        [data(), layer("crop", "$all", "$1"), save("$1")],
        "query[1].settings: give exactly one of sides and random_part",
    ),
    "a condition": ([data(), choose("$all", ["$1", "$2"], probability=2), save("$1")], "query[1].settings.condition."),
    "a key": ([data(), tag("$all", "$1", "t") | {"what": 1}, save("$1")], "query[1].what: unknown key"),
    "a source": ([data(), tag("all", "$1", "t"), save("$1")], "query[1].src[0]: "),
    "a destination": ([data(), tag("$all", "1", "t"), save("$1")], "query[1].dst: "),
    "a name that nobody writes": ([data(), tag("$a", "$1", "t"), save("$1")], "query[1].src[0]: no layer writes"),
    "a loop": ([data(), tag("$all $1", "$1", "t"), save("$1")], "query[1]: is fed from its own result"),
    "a piece apart": ([data(), save("$all"), data("B/*", "$b"), tag("$b", "$c", "t")], "query[2]: has no connection"),
}


def action_of(layers: list[Any], message: str) -> str:
    """Of the layer whose place the message begins with."""
    return str(layers[int(message.removeprefix("query[").partition("]")[0])]["action"])


def tells(message: str, action: str) -> bool:
    return f"`{action}`" in message or f"'{action}'" in message


@pytest.mark.parametrize("name", STATIC)
def test_faults_of_a_query_by_itself(name: str) -> None:
    layers, expected = STATIC[name]
    with pytest.raises(ConfigError) as caught:
        build_query(layers)
    (fault,) = caught.value.faults
    assert fault.startswith(expected) and tells(fault, action_of(layers, fault))


CLASSES: dict[str, tuple[list[Any], str]] = {
    "a mapping": ([data("INRIA/*", "$all", {"house": "a"}), save("$all")], "query[0].settings.classes_mapping: "),
    "a class that is not there": (
        [data(), layer("bbox", "$all", "$1", classes_mapping={"tree": "box"}), save("$1")],
        "query[1].settings.classes_mapping",
    ),
    "a shape": (
        [data(), layer("background", "$all", "$1", **{"class": "house"}), save("$1")],
        "query[1].settings.class: ",
    ),
    "a colour": (
        [
            data(),
            layer("save_masks", "$all", "R", images=False, annotations=False, masks_machine=True, masks_human=False),
        ],
        "query[1].settings",
    ),
}


@pytest.mark.parametrize("name", CLASSES)
def test_faults_with_a_project(name: str, tmp_path: Path) -> None:
    layers, expected = CLASSES[name]
    with pytest.raises(ConfigError) as caught:
        run(layers, write(tmp_path, [item("a", house(), car())]))
    message = str(caught.value)
    assert message.startswith(expected) and tells(message, action_of(layers, message))


def test_branches_whose_classes_differ(tmp_path: Path) -> None:
    layers = [
        data(),
        layer("bbox", "$all", "$1", classes_mapping={"house": "thing"}),
        layer("poly2bitmap", "$all", "$2", classes_mapping={"house": "thing"}),
        layer("dummy", "$1 $2", "$3"),
        save("$3"),
    ]
    with pytest.raises(ConfigError, match=r"^query\[3\]: .*thing.* \(action `dummy`\)$"):
        run(layers, write(tmp_path, [item("a", house())]))


SKIPPED: dict[str, tuple[Any, Item, str]] = {
    "a window that does not fit": (windows("$all", "$1", 99, 99), item("a"), "query[1].settings.window."),
    "a rectangle that would be turned": (layer("rotate", "$all", "$1", **ROTATE), item("a", car()), "query[1]: "),
    "a figure of another shape": (
        layer("split_masks", "$all", "$1", classes=["car"]),
        item("a", car()),
        "query[1].settings.classes: ",
    ),
    "a mask that cannot be read": (
        layer("drop_noise", "$all", "$1", classes=["house"], min_area="5px", src_type="image"),
        item("a", Object("house", BROKEN)),
        "query[1]: ",
    ),
    "more operations than an image takes": (
        layer("random_color", "$all", "$1", strength=0.1),
        replace(item("a"), image=ImageRef.whole("a.tif", SIZE)),
        "query[65]: ",
    ),
}


def why_skipped(layers: list[Any], project: Path) -> str:
    """The reason that a project's only item is skipped for."""
    with pytest.raises(TooManySkippedError) as caught:
        run(layers, project)
    return str(caught.value).partition("INRIA/ds/a: ")[2].partition("; fix or replace them")[0]


@pytest.mark.parametrize("name", SKIPPED)
def test_what_an_item_is_skipped_for(name: str, tmp_path: Path) -> None:
    entry, source, expected = SKIPPED[name]
    layers = [data(), entry]
    if expected == "query[65]: ":
        layers = [data(), *(entry | {"src": [f"${n}" if n else "$all"], "dst": f"${n + 1}"} for n in range(65))]
    reason = why_skipped([*layers, save(layers[-1]["dst"])], write(tmp_path, [source]))
    assert reason.startswith(expected) and tells(reason, entry["action"])


def test_an_unforeseen_failure_tells_where_it_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr(FlipImage, "apply", fail)
    layers = [data(), layer("flip", "$all", "$1", axis="vertical"), save("$1")]
    assert why_skipped(layers, write(tmp_path, [item("a")])) == (
        "query[1]: INRIA/ds/a: unexpected LinAlgError: singular; skipping it as if it were broken; please report "
        "this together with the image (action `flip`)"
    )


@pytest.mark.parametrize("kind", [ConfigError, DataError, StorageError])
def test_an_error_stays_what_it_is(kind: type[FootprintsError]) -> None:
    cause = OSError(28, "No space left on device")
    with pytest.raises(kind) as caught, at_place("query[3]", "tag"):
        raise kind("one", "query[3].settings.tag: two") from cause
    assert type(caught.value) is kind and caught.value.__cause__ is cause
    assert caught.value.faults == ("query[3]: one (action `tag`)", "query[3].settings.tag: two (action `tag`)")
    assert stops_all(caught.value) == (kind is StorageError)
