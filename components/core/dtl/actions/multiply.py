"""`multiply`: items are there several times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer

MOST = 10_000


class MultiplySettings(ActionSettings):
    """Settings of `multiply`."""

    multiply: int = Field(ge=1, le=MOST)
    """How many times the item is there."""


class Multiply(Action):
    """The item is there so many times, objects, image and all. The first one keeps its name, and the others' names say
    which copy they are, so that later random decisions differ between them.
    """

    name: ClassVar[str] = "multiply"
    settings_model: ClassVar[type[ActionSettings]] = MultiplySettings

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element and its copies."""
        yield Emission(element)
        for number in range(2, self.settings.multiply + 1):
            yield Emission(element.with_item(element.item, f"_copy{number}"))

    def summary(self) -> str:
        """How many."""
        return f"× {self.settings.multiply}"
