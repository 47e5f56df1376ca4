"""Chance is keyed by seed, layer and name: never by order, process or unrelated layers."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from components.core.geometry import Size
from tests.components.core.dtl.projects import house, item, items, run, write
from tests.queries import choose, data, layer, save, tag, windows

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
