"""`flip`: mirrors an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.geometry import FlipAxis
from components.core.imagery import Flip
from components.core.project import Item

AXES = {"vertical": FlipAxis.LEFT_RIGHT, "horizontal": FlipAxis.UP_DOWN}
"""The query's word is the axis that stays in place: mirrored about a vertical axis, left and right change places."""

TRAILS = {FlipAxis.LEFT_RIGHT: "_lr", FlipAxis.UP_DOWN: "_ud"}


class FlipSettings(ActionSettings):
    """Settings of `flip`."""

    axis: Literal["vertical", "horizontal"]


class FlipImage(Action):
    """`vertical` mirrors left and right, `horizontal` up and down.

    The image and bitmaps are mirrored by the pixel; in a vector, x becomes width - x, or y height - y, so that a point
    on one border lands on the opposite one. Tags and descriptions stay.
    """

    name: ClassVar[str] = "flip"
    settings_model: ClassVar[type[ActionSettings]] = FlipSettings

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element, mirrored; nothing is read."""
        axis = AXES[self.settings.axis]
        yield Emission(element.with_item(flip_item(element.item, axis), TRAILS[axis]))

    def summary(self) -> str:
        """The axis."""
        return f"{self.settings.axis} axis"


def flip_item(item: Item, axis: FlipAxis) -> Item:
    """An item and its figures, mirrored."""
    return replace(
        item,
        image=None if item.image is None else item.image.then(Flip(axis)),
        rasters={},
        objects=tuple(entry.with_figure(entry.figure.flip(axis, item.size)) for entry in item.objects),
    )
