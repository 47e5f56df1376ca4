"""Chance is keyed by seed, layer and name: never by order, process or unrelated layers."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.core.dtl.actions import ACTIONS
from components.core.dtl.query import parse_layers
from components.core.geometry import Size
from components.core.project import ImageRef
from tests.components.core.dtl.projects import house, item, items, run, write
from tests.queries import LayerData, choose, data, drawing, layer, save, tag, windows

SPLIT = [
    choose("$all", ["$to_train", "$to_val"], probability=0.6),
    tag("$to_train", "$train", "train"),
    tag("$to_val", "$val", "val"),
]


def chosen(layers: list[Any], *places: Path, seed: int = 0) -> dict[str, tuple[str, ...]]:
    """Tags by name."""
    return {entry.key: entry.tags for entry in run(layers, *places, seed=seed)[0]}


def test_seeds_decide(tmp_path: Path) -> None:
    project = write(tmp_path, items(60))
    layers = [data(), *SPLIT, save("$train $val")]
    first = chosen(layers, project, seed=7)
    assert first == chosen(layers, project, seed=7)
    assert first != chosen(layers, project, seed=8)
    shares = [sum(tags == ("train",) for tags in chosen(layers, project, seed=seed).values()) for seed in range(20)]
    assert 0.55 < sum(shares) / (20 * 60) < 0.65


def test_the_order_of_items_and_other_items_do_not_matter(tmp_path: Path) -> None:
    entries = items(40)
    layers = [data(), *SPLIT, save("$train $val")]
    expected = chosen(layers, write(tmp_path / "1", entries))
    shuffled = random.Random(0).sample(entries, len(entries))
    assert chosen(layers, write(tmp_path / "2", shuffled)) == expected
    fewer = chosen(layers, write(tmp_path / "3", shuffled[::2]))
    assert fewer.items() <= expected.items()


def test_unrelated_layers_and_the_order_of_layers_do_not_matter(tmp_path: Path) -> None:
    project = write(tmp_path, items(40))
    expected = chosen([data(), *SPLIT, save("$train $val")], project)
    more = [
        data(),
        choose("$all", ["$a", "$b"], probability=0.5),
        tag("$b", "$c", "unrelated"),
        *SPLIT[::-1],
        save("$train $val"),
    ]
    assert chosen(more, project) == expected


def test_layers_decide_each_on_its_own(tmp_path: Path) -> None:
    project = write(tmp_path, items(60))
    layers = [
        data(),
        choose("$all", ["$1", "null"], probability=0.5),
        choose("$all", ["$2", "null"], probability=0.5),
    ]
    one, other = (set(chosen([*layers, save(name)], project)) for name in ("$1", "$2"))
    assert one != other and one & other, "neither the same nor the opposite"


@pytest.mark.parametrize(("probability", "expected"), [(0, 0), (0.0, 0), (1, 30), (1.0, 30)])
def test_never_and_always(tmp_path: Path, probability: float, expected: int) -> None:
    layers = [data(), choose("$all", ["$1", "null"], probability=probability), save("$1")]
    found, _ = run(layers, write(tmp_path, items(30)))
    assert len(found) == expected


def crops(group_by: dict[str, str]) -> list[Any]:
    return [
        data(),
        windows("$all", "$crops", 10, 10),
        layer("flip", "$crops", "$flipped", axis="vertical"),
        choose("$crops $flipped", ["$to_train", "$to_val"], probability=0.5, **group_by),
        *SPLIT[1:],
        save("$train $val"),
    ]


def test_group_by_source_keeps_an_images_crops_together(tmp_path: Path) -> None:
    project = write(tmp_path, [item(f"s{number}", house(), size=Size(20, 30)) for number in range(12)])
    together = chosen(crops({"group_by": "source"}), project)
    assert len(together) == 12 * 6 * 2
    sources = {
        name: {tags for key, tags in together.items() if key.split("/")[1].startswith(f"{name}_")}
        for name in (f"s{number}" for number in range(12))
    }
    assert all(len(found) == 1 for found in sources.values())
    assert len(set(map(tuple, sources.values()))) == 2, "some images went either way"

    each = chosen(crops({}), project)
    assert each == chosen(crops({"group_by": "item"}), project), "item is what counts unless told otherwise"
    assert len({tags for key, tags in each.items() if key.split("/")[1].startswith("s0_")}) == 2
    mirrored = [each[key] == each[f"{key}_lr"] for key in each if not key.endswith("_lr")]
    assert not all(mirrored), "a crop and its mirror image are two items"


def test_group_by_source_agrees_with_a_split_before_cropping(tmp_path: Path) -> None:
    """Splitting crops by source gives the split that the whole images would get from the same layer."""
    project = write(tmp_path, [item(f"s{number}", size=Size(20, 30)) for number in range(12)])
    whole = choose("$all", ["$to_train", "$to_val"], probability=0.5)
    before = chosen([data(), whole, *SPLIT[1:], save("$train $val")], project)
    after = chosen(crops({"group_by": "source"}), project)
    assert {key.split("_r0")[0]: tags for key, tags in after.items()} == before


def test_an_empty_branch_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    project = write(tmp_path, items(3))
    run([data(), choose("$all", ["$1", "$2"], probability=0.0), save("$1 $2")], project)
    assert "query[1]: by chance none of 3 items went to $1; use another seed or probability" in caplog.text
    caplog.clear()
    run([data(), choose("$all", ["null", "$2"], probability=0.0), save("$2")], project)
    tagged = choose("$all", ["$1", "$2"], tags=["x"])
    run([data(), tagged, save("$1 $2")], project)
    run([data(), tagged, choose("$1", ["$3", "$4"], probability=0.5), save("$3 $4")], project)
    assert not caplog.records, "discarded, not by chance, or nothing arrived"


SHARE = {"min_percent": 50, "max_percent": 99}
RANDOM = {
    "if": choose("$in", ["$out", "null"], probability=0.5),
    "crop": layer("crop", "$in", "$out", random_part={"height": SHARE, "width": SHARE}),
    "rotate": layer(
        "rotate",
        "$in",
        "$out",
        rotate_angles={"min_degrees": -90, "max_degrees": 90},
        black_regions={"mode": "keep"},
    ),
    "split_blocks": layer("split_blocks", "$in", ["$out", "null", "null"], block_px=64, share=0.5),
    "blur": layer("blur", "$in", "$out", name="gaussian", sigma={"min": 1, "max": 3}),
    "noise": layer("noise", "$in", "$out", mean=0, std=3),
    "contrast_brightness": layer("contrast_brightness", "$in", "$out", contrast={"min": 0.5, "max": 2}),
    "generate_hints": layer(
        "generate_hints",
        "$in",
        "$out",
        **{"class": "house", "positive_class": "in", "negative_class": "out", "min_points_number": 3},
    ),
    "random_color": layer("random_color", "$in", "$out", strength=0.5),
}


def between(entry: LayerData, src: str, *dst: str) -> LayerData:
    ways = [*dst, *["null"] * (len(entry["dst"]) - len(dst))]
    return entry | {"src": src.split(), "dst": dst[0] if isinstance(entry["dst"], str) else ways}


def what_is_drawn(layers: list[Any], *places: Path, seed: int = 0) -> dict[str, Any]:
    """Recipe and objects by the name of the image that they are of; what was drawn stands in them."""
    found, _ = run(layers, *places, seed=seed)
    return {entry.name.split("_")[0]: (entry.image and entry.image.recipe, entry.objects) for entry in found}


@pytest.fixture(name="imagery", scope="module")
def fixture_imagery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    size = Size(40, 60)
    entries = [
        replace(item(name, house(), size=size), image=ImageRef.whole(f"s3://bucket/never-read/{name}.tif", size))
        for name in (f"s{number}" for number in range(12))
    ]
    return write(tmp_path_factory.mktemp("imagery"), entries)


def test_every_action_that_may_draw_is_tried_here() -> None:
    assert set(RANDOM) == {name for name, action in ACTIONS.items() if action.may_draw}
    assert all(parse_layers([entry])[0].action.draws() for entry in RANDOM.values())


@pytest.mark.parametrize("action", RANDOM)
def test_a_layers_own_seed_stands_for_the_runs(imagery: Path, action: str) -> None:
    layers = [data("INRIA/*", "$in"), RANDOM[action], save("$out")]
    expected = what_is_drawn(layers, imagery, seed=7)
    layers[1] = drawing(RANDOM[action], seed=7)
    assert what_is_drawn(layers, imagery, seed=0) == what_is_drawn(layers, imagery, seed=1) == expected
    layers[1] = drawing(RANDOM[action], seed=8)
    assert what_is_drawn(layers, imagery) != expected


@pytest.mark.parametrize("action", RANDOM)
def test_a_named_layer_draws_the_same_whatever_stands_beside_it(imagery: Path, action: str) -> None:
    """Other destinations, layers before and after it, and another one of its kind change nothing for it."""
    entry = drawing(RANDOM[action], "mine")
    expected = what_is_drawn([data("INRIA/*", "$in"), entry, save("$out")], imagery)
    more = [
        data("INRIA/*", "$in"),
        tag("$in", "$tagged", "t"),
        layer("dummy", "$tagged", "$same"),
        between(RANDOM[action], "$same", "$other", "null"),
        between(entry, "$same", "$drawn", "null"),
        tag("$other", "$unread", "other"),
        layer("dummy", "$drawn", "$end"),
        save("$end"),
    ]
    assert what_is_drawn(more, imagery) == expected
    renamed = [data("INRIA/*", "$in"), drawing(RANDOM[action], "another"), save("$out")]
    assert what_is_drawn(renamed, imagery) != expected


@pytest.mark.parametrize("action", RANDOM)
def test_two_layers_of_one_action_and_destination_draw_each_its_own(imagery: Path, action: str) -> None:
    alone = what_is_drawn([data("INRIA/*", "$in"), RANDOM[action], save("$out")], imagery)
    found, _ = run([data("INRIA/*", "$in"), RANDOM[action], RANDOM[action], save("$out")], imagery)
    drawn: dict[str, list[Any]] = {}
    for entry in found:
        drawn.setdefault(entry.name.split("_")[0], []).append((entry.image and entry.image.recipe, entry.objects))
    assert all(one in drawn[name] for name, one in alone.items()), "the first draws what it would alone"
    if action in ("if", "split_blocks"):
        assert {len(entries) for entries in drawn.values()} >= {1, 2}, "not both the same way each time"
    else:
        assert all(one != other for one, other in drawn.values())
