"""`duplicate_objects`: objects are there a second time, in another class."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from components.core.dtl.action import ActionSettings
from components.core.dtl.mapping import check_class_free, check_classes_known
from components.core.dtl.object_action import MappingSettings, ObjectAction, mapping_in_words
from components.core.project import Item, Object, ProjectMeta


class DuplicateObjects(ObjectAction):
    """Every object of a listed class is followed by a copy of the new class, tags and all, whatever its shape; a new
    class has the old one's shape and colour. The image stays as it is, and no pixel is read.
    """

    name: ClassVar[str] = "duplicate_objects"
    settings_model: ClassVar[type[ActionSettings]] = MappingSettings
    key: ClassVar[str] = "classes_mapping"

    def listed(self) -> Iterable[str]:
        """As the settings say."""
        return list(self.settings.classes_mapping)

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """The object and its copy."""
        return [entry, replace(entry, class_title=self.settings.classes_mapping[entry.class_title])]

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """The new classes come; one of the title and shape may be there.

        Raises:
            ConfigError: If a class is not there, or one of a new title has another shape.
        """
        return self.meta_after(meta)

    def meta_after(self, meta: ProjectMeta) -> ProjectMeta:
        """See `change_meta`."""
        place, mapping = f"{self.place}.settings.{self.key}", self.settings.classes_mapping
        check_classes_known(meta, mapping, place)
        known = meta
        for entry in meta.classes:
            title = mapping.get(entry.title)
            if title is not None:
                check_class_free(known, title, entry.shape, place)
                known = known.merged(meta.with_classes([replace(entry, title=title)]))
        return known

    def summary(self) -> str:
        """Old and new classes."""
        return mapping_in_words(self.settings.classes_mapping)
