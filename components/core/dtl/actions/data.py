"""`data`: where items enter a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.flow import Flow, Integers
from components.core.dtl.mapping import ClassesMapping, map_meta, map_objects, resolve_mapping
from components.core.project import ProjectMeta


class DataSettings(ActionSettings):
    """Settings of `data`."""

    classes_mapping: ClassesMapping = "default"


class Data(Action):
    """Takes the items of its projects and datasets, classes mapped.

    Objects of a renamed class keep figure, tags and description; those of a dropped one go, and the image stays.
    Bitmaps, rectangles, lines and points are clipped to the image as they are read; a polygon only where it is cut.
    """

    name: ClassVar[str] = "data"
    settings_model: ClassVar[type[ActionSettings]] = DataSettings

    @property
    def _mapping_place(self) -> str:
        return f"{self.place}.settings.classes_mapping"

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """Classes after the mapping."""
        resolved = resolve_mapping(self.settings.classes_mapping, meta, self._mapping_place)
        return map_meta(meta, resolved, self._mapping_place)

    def resolved(self, meta: ProjectMeta) -> dict[str, str | None]:
        """The mapping for one project."""
        return resolve_mapping(self.settings.classes_mapping, meta, self._mapping_place)

    def enter(self, element: Element, meta: ProjectMeta) -> Element:
        """An element of a project whose meta is `meta`, classes mapped."""
        if self.settings.classes_mapping == "default":
            return element
        return element.with_item(map_objects(element.item, self.resolved(meta)))

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """Pass on what `enter` made."""
        yield Emission(element)

    def in_columns(self) -> bool:
        """Unless classes are mapped."""
        return bool(self.settings.classes_mapping == "default")

    def apply_each(self, flow: Flow, layer: QueryLayer, context: Context) -> tuple[Flow, Integers]:
        """Pass them on."""
        return flow, np.zeros(len(flow), np.int64)

    def summary(self) -> str:
        """Whether classes are mapped."""
        return "" if self.settings.classes_mapping == "default" else "classes mapped"
