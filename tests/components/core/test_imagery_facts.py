"""What a model keeps of the imagery that it learnt from, and what is said of imagery that is unlike it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from affine import Affine

from components.core.geometry import Size, Window
from components.core.imagery import Crop
from components.core.imagery_facts import ImageFacts, ImageryFacts, facts_of_items, seen_gsd_m, warn_of_differences
from components.core.project import ImageRef, Item

SIZE = Size(100, 100)
PHOTOGRAPH = ImageFacts(0.3, "uint8", "", "red, green and blue")
LEARNT = ImageryFacts.of([PHOTOGRAPH, replace(PHOTOGRAPH, gsd_m=0.2), replace(PHOTOGRAPH, gsd_m=0.31)])


def item(name: str, gsd_m: float, **extra: object) -> Item:
    place = Affine(gsd_m, 0, 500_000, 0, -gsd_m, 5_300_000)
    return Item("ds", name, SIZE, ImageRef.whole(f"{name}.tif", SIZE, "EPSG:32633", place), extra=extra)


def test_each_image_counts_once_however_many_items_show_it() -> None:
    first = item("a", 0.3)
    assert first.image is not None
    crops = [replace(first, image=first.image.then(Crop(Window(place, 0, 10, 10)))) for place in (0, 50)]
    scaling = {"mode": "percentile", "low": 0.0, "high": 1.0, "dtype": "float32"}
    other = item("b", 0.5, scaling=scaling, colours="grey")
    bare = Item("ds", "c", SIZE, ImageRef.whole("c.tif", SIZE))

    found = facts_of_items([*crops, other, bare, Item("ds", "d", SIZE)])

    assert [facts.gsd_m for facts in found] == [pytest.approx(0.3, rel=1e-3), pytest.approx(0.5, rel=1e-3), None]
    assert [facts.values for facts in found] == ["uint8", "float32 scaled by percentile", "uint8"]
    assert [facts.colours for facts in found] == ["red, green and blue", "grey", "red, green and blue"]
    assert ImageryFacts.of(found).values == ("uint8", "float32 scaled by percentile")


def test_what_a_network_sees_is_as_wide_as_its_input_makes_it() -> None:
    size = Size(50, 50)

    three = [item("a", 0.3), item("b", 0.5), item("c", 0.6)]
    assert seen_gsd_m(three, size, pads=False) == pytest.approx(1.0, rel=1e-3)
    assert seen_gsd_m([item("a", 0.3)], Size(200, 50), pads=False) == pytest.approx(0.3, rel=1e-3)
    for side, seen in ((200, 0.3), (100, 0.3), (50, 0.6)):
        assert seen_gsd_m([item("a", 0.3)], Size(side, side), pads=True) == pytest.approx(seen, rel=1e-3)
    first = item("a", 0.3)
    assert first.image is not None
    small = replace(first, size=Size(10, 10), image=first.image.then(Crop(Window(20, 0, 10, 10))))
    assert seen_gsd_m([small], Size(20, 20), pads=False) == pytest.approx(0.15, rel=1e-3)
    assert seen_gsd_m([Item("ds", "bare", SIZE, ImageRef.whole("c.tif", SIZE))], size, pads=False) is None


@pytest.mark.parametrize("gsd_m", [None, 0.14, 0.2, 0.46])
def test_what_is_like_it_gives_no_word(gsd_m: float | None) -> None:
    assert LEARNT.gsd_m == (0.2, 0.3, 0.31)
    assert LEARNT.differences([replace(PHOTOGRAPH, gsd_m=gsd_m)]) == ()


def test_what_is_unlike_it_is_named_with_what_to_do() -> None:
    coarse = [replace(PHOTOGRAPH, gsd_m=1.2), replace(PHOTOGRAPH, gsd_m=0.6), replace(PHOTOGRAPH, gsd_m=0.05)]
    deep = ImageFacts(0.3, "uint16", "percentile", "bands 4, 1, 2")

    resolution, values, colours = LEARNT.differences([PHOTOGRAPH, *coarse, deep])

    assert resolution == (
        "3 of 5 images have pixels of 0.05 to 1.2 m on the ground, and the model learnt from 0.2 to 0.31 m: resample "
        "the images to about 0.3 m, or train with such imagery"
    )
    assert values.startswith("1 of 5 images has uint16 scaled by percentile pixels, and the model learnt from uint8:")
    assert colours.startswith("1 of 5 images has bands 4, 1, 2 for colours, and the model learnt from red, green and")


def test_it_is_kept_with_the_model(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "data.json").write_text(json.dumps({"project": "INRIA", "imagery": LEARNT.as_json()}))
    assert ImageryFacts.of_model(tmp_path) == LEARNT
    warn_of_differences(tmp_path, [item("a", 0.3)])
    assert not caplog.records
    warn_of_differences(tmp_path, [item("a", 3.0)])
    assert "1 of 1 images has pixels of 3 m on the ground" in caplog.text


@pytest.mark.parametrize("content", [None, "{}", "[]", "no JSON", '{"imagery": {"gsd_m": 1}}', '{"imagery": null}'])
def test_an_older_model_gives_no_word(tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str | None) -> None:
    if content is not None:
        (tmp_path / "data.json").write_text(content)
    warn_of_differences(tmp_path, [item("a", 3.0)])
    assert not caplog.records
