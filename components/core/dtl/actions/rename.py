"""`rename`: classes get other titles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar

from components.core.dtl.action import ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.mapping import check_classes_known, map_meta, with_renamed
from components.core.dtl.object_action import MappingSettings, ObjectAction, mapping_in_words
from components.core.project import Item, Object, ProjectMeta


class Rename(ObjectAction):
    """Objects of the listed classes get another class's title and stay as they are, tags and all, whatever their shape.
    Classes of one title become one; their shapes must agree. The image stays as it is.
    """

    name: ClassVar[str] = "rename"
    settings_model: ClassVar[type[ActionSettings]] = MappingSettings
    key: ClassVar[str] = "classes_mapping"

    def listed(self) -> Iterable[str]:
        """As the settings say."""
        return list(self.settings.classes_mapping)

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """The object, renamed."""
        return [replace(entry, class_title=self.settings.classes_mapping[entry.class_title])]

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element with its objects renamed; what is known of their classes goes by the new titles."""
        for emission in super().apply(element, layer, context):
            item = with_renamed(emission.element.item, self.settings.classes_mapping)
            yield replace(emission, element=emission.element.with_item(item))

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """Classes under their new titles.

        Raises:
            ConfigError: If a class is not there, or classes of different shapes would become one.
        """
        return self.meta_after(meta)

    def meta_after(self, meta: ProjectMeta) -> ProjectMeta:
        """See `change_meta`."""
        place, mapping = f"{self.place}.settings.{self.key}", self.settings.classes_mapping
        check_classes_known(meta, mapping, place)
        return map_meta(meta, {title: mapping.get(title, title) for title in meta.titles}, place)

    def summary(self) -> str:
        """Old and new titles."""
        return mapping_in_words(self.settings.classes_mapping)
