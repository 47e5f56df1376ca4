"""`split_masks`: turns one mask into one object a connected component."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.possible import Possible
from components.core.errors import DataError
from components.core.figures import Bitmap
from components.core.figures.connected_components import connected_components
from components.core.project import Object, ProjectMeta


class SplitMasksSettings(ActionSettings):
    """Settings of `split_masks`."""

    classes: list[str]


class SplitMasks(Action):
    """8-connected components, holes kept; each object is split by itself."""

    name: ClassVar[str] = "split_masks"
    settings_model: ClassVar[type[ActionSettings]] = SplitMasksSettings

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """Classes stay; one that is not there is warned of."""
        self.warn_of_unknown_classes(meta, self.settings.classes)
        return meta

    def divide(self, arriving: Possible) -> tuple[Possible | None, ...]:
        """All that arrives; of unknown classes, `change_meta` warns."""
        return (arriving,)

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element with its listed objects in pieces; the pieces lose tags and description."""
        if context.dry:
            yield Emission(replace(element, objects_known=False))
            return
        objects = [part for entry in element.item.objects for part in self._split(entry, element)]
        yield Emission(element.with_item(element.item.with_objects(objects)))

    def _split(self, entry: Object, element: Element) -> Iterator[Object]:
        if entry.class_title not in self.settings.classes:
            yield entry
            return
        figure = entry.figure
        if not isinstance(figure, Bitmap):
            raise DataError(
                f"{self.place}.settings.classes: an object of {entry.class_title!r} in image {element.source.name!r} "
                f"is a {figure.shape}, and only bitmaps can be split; leave the class out, or make bitmaps of it first"
            )
        for part in connected_components(figure.mask):
            placed = Bitmap(figure.top + part.top, figure.left + part.left, part.mask)
            yield Object(entry.class_title, placed)

    def summary(self) -> str:
        """The classes."""
        return ", ".join(self.settings.classes)
