"""`supervisely`: where items leave a query, into a new project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from components.core.dtl.action import Action, Context, Element, Emission, QueryLayer
from components.core.project import ProjectMeta
from components.core.project.materialize import Files


class Save(Action):
    """Saves what arrives; its destination is the new project's name.

    No image is written: what has been done to it is written down, and done when it is read. Objects stay as they are.
    """

    name: ClassVar[str] = "supervisely"

    def files(self, meta: ProjectMeta) -> Files | None:
        """Which files are written of each item; None for a manifest, which refers to pixels.

        Args:
            meta: Of the new project.
        """
        return None

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """Every element that arrives."""
        yield Emission(element)

    def in_columns(self) -> bool:
        """Nothing is looked at."""
        return True
