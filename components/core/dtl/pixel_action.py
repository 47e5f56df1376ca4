"""What the actions share that change pixels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import ClassVar

from components.core.dtl.action import Action, Context, Element, Emission, QueryLayer
from components.core.figures import Figure
from components.core.geometry import Size
from components.core.imagery.operations import Operation
from components.core.project import Item


class PixelAction(Action):
    """Adds one operation that changes values to the recipe of an item; sizes and figures stay."""

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


def with_operation(item: Item, operation: Operation, size: Size, moved: Callable[[Figure], Iterable[Figure]]) -> Item:
    """An item with an operation that moves pixels added to its recipe.

    Args:
        item: The item; further rasters do not follow and are dropped.
        operation: What is done to its image.
        size: Of the item afterwards.
        moved: What becomes of a figure: one, several where it is cut, or none.
    """
    return replace(
        item,
        size=size,
        image=None if item.image is None else item.image.then(operation),
        rasters={},
        objects=tuple(entry.with_figure(part) for entry in item.objects for part in moved(entry.figure)),
    )
