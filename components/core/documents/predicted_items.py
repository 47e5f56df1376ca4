"""The items that inference gives: what is in their rasters as objects, and what was annotated before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from components.core.documents.predicted import ClassPlan
from components.core.documents.regions import Region
from components.core.figures import Rectangle
from components.core.project import Item, Object
from components.core.project.class_rasters import ClassExtent, PartFiles
from components.core.project.parts import part_item
from components.core.project.predicted_classes import PredictedClass, with_predicted
from components.core.project.predictions import CONFIDENCE_ROLE, MASK_ROLE, PROBABILITY_ROLE


def predicted_items(
    item: Item,
    classes: ClassPlan,
    parts: Sequence[PartFiles],
    extents: Sequence[tuple[ClassExtent, ...]],
    inputs: Sequence[Region],
    predicted: Mapping[str, PredictedClass],
) -> Iterator[Item]:
    """A scene, or its row parts, with what was found.

    Args:
        item: The whole scene.
        classes: What is kept, and how it is called.
        parts: Where the rasters are.
        extents: For each part what its mask holds.
        inputs: The network's inputs in the whole scene.
        predicted: Which class of the network the objects of each title are.

    Returns:
        For each part an item with the objects that are kept, rectangles of the inputs where they are wanted, and
        what was found.
    """
    kept = [
        replace(entry, class_title=classes.existing[entry.class_title])
        for entry in item.objects
        if entry.class_title in classes.existing
    ]
    for region in inputs:
        title, w = classes.rectangle(region), region.window
        if title is not None:
            kept.append(Object(title, Rectangle(w.top, w.left, w.bottom, w.right)))
    scene = item.with_objects(kept)
    for part, found in zip(parts, extents, strict=True):
        shown = part_item(scene, part.rows)
        objects = (*shown.objects, *_found(classes, part.mask, found))
        found_rasters = {MASK_ROLE: part.mask, CONFIDENCE_ROLE: part.confidence, PROBABILITY_ROLE: part.probability}
        rasters = {role: uri for role, uri in {**shown.rasters, **found_rasters}.items() if uri}
        yield with_predicted(replace(shown, objects=objects, rasters=rasters), predicted)


def _found(classes: ClassPlan, mask: str, extents: Sequence[ClassExtent]) -> Iterator[Object]:
    for extent in extents:
        if extent.value in classes.predicted:
            yield Object(classes.predicted[extent.value], extent.bitmap(mask))
