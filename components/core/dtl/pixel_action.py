"""What the actions share that change values of pixels and nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from components.core.dtl.action import Action, Context, Element, Emission, QueryLayer
from components.core.imagery.operations import Operation


class PixelAction(Action):
    """Adds one operation to the recipe of an item; sizes and figures stay."""

    trail: ClassVar[str]

    @abstractmethod
    def operation(self, element: Element, layer: QueryLayer, context: Context) -> Operation | None:
        """What is done to the element's pixels, its random numbers drawn; None where that is nothing."""

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element, its pixels to be changed when they are read; nothing is read now."""
        item, operation = element.item, self.operation(element, layer, context)
        if operation is not None and item.image is not None:
            item = replace(item, image=item.image.then(operation))
        yield Emission(element.with_item(item, self.trail))
