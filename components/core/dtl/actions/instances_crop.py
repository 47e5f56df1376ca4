"""`instances_crop`: cuts one image out for each object."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.actions.crop import SidesSettings, window_trail
from components.core.dtl.actions.sliding_window import crop_item
from components.core.dtl.lengths import pixels_of
from components.core.dtl.possible import Possible
from components.core.figures import Bitmap, Figure, Line, Polygon, Rectangle
from components.core.geometry import Size, Window
from components.core.project import Object, ProjectMeta


class PadSettings(ActionSettings):
    """How much the box of an object is widened."""

    sides: SidesSettings = SidesSettings()


class InstancesCropSettings(ActionSettings):
    """Settings of `instances_crop`."""

    classes: list[str]
    """An image is cut out for each object of these."""

    pad: PadSettings = PadSettings()
    """Added to the object's box outward, as "20px" or "10%" of the box."""

    save_classes: list[str] = Field(default_factory=list)
    """Objects of these that reach into it stay, cut."""


class InstancesCrop(Action):
    """One image an object of the listed classes: its box, widened by the pads and clipped to the image.

    The object itself stays, whatever its kind, and so do those of `save_classes`, cut as by `crop`; all other objects
    and classes go. A box's borders are rounded half up. Points and level or upright lines have no box and give nothing.
    """

    name: ClassVar[str] = "instances_crop"
    settings_model: ClassVar[type[ActionSettings]] = InstancesCropSettings

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """The listed classes; one that is not there is warned of."""
        self.warn_of_unknown_classes(meta, self.settings.classes)
        kept = {*self.settings.classes, *self.settings.save_classes}
        return meta.with_classes(known for known in meta.classes if known.title in kept)

    def divide(self, arriving: Possible) -> tuple[Possible | None, ...]:
        """Nothing where none of the classes is there."""
        kept = {*self.settings.classes, *self.settings.save_classes}
        there = arriving.meta.with_classes(known for known in arriving.meta.classes if known.title in kept)
        found = any(arriving.meta.find(title) is not None for title in self.settings.classes)
        return (replace(arriving, meta=there) if found else None,)

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """One element an object; nothing is read. How many there are is not known in a dry run past a cut."""
        if context.dry and not element.objects_known:
            yield Emission(replace(element.without_objects(element.item.size), certain=False, counted=False))
            return
        item = element.item
        for entry in item.objects:
            window = self._window(entry, item.size)
            if window is None:
                continue
            if context.dry:
                yield Emission(element.without_objects(window.size, window_trail(window)))
                continue
            kept = [
                other for other in item.objects if other is entry or other.class_title in self.settings.save_classes
            ]
            cut = crop_item(item.with_objects(kept), window)
            yield Emission(element.with_item(cut, window_trail(window)))

    def _window(self, entry: Object, size: Size) -> Window | None:
        box = box_of(entry.figure) if entry.class_title in self.settings.classes else None
        if box is None:
            return None
        sides = self.settings.pad.sides
        padded = Window.of_bounds(
            box.top - pixels_of(sides.top, box.height),
            box.left - pixels_of(sides.left, box.width),
            box.bottom + pixels_of(sides.bottom, box.height),
            box.right + pixels_of(sides.right, box.width),
        )
        return padded.intersection(Window.of_size(size))

    def summary(self) -> str:
        """The classes."""
        return ", ".join(self.settings.classes)


def box_of(figure: Figure) -> Window | None:
    """The box of a figure in whole pixels, its borders rounded half up; None where it has no area."""
    if isinstance(figure, Bitmap):
        return figure.window
    if isinstance(figure, Rectangle):
        top, left, bottom, right = figure.top, figure.left, figure.bottom, figure.right
    elif isinstance(figure, Polygon | Line):
        points = figure.exterior if isinstance(figure, Polygon) else figure.points
        (top, left), (bottom, right) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    else:
        return None
    bounds = (math.floor(side + 0.5) for side in (top, left, bottom, right))
    box = Window.of_bounds(*bounds)
    return box if box.height > 0 and box.width > 0 else None
