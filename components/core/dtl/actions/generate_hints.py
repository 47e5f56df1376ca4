"""`generate_hints`: points inside and outside of objects, as somebody might click on them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.mapping import check_class_free, with_new_classes
from components.core.dtl.object_action import ClassTitle
from components.core.dtl.possible import Possible
from components.core.figures import Bitmap, Point, Shape
from components.core.figures.connected_components import BAND_PIXELS
from components.core.figures.drawing import drawn
from components.core.figures.mask import BoolPixels
from components.core.figures.row_bands import mask_bands
from components.core.geometry import Size
from components.core.hashing import hash_integer, uniform
from components.core.project import Item, Object, ProjectMeta

MEAN_MORE = 2
"""Points that there are on the average beyond the least number, before these are cut to whole numbers."""

MOST_POINTS = 1_000_000


class GenerateHintsSettings(ActionSettings):
    """Settings of `generate_hints`."""

    class_: str = Field(alias="class")
    """Class of the objects that points are inside or outside of."""

    positive_class: ClassTitle
    """Class of the points inside."""

    negative_class: ClassTitle
    """Class of the points outside."""

    min_points_number: int = Field(ge=0, le=MOST_POINTS)
    """Least number of points of each kind, as far as there are pixels."""


class GenerateHints(Action):
    """Points are added after all objects: of the positive class at pixels that the class's objects cover, drawn as
    `poly2bitmap` draws them, and of the negative class at others. Of each kind there are `min_points_number` and, cut
    to a whole number, an exponential variate of mean 2 more, but no more than pixels, each at a pixel of its own; all
    pixels are as likely. Chance is keyed by the seed, the layer and the item's name. Masks are read by row band, twice;
    of a polygon, rectangle or line the box is held in memory. The objects and the image stay as they are.
    """

    name: ClassVar[str] = "generate_hints"
    settings_model: ClassVar[type[ActionSettings]] = GenerateHintsSettings
    may_draw: ClassVar[bool] = True

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """The points' classes are there; a class to be inside of that is not there is warned of.

        Raises:
            ConfigError: If there is a class of a point's title and another shape.
        """
        self.warn_of_unknown_class(meta, self.settings.class_, "class")
        return self._with_points(meta)

    def _with_points(self, meta: ProjectMeta) -> ProjectMeta:
        for key in ("positive_class", "negative_class"):
            check_class_free(meta, getattr(self.settings, key), Shape.POINT, f"{self.place}.settings.{key}")
        return with_new_classes(meta, [self.settings.positive_class, self.settings.negative_class], Shape.POINT)

    def divide(self, arriving: Possible) -> tuple[Possible | None, ...]:
        """All that arrives; of an unknown class, `change_meta` warns."""
        return (replace(arriving, meta=self._with_points(arriving.meta)),)

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element with its points."""
        if context.dry:
            yield Emission(element.with_objects_unknown())
            return
        keys = layer.key, str(element.source), element.trail
        item = element.item
        points = self._points(item, context.seed_of(layer), keys)
        yield Emission(element.with_item(item.with_objects([*item.objects, *points])))

    def _points(self, item: Item, seed: int, keys: tuple[str, ...]) -> Iterator[Object]:
        figures = (entry.figure for entry in item.objects if entry.class_title == self.settings.class_)
        bitmaps = [bitmap for bitmap in (drawn(figure, item.size) for figure in figures) if bitmap is not None]
        inside = sum(int(np.count_nonzero(pixels)) for _, pixels in _bands(bitmaps, item.size))
        for title, covered, there in (
            (self.settings.positive_class, True, inside),
            (self.settings.negative_class, False, item.size.area - inside),
        ):
            kind = (*keys, "inside" if covered else "outside")
            more = int(-MEAN_MORE * math.log(1 - uniform(seed, *kind)))
            chosen = distinct_integers(min(self.settings.min_points_number + more, there), there, seed, kind)
            for row, column in _places(chosen, bitmaps, item.size, covered):
                yield Object(title, Point(float(row), float(column)))

    def summary(self) -> str:
        """Classes and least number."""
        settings = self.settings
        return (
            f"{settings.positive_class} and {settings.negative_class} by {settings.class_}, "
            f"at least {settings.min_points_number}"
        )


def distinct_integers(count: int, below: int, seed: int, keys: tuple[str, ...]) -> list[int]:
    """Different integers from 0 to `below` - 1, each set of them as likely, in ascending order.

    Source: Floyd's algorithm, in Bentley, "Programming pearls: a sample of brilliance", Communications of the ACM 30,
    1987.

    Args:
        count: How many; at most `below`.
        below: What they are below of.
        seed: Of the draw.
        keys: What the draw is for.
    """
    chosen: set[int] = set()
    for last in range(below - count, below):
        drawn_now = hash_integer(seed, *keys, str(last)) % (last + 1)
        chosen.add(last if drawn_now in chosen else drawn_now)
    return sorted(chosen)


def _bands(bitmaps: list[Bitmap], size: Size) -> Iterator[tuple[int, BoolPixels]]:
    """(first row, (H, W) bool), band by band."""
    for band, pixels in mask_bands(bitmaps, size, max(1, BAND_PIXELS // size.width)):
        yield band.top, pixels


def _places(chosen: list[int], bitmaps: list[Bitmap], size: Size, covered: bool) -> Iterator[tuple[int, int]]:
    """Row and column of the pixels that are covered, or are not, of these numbers in row-major order."""
    numbers = np.array(chosen, np.int64)
    passed = 0
    for top, pixels in _bands(bitmaps, size) if chosen else ():
        wanted = pixels.ravel() == covered
        behind = passed + int(np.count_nonzero(wanted))
        here = numbers[np.searchsorted(numbers, passed) : np.searchsorted(numbers, behind)]
        if len(here):
            rows, columns = np.divmod(np.flatnonzero(wanted)[here - passed], size.width)
            yield from zip((rows + top).tolist(), columns.tolist(), strict=True)
        passed = behind
