"""The regions of an image that inference runs on, each as one input of the network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from components.core.documents.inference_modes import (
    ALL_CLASSES,
    WHERE,
    BboxesMode,
    FullImageMode,
    Mode,
    RegionMode,
    RoiMode,
    SlidingWindowMode,
)
from components.core.dtl.lengths import pixels_of
from components.core.errors import DataError
from components.core.figures import Bitmap
from components.core.figures.bounds import bounds_of, rings_of
from components.core.geometry import Size, Window
from components.core.network.encoders import MOST_SIDE_PX
from components.core.project import Object

MOST = Size(MOST_SIDE_PX, MOST_SIDE_PX)
"""The most of an image that goes through the network at once, as of a sliding window; more than memory holds beyond."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of an image as one input.

    Attributes:
        window: Which part.
        title: Class of the object whose box it is; None where it is of no object.
    """

    window: Window
    title: str | None = None


def regions_of(mode: RegionMode, size: Size, objects: Iterable[Object] = ()) -> list[Region]:
    """The regions of an image.

    Args:
        mode: Says which.
        size: Of the image, in pixels.
        objects: What is annotated in it.

    Returns:
        The regions: one of the modes but bboxes, there one of each object of the wanted classes that has a pixel in the
        image once its box is padded.

    Raises:
        DataError: If bounds leave nothing of the image, or a region is too large for one input.
    """
    regions = list(_regions(mode, size, objects))
    for region in regions:
        _check_size(mode, region)
    return regions


def distinct_windows(regions: Iterable[Region]) -> tuple[Window, ...]:
    """Where regions lie, each place once, from the top down and from left to right."""
    return tuple(sorted({region.window for region in regions}))


def why_not(mode: Mode, size: Size) -> str | None:
    """Why no image of a size can be done; None where one may be.

    Args:
        mode: Which regions of it to infer.
        size: Of the image, in pixels.
    """
    if isinstance(mode, SlidingWindowMode):
        return mode.why_not(size)
    try:
        regions_of(mode, size)
    except DataError as error:
        return str(error)
    return None


def _regions(mode: RegionMode, size: Size, objects: Iterable[Object]) -> Iterator[Region]:
    match mode:
        case FullImageMode():
            yield Region(Window.of_size(size))
        case RoiMode():
            yield Region(_inside(mode, size))
        case BboxesMode():
            for entry in objects:
                if _is_asked_for(mode, entry):
                    window = _padded(mode, entry).intersection(Window.of_size(size))
                    if window is not None:
                        yield Region(window, entry.class_title)


def _is_asked_for(mode: BboxesMode, entry: Object) -> bool:
    """Whether an object is of a wanted class, and has a box at all."""
    named = mode.from_classes == ALL_CLASSES or entry.class_title in mode.from_classes
    return named and (isinstance(entry.figure, Bitmap) or len(rings_of(entry.figure)[0]) > 0)


def _inside(mode: RoiMode, size: Size) -> Window:
    sides = mode.bounds
    top, bottom = (pixels_of(length, size.height) for length in (sides.top, sides.bottom))
    left, right = (pixels_of(length, size.width) for length in (sides.left, sides.right))
    for low, high, length, words in (
        (top, bottom, size.height, f"top {sides.top} and bottom {sides.bottom} leave none of the {{}} rows"),
        (left, right, size.width, f"left {sides.left} and right {sides.right} leave none of the {{}} columns"),
    ):
        if low + high >= length:
            raise DataError(f"{WHERE}: mode.bounds: {words.format(length)} of the image; leave at least one")
    return Window.of_bounds(top, left, size.height - bottom, size.width - right)


def _padded(mode: BboxesMode, entry: Object) -> Window:
    """The box of an object in whole pixels, its sides rounded half up, and its padding; it may have no area."""
    box, sides = bounds_of(entry.figure), mode.padding
    ends = (box.top, box.left, box.bottom, box.right)
    if not all(map(math.isfinite, ends)):
        raise DataError(
            f"an object of class {entry.class_title!r} is nowhere: the top, left, bottom and right of its box are "
            f"{', '.join(map(str, ends))}; fix its coordinates"
        )
    top, left, bottom, right = (math.floor(side + 0.5) for side in ends)
    height, width = bottom - top, right - left
    return Window.of_bounds(
        top - pixels_of(sides.top, height),
        left - pixels_of(sides.left, width),
        bottom + pixels_of(sides.bottom, height),
        right + pixels_of(sides.right, width),
    )


def _check_size(mode: RegionMode, region: Region) -> None:
    size = region.window.size
    if size.height <= MOST.height and size.width <= MOST.width:
        return
    what = "the image" if isinstance(mode, FullImageMode) else f"{region.window}"
    of_object = "" if region.title is None else f", the box of an object of class {region.title!r},"
    narrower = {"roi": "set narrower bounds, or ", "bboxes": "leave its class out of from_classes, or "}
    raise DataError(
        f"{WHERE}: mode.source: {mode.source!r} runs {what}{of_object} through the network at once, which is {size} "
        f"px; the limit is {MOST} px; {narrower.get(mode.source, '')}use 'sliding_window'"
    )
