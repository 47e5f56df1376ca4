"""`split_masks`: turns one mask into one object a connected component."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, cast

from components.core.dtl.object_action import ClassesAction
from components.core.figures import Bitmap, Shape
from components.core.figures.connected_components import connected_components
from components.core.project import Item, Object


class SplitMasks(ClassesAction):
    """Every bitmap of a listed class becomes one bitmap a component, of the same class; each object is split by itself.

    Components are 8-connected, so that pixels that touch by a corner stay together; holes stay holes. A figure of
    another shape makes its image fail. Tags and descriptions are lost; the image stays as it is.
    """

    name: ClassVar[str] = "split_masks"
    takes: ClassVar[frozenset[Shape]] = frozenset({Shape.BITMAP})
    works_on_pixels: ClassVar[bool] = True

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """The pieces, which lose tags and description."""
        bitmap = cast(Bitmap, entry.figure)
        for part in connected_components(bitmap.mask):
            yield Object(entry.class_title, part.moved(bitmap.top, bitmap.left))
