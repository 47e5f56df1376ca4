"""`split_masks`: turns one mask into one object a connected component."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, cast

from components.core.dtl.object_action import ClassesAction
from components.core.figures import Bitmap, Shape
from components.core.figures.connected_components import connected_components
from components.core.project import Item, Object


class SplitMasks(ClassesAction):
    """8-connected components, holes kept; each object is split by itself."""

    name: ClassVar[str] = "split_masks"
    takes: ClassVar[frozenset[Shape]] = frozenset({Shape.BITMAP})
    works_on_pixels: ClassVar[bool] = True

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """The pieces, which lose tags and description."""
        bitmap = cast(Bitmap, entry.figure)
        for part in connected_components(bitmap.mask):
            yield Object(entry.class_title, part.moved(bitmap.top, bitmap.left))
