from datetime import UTC, datetime
from pathlib import Path

import pystac
import pytest

from components.core.collection.ledger import Mark, SceneRecord
from components.core.collection.stac import (
    MAX_ITEM_LINKS,
    Extent,
    Period,
    collection_json,
    document_bytes,
    item_place,
    model_place,
    scene_item,
)
from tests.components.core.collection.stac.scenes import CLASSES, DETECTED, MARK, MODEL, TRANSFORM, record
from tests.components.core.collection.stac.valid import check, links

OTHER = Mark("b-1", "0123", "4567")


def collection(marks: list[Mark], extent: Extent = Extent()) -> dict:  # noqa: B008
    return collection_json(marks, extent, classes=CLASSES, models=[MODEL, MODEL])


def extent_of(detection: SceneRecord) -> Extent:
    """Of one scene, as its item says when it is."""
    return Extent(detection.bounds, Period.of_captured(detection.captured) or Period.instant(DETECTED))


def test_a_collection_is_valid_and_links_to_what_it_holds() -> None:
    extent = extent_of(record())
    found = collection([OTHER, MARK], extent)

    check(found)
    assert links(found, "item") == [f"./{item_place(MARK)}", f"./{item_place(OTHER)}"]
    assert links(found, "derived_from") == [f"./{model_place(MODEL)}"]
    assert links(found, "root") == ["./collection.json"]
    assert not links(found, "self")
    assert found["summaries"] == {"footprints:model": [MODEL[:12]], "footprints:detector": ["4567", MARK.detector]}
    assert set(found["item_assets"]) == {"mask", "confidence", "probability", "coverage", "footprints"}


def test_a_collection_of_nothing_is_valid() -> None:
    found = collection_json([], Extent(), classes=CLASSES, models=[])

    check(found)
    assert found["extent"]["spatial"]["bbox"] == [[-180, -90, 180, 90]]


def test_more_items_than_can_be_listed_are_explained() -> None:
    marks = [Mark(f"s{number:06d}", "ab", "cd") for number in range(MAX_ITEM_LINKS + 1)]

    assert len(links(collection(marks[:-1]), "item")) == MAX_ITEM_LINKS
    found = collection(marks)
    assert not links(found, "item")
    assert f"Its {MAX_ITEM_LINKS + 1} items are not linked" in found["description"]


def test_the_order_of_scenes_does_not_matter() -> None:
    assert document_bytes(collection([MARK, OTHER])) == document_bytes(collection([OTHER, MARK]))


def test_extents_grow() -> None:
    first = extent_of(record(bounds=(1.0, 2.0, 3.0, 4.0), captured="2024"))
    second = extent_of(record(bounds=(2.0, 0.0, 5.0, 3.0), captured=""))

    both = Extent() | first | second | Extent()

    assert both.bounds == (1, 0, 5, 4)
    assert both.period == Period(datetime(2024, 1, 1, tzinfo=UTC), DETECTED)


def test_the_extent_holds_the_times_of_all_items() -> None:
    for captured in ("", "2026-05-01", "2026-05-01T10:00:00Z"):
        said = scene_item(MARK, record(captured=captured), transform=TRANSFORM, classes=CLASSES, detected=DETECTED)[
            "properties"
        ]
        (start, end), *_ = collection([], extent_of(record(captured=captured)))["extent"]["temporal"]["interval"]
        assert (start, end) == (
            said.get("start_datetime") or said["datetime"],
            said.get("end_datetime") or said["datetime"],
        )


def test_across_the_180th_meridian_all_longitudes_are_within() -> None:
    east, west = Extent((170.0, -20.0, -175.0, -10.0)), Extent((10.0, 0.0, 20.0, 1.0))

    assert (east | west).bounds == (-180, -20, 180, 1)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", "2024-01-01T00:00:00", "2024-12-31T23:59:59"),
        ("2024-02", "2024-02-01T00:00:00", "2024-02-29T23:59:59"),
        ("2024-02-03", "2024-02-03T00:00:00", "2024-02-03T23:59:59"),
        ("2024-02-03T04:05", "2024-02-03T04:05:00", "2024-02-03T04:05:00"),
    ],
)
def test_days_months_and_years_are_meant_whole(text: str, start: str, end: str) -> None:
    found = Period.of_captured(text)

    assert found == Period(datetime.fromisoformat(f"{start}Z"), datetime.fromisoformat(f"{end}Z"))


@pytest.mark.parametrize("text", ["", "2024-13", "2024-02-30", "0000", "2024:02:03 04:05:06", "x" * 5])
def test_what_is_no_time_is_none(text: str) -> None:
    assert Period.of_captured(text) is None


def test_the_tree_can_be_moved(tmp_path: Path) -> None:
    root = tmp_path / "here"
    place = root / item_place(MARK)
    place.parent.mkdir(parents=True)
    made = scene_item(MARK, record(), transform=TRANSFORM, classes=CLASSES, detected=DETECTED)
    place.write_bytes(document_bytes(made))
    (root / "collection.json").write_bytes(document_bytes(collection([MARK], extent_of(record()))))
    moved = root.rename(tmp_path / "there")

    read = pystac.Collection.from_file(str(moved / "collection.json"))
    (found,) = read.get_items()

    assert found.id == MARK.scene
    assert found.get_collection().id == read.id
    assert found.assets["mask"].get_absolute_href() == str(
        moved / "scenes" / MARK.scene / (f"{MARK.version}.{MARK.detector}/mask.tif")
    )
