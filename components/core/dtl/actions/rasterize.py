"""`rasterize`: objects become masks that share no pixel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.mapping import convert_classes
from components.core.dtl.object_action import ClassTitle, MappingSettings, mapping_in_words
from components.core.figures import Shape
from components.core.figures.drawing import drawn
from components.core.figures.visible import visible_parts
from components.core.project import Item, Object, ProjectMeta


class RasterizeSettings(MappingSettings):
    """Settings of `rasterize`."""

    classes_mapping: dict[ClassTitle, ClassTitle]
    """Class of the objects that are drawn, and the class of their bitmaps; objects of other classes go."""


class Rasterize(Action):
    """The objects of the listed classes, of any shape, are drawn one over the other in their order, as `poly2bitmap`
    draws them, and each becomes one bitmap of what is still seen of it; one that later objects cover goes. Objects of
    other classes go too, though their classes stay. A bitmap that none covers stays as it is, unread; else the figure's
    box is held in memory. Tags and descriptions are lost; the image stays as it is.
    """

    name: ClassVar[str] = "rasterize"
    settings_model: ClassVar[type[ActionSettings]] = RasterizeSettings

    @property
    def _mapping(self) -> dict[str, str]:
        return dict(self.settings.classes_mapping)

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """Listed classes go, those of bitmaps come; classes that are not listed stay.

        Raises:
            ConfigError: If a class is not there, or one of a new title has another shape.
        """
        return convert_classes(meta, self._mapping, Shape.BITMAP, f"{self.place}.settings.classes_mapping")

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element with its bitmaps."""
        if context.dry and any(entry.class_title in self._mapping for entry in element.item.objects):
            yield Emission(element.with_objects_unknown())
            return
        yield Emission(element.with_item(element.item.with_objects(self._seen(element.item))))

    def _seen(self, item: Item) -> Iterator[Object]:
        mapping = self._mapping
        listed = [entry for entry in item.objects if entry.class_title in mapping]
        bitmaps = [(mapping[entry.class_title], drawn(entry.figure, item.size)) for entry in listed]
        there = [(title, bitmap) for title, bitmap in bitmaps if bitmap is not None]
        for (title, _), part in zip(there, visible_parts([bitmap for _, bitmap in there]), strict=True):
            if part is not None:
                yield Object(title, part)

    def summary(self) -> str:
        """Old and new classes."""
        return mapping_in_words(self._mapping)
