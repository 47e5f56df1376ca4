"""`drop_obj_by_class`: objects of some classes go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from components.core.dtl.mapping import check_classes_known
from components.core.dtl.object_action import ClassesAction
from components.core.project import Item, Object, ProjectMeta


class DropByClass(ClassesAction):
    """Objects of the listed classes go, whatever their shape; the classes go too, and the image stays as it is."""

    name: ClassVar[str] = "drop_obj_by_class"

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """Nothing."""
        return []

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """The listed classes go.

        Raises:
            ConfigError: If one is not there.
        """
        check_classes_known(meta, self.settings.classes, f"{self.place}.settings.classes")
        return self.meta_after(meta)

    def meta_after(self, meta: ProjectMeta) -> ProjectMeta:
        """See `change_meta`."""
        return meta.with_classes(known for known in meta.classes if known.title not in self.settings.classes)
