"""Scenes that are wanted or annotated in row parts: what an item's `extra` says of it.

An item of either kind passes through every stage that does not cut or mirror it; an item of neither is a whole scene.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from components.core.errors import DataError
from components.core.geometry import Size, Window
from components.core.imagery.recipe import Crop
from components.core.project.item import Item, Object
from components.core.project.wanted_area import WANTED_AREA

WANTED_ROWS = "wanted_rows"
"""Key of an input item's `extra`: [top, bottom], the rows of the scene that are to be annotated, `bottom` excluded."""

PART = "part"
"""Key of an annotated item's `extra`: {"scene", "top", "height", "width"}; see `ScenePart`."""


@dataclass(frozen=True, slots=True, order=True)
class Rows:
    """Whole rows of a scene: `top`..`bottom - 1`."""

    top: int
    bottom: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    def window(self, size: Size) -> Window:
        """The rows as a window of a scene of `size`."""
        return Window(self.top, 0, self.height, size.width)


@dataclass(frozen=True, slots=True)
class ScenePart:
    """Which rows of which scene an item shows: as many as the item is high.

    Attributes:
        scene: Name of the scene.
        top: First row in the scene.
        size: Of the whole scene, in pixels.
    """

    scene: str
    top: int
    size: Size

    @property
    def name(self) -> str:
        """The part's own name, which sorts by row."""
        return part_name(self.scene, self.top)

    def as_extra(self) -> dict[str, Any]:
        """The form of an item's `extra`."""
        return {"scene": self.scene, "top": self.top, "height": self.size.height, "width": self.size.width}


def part_name(scene: str, top: int) -> str:
    """Name of the part of a scene that begins at row `top`."""
    return f"{scene}__r{top:07d}"


def wanted_rows(item: Item) -> Rows:
    """The rows of an item that are to be annotated; all of them where it does not say.

    Raises:
        DataError: If what it says is not a range of its rows.
    """
    given = item.extra.get(WANTED_ROWS)
    if given is None:
        return Rows(0, item.size.height)
    match given:
        case [int() as top, int() as bottom] if 0 <= top < bottom <= item.size.height:
            return Rows(top, bottom)
    raise DataError(
        f"{item.key}: {WANTED_ROWS}: {given!r} is not a range of its {item.size.height} rows; "
        f"give [top, bottom] with 0 ≤ top < bottom ≤ {item.size.height}"
    )


def with_wanted_rows(item: Item, rows: Rows) -> Item:
    """The same item, of which some rows are to be annotated."""
    return replace(item, extra={**item.extra, WANTED_ROWS: [rows.top, rows.bottom]})


def part_of(item: Item) -> ScenePart | None:
    """Which part of a scene an item shows; None where it is a whole scene.

    Raises:
        DataError: If what it says is not a part.
    """
    given = item.extra.get(PART)
    if given is None:
        return None
    match given:
        case {"scene": str() as scene, "top": int() as top, "height": int() as height, "width": int() as width} if (
            top >= 0 and top + item.size.height <= height and item.size.width == width
        ):
            return ScenePart(scene, top, Size(height, width))
    raise DataError(
        f"{item.key}: {PART}: {given!r} does not hold the item of {item.size} px; "
        "give the scene's name, the part's first row, and the scene's height and width"
    )


def meets_seam(item: Item, box: Window) -> bool:
    """Whether an object may go on in another part of the scene that an item shows rows of.

    Args:
        item: A part, or a whole scene, which has no seams.
        box: Of the object, in the item's pixels.
    """
    part = part_of(item)
    if part is None:
        return False
    ends_scene = part.top + item.size.height == part.size.height
    return (box.top == 0 and part.top > 0) or (box.bottom == item.size.height and not ends_scene)


def row_parts(size: Size, rows: Rows, max_pixels: int, multiple: int = 512) -> list[Rows]:
    """Cut rows of a scene into parts that are not too large.

    Cuts lie at multiples of the parts' height in the scene, so that whoever asks for other rows of the same scene, such
    as one of several pods, finds the same cuts.

    Args:
        size: Of the scene, in pixels.
        rows: Which of its rows.
        max_pixels: The most pixels of a part, unless `multiple` rows have more; 0 for one part, whatever its size.
        multiple: Parts end at multiples of so many rows, but for the last one.
    """
    if not max_pixels:
        return [rows]
    height = max(max_pixels // (size.width * multiple), 1) * multiple
    cuts = range((rows.top // height + 1) * height, rows.bottom, height)
    return [Rows(top, bottom) for top, bottom in pairwise([rows.top, *cuts, rows.bottom])]


def part_item(scene: Item, rows: Rows) -> Item:
    """The item of some rows of a scene; the scene itself, without its wishes, where that is all of them.

    Args:
        scene: A whole scene, or itself a part of one. Its objects are cut to the rows; its rasters, which show all of
            it, are left out.
        rows: Which of its rows.
    """
    extra = {key: value for key, value in scene.extra.items() if key not in (WANTED_ROWS, WANTED_AREA)}
    if rows == Rows(0, scene.size.height):
        return replace(scene, extra=extra)
    whole = part_of(scene) or ScenePart(scene.name, 0, scene.size)
    part = replace(whole, top=whole.top + rows.top)
    window = rows.window(scene.size)
    return replace(
        scene,
        name=part.name,
        size=window.size,
        image=None if scene.image is None else scene.image.then(Crop(window)),
        objects=tuple(_cut(scene.objects, window)),
        rasters={},
        extra={**extra, PART: part.as_extra()},
    )


def _cut(objects: tuple[Object, ...], window: Window) -> list[Object]:
    return [entry.with_figure(figure) for entry in objects for figure in entry.figure.crop(window)]
