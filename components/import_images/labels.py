"""Vector labels of one scene: polygons on its pixels, and ground that nobody labelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.core.class_titles import NEUTRAL_CLASS
from components.core.coco.reading import CocoImage
from components.core.errors import DataError
from components.core.figures import Bitmap, Figure, Polygon
from components.core.figures.centre_rule import Rings, holding_centres
from components.core.figures.row_bands import as_bitmap, mask_bands
from components.core.footprints.geography import PixelGrid
from components.core.geometry import Size, Window, row_bands
from components.core.project import Item, Object
from components.core.project.item import ATTRIBUTES
from components.core.storage import scratch_folder
from components.core.vectors.area import outside, polygons_in
from components.core.vectors.features import Features, features_on
from components.core.vectors.files import VectorFile
from components.core.vectors.layer import VectorLayer, open_layer

BAND_PIXELS = 1 << 22
"""Of what is drawn at once to count pixels."""

LABELLED, UNLABELLED = 1, 2


@dataclass(frozen=True, slots=True)
class SceneLabels:
    """Where a scene's labels are.

    Attributes:
        source: A layer that many scenes share, the scene's own file, or what a file of COCO annotations says of it.
        area: Layer of the ground that was labelled; None for all ground.
        attribute: Name of the attribute that says an object's class; empty for one class.
        by_default: Whether a scene that has no label, and no area says that it was looked at, shows no building.
    """

    source: VectorLayer | VectorFile | CocoImage
    area: VectorLayer | None = None
    attribute: str = ""
    by_default: bool = False


@dataclass(frozen=True, slots=True)
class LabelSummary:
    """What a scene's labels hold.

    Attributes:
        features: Numbers of the features that touch the scene.
        objects: How many polygons these are in it.
        made_valid: Numbers of features that were made valid.
        unreadable: How many features are no polygons, or none that can be read.
        passed_over: What a file of the scene's own holds beside polygons.
        pixels: Of the scene.
        building: Pixels of objects, but for unlabelled ground.
        unlabelled: Pixels of unlabelled ground.
        is_empty: Whether nothing says that anybody looked at the scene.
    """

    features: tuple[int, ...]
    objects: int
    made_valid: tuple[int, ...]
    unreadable: int
    passed_over: dict[str, int]
    pixels: int
    building: int
    unlabelled: int
    is_empty: bool


def label_scene(
    item: Item, labels: SceneLabels, title: str, area: bytes = b""
) -> tuple[tuple[Object, ...], LabelSummary]:
    """Read the labels of a scene.

    Args:
        item: The scene, without objects.
        labels: Where they are.
        title: Class of objects whose attribute says none.
        area: What of the scene lies in the area of interest, as `components.core.vectors.area.AreaOnScene` has it;
            empty for all of it.

    Returns:
        Objects, unlabelled ground last; and what they are.

    Raises:
        DataError: If the scene has no georeference, or its labels cannot be read; or COCO annotations are of another
            size.
    """
    if isinstance(labels.source, CocoImage):
        return _label_by_coco(item, labels.source, labels, title, area)
    grid = PixelGrid.of_item(item)
    if grid is None:
        raise DataError(
            f"item {item.key}: its image has no CRS and transform, so labels cannot be laid on it; georeference it, or "
            "give a mask of its pixels"
        )
    found, passed_over = _read(labels, grid, item.size)
    objects = [
        Object(_title(feature.attributes, labels.attribute, title), polygon, extra=_extra(feature.attributes))
        for feature in found.found
        for polygon in feature.polygons
    ]
    is_empty = not objects and labels.area is None and not isinstance(labels.source, VectorFile)
    looked_at = None if labels.area is None else _on_scene(labels.area, grid, item.size)
    if is_empty and not labels.by_default:
        looked_at = []  # nobody looked at any of it
    objects += _neutral(looked_at, area, item.size)
    counts = _pixels(objects, item.size)
    return tuple(objects), LabelSummary(
        tuple(feature.number for feature in found.found),
        sum(len(feature.polygons) for feature in found.found),
        found.made_valid,
        found.unreadable,
        passed_over,
        item.size.area,
        counts[LABELLED],
        counts[UNLABELLED],
        is_empty,
    )


def _label_by_coco(
    item: Item, coco: CocoImage, labels: SceneLabels, title: str, area: bytes
) -> tuple[tuple[Object, ...], LabelSummary]:
    """The labels of a scene from COCO annotations; it needs no georeference unless there is a labelled area."""
    if coco.size != item.size:
        raise DataError(
            f"{coco.uri}: its image {coco.file_name!r} has {coco.size} px, and item {item.key} {item.size} px; give "
            "annotations of the image as it is"
        )
    objects = [
        Object(NEUTRAL_CLASS if entry.is_crowd else entry.category if labels.attribute else title, figure)
        for entry in sorted(coco.objects, key=lambda entry: entry.is_crowd)
        for figure in entry.figures(item.size)
    ]
    looked_at = None
    if labels.area is not None:
        grid = PixelGrid.of_item(item)
        if grid is None:
            raise DataError(f"item {item.key}: has no CRS and transform, so the labelled area cannot be laid on it")
        looked_at = _on_scene(labels.area, grid, item.size)
    objects += _neutral(looked_at, area, item.size)
    clipped = tuple(
        entry.with_figure(figure)
        for entry in objects
        for figure in _clipped(entry.figure, item.size, coco.has_run_lengths)
    )
    bitmaps: dict[bool, list[Bitmap]] = {True: [], False: []}
    for entry in clipped:
        bitmap = as_bitmap(entry.figure, item.size)
        if bitmap is not None:
            bitmaps[entry.class_title == NEUTRAL_CLASS].append(bitmap)
    building = unlabelled = 0
    rows = max(1, BAND_PIXELS // item.size.width)
    for (_, silent), (_, labelled) in zip(
        *(mask_bands(part, item.size, rows) for part in bitmaps.values()), strict=True
    ):
        unlabelled += int(np.count_nonzero(silent))
        building += int(np.count_nonzero(labelled & ~silent))
    count = sum(entry.class_title != NEUTRAL_CLASS for entry in clipped)
    passed_over = {"boxes without a segmentation": coco.boxes} if coco.boxes else {}
    return clipped, LabelSummary((), count, (), 0, passed_over, item.size.area, building, unlabelled, is_empty=False)


def _on_scene(area: VectorLayer, grid: PixelGrid, size: Size) -> Sequence[Polygon]:
    return features_on(area, grid, size, with_attributes=False).polygons


def _neutral(looked_at: Sequence[Polygon] | None, area: bytes, size: Size) -> Iterator[Object]:
    """What lies outside the ground that somebody looked at (None: all), and outside the area of interest."""
    grounds = [*([] if looked_at is None else [looked_at]), *([polygons_in(area)] if area else [])]
    for polygons in grounds:
        yield from (Object(NEUTRAL_CLASS, polygon) for polygon in outside(polygons, size))


def _clipped(figure: Figure, size: Size, as_pixels: bool) -> Sequence[Figure]:
    if not as_pixels:
        return figure.crop(Window.of_size(size))
    bitmap = as_bitmap(figure, size)
    return () if bitmap is None else (bitmap,)


def _read(labels: SceneLabels, grid: PixelGrid, size: Size) -> tuple[Features, dict[str, int]]:
    if isinstance(labels.source, CocoImage):
        raise TypeError("COCO annotations are in pixels already")
    if isinstance(labels.source, VectorLayer):
        return features_on(labels.source, grid, size), {}
    with scratch_folder("labels") as folder:
        layer = open_layer(labels.source, folder, may_be_empty=True)
        if layer.features:
            check_attribute(layer, labels.attribute)
        return features_on(layer, grid, size), layer.passed_over


def check_attribute(layer: VectorLayer, attribute: str) -> None:
    """See that a layer has the attribute that says the class.

    Raises:
        DataError: If it has not.
    """
    if attribute and attribute not in layer.attributes:
        there = ", ".join(layer.attributes) or "none"
        raise DataError(f"{layer.uri}: has no attribute {attribute!r} of text or numbers for label_attribute: {there}")


def _title(attributes: dict[str, Any], attribute: str, title: str) -> str:
    value = attributes.get(attribute) if attribute else None
    if value is None:
        return title
    return f"{value:g}" if isinstance(value, float) else str(value)


def _extra(attributes: dict[str, Any]) -> dict[str, Any]:
    return {ATTRIBUTES: attributes} if attributes else {}


def _pixels(objects: Sequence[Object], size: Size) -> Counter[int]:
    """How many pixels of a scene are labelled, and how many are unlabelled ground, which lies over labels."""
    counts: Counter[int] = Counter()
    neutral: list[Rings] = []
    labelled: list[Rings] = []
    for entry in objects:
        if isinstance(entry.figure, Polygon):
            (neutral if entry.class_title == NEUTRAL_CLASS else labelled).append(entry.figure.rings)
    for band in row_bands(size, max(1, BAND_PIXELS // size.width)):
        silent = holding_centres(neutral, band)
        counts[UNLABELLED] += int(np.count_nonzero(silent))
        counts[LABELLED] += int(np.count_nonzero(holding_centres(labelled, band) & ~silent))
    return counts
