"""The items of the output project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from components.core.documents.predicted import ClassPlan
from components.core.figures import Bitmap, RasterMask, Rectangle
from components.core.geometry import Window
from components.core.imagery import MaskRaster, Recipe
from components.core.project import Item, Object
from components.core.project.parts import part_item
from components.core.project.predictions import CONFIDENCE_ROLE, MASK_ROLE
from components.infer_windows.extents import ClassExtent
from components.infer_windows.rasters import PartFiles


def annotated(
    item: Item,
    classes: ClassPlan,
    parts: Sequence[PartFiles],
    extents: Sequence[tuple[ClassExtent, ...]],
    windows: Sequence[Window],
) -> Iterator[Item]:
    """A scene, or its row parts, with what was found.

    Args:
        item: The whole scene.
        classes: What is kept, and how it is called.
        parts: Where the rasters are.
        extents: For each part what its mask holds.
        windows: Of the whole scene.

    Returns:
        For each part an item with the objects that are kept, the windows where they are wanted, and what was found.
    """
    kept = [
        replace(entry, class_title=classes.existing[entry.class_title])
        for entry in item.objects
        if entry.class_title in classes.existing
    ]
    if classes.window is not None:
        kept += [Object(classes.window, Rectangle(w.top, w.left, w.bottom, w.right)) for w in windows]
    scene = item.with_objects(kept)
    for part, found in zip(parts, extents, strict=True):
        shown = part_item(scene, part.rows)
        objects = (*shown.objects, *_found(classes, part.mask, found))
        rasters = {**shown.rasters, MASK_ROLE: part.mask, CONFIDENCE_ROLE: part.confidence}
        yield replace(shown, objects=objects, rasters=rasters)


def _found(classes: ClassPlan, mask: str, extents: Sequence[ClassExtent]) -> Iterator[Object]:
    for extent in extents:
        if extent.value in classes.predicted:
            pixels = RasterMask(MaskRaster(mask, extent.value), Recipe(extent.box), extent.area)
            yield Object(classes.predicted[extent.value], Bitmap(extent.box.top, extent.box.left, pixels))
