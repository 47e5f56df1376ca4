"""`supervisely`: where items leave a query, into a new project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from components.core.dtl.action import Action, Context, Element, Emission, QueryLayer


class Save(Action):
    """Saves what arrives; its destination is the new project's name."""

    name: ClassVar[str] = "supervisely"

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """Every element that arrives."""
        yield Emission(element)

    def in_columns(self) -> bool:
        """Nothing is looked at."""
        return True
