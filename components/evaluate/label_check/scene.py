"""A pair of items as a scene whose labels are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from components.core.class_titles import NEUTRAL_CLASS
from components.core.figures import AREA_SHAPES, Bitmap, Figure, Polygon
from components.core.figures.connected_components import components_of_bands
from components.core.figures.row_bands import as_bitmap, mask_bands
from components.core.footprints.polygonize import placed_outlines
from components.core.geometry import Size, Window
from components.core.project import Item
from components.core.project.item import ATTRIBUTES
from components.core.project.probabilities import LEVELS, UNKNOWN
from components.evaluate.class_probability import ClassProbability, probability_of
from components.evaluate.counting import bitmaps_of_class, pixel_m_of, validity_of
from components.evaluate.label_check.doubts import Seen
from components.evaluate.label_check.support import Float32

BAND_ROWS = 512


@dataclass(frozen=True)
class Label:
    """One labelled object.

    Attributes:
        class_title: Its class.
        shape: Its outline, (column, row) of the scene's pixels.
        bitmap: Its pixels; None where it has none, and of other classes than the one that is judged.
        attributes: What vector labels say of it.
    """

    class_title: str
    shape: shapely.Geometry
    bitmap: Bitmap | None
    attributes: Mapping[str, Any] = field(default_factory=dict)


def labels_of(item: Item, judged: str) -> list[Label]:
    """The labels of an item: each polygon is one; of masks, each component of all masks of a class.

    Args:
        item: Of the truth.
        judged: The class whose labels are judged.
    """
    found = []
    of_masks: dict[str, list[Bitmap]] = {}
    for entry in item.objects:
        if entry.class_title == NEUTRAL_CLASS or entry.figure.shape not in AREA_SHAPES:
            continue
        figure = entry.figure
        if isinstance(figure, Polygon):
            bitmap = as_bitmap(figure, item.size) if entry.class_title == judged else None
            attributes = entry.extra.get(ATTRIBUTES, {})
            found.append(Label(entry.class_title, shape_of(figure), bitmap, attributes))
        else:
            of_masks.setdefault(entry.class_title, []).extend(_bitmap(figure, item.size))
    for title, bitmaps in of_masks.items():
        bands = mask_bands(bitmaps, item.size, BAND_ROWS)
        parts = components_of_bands((band.top, rows) for band, rows in bands)
        shapes = placed_outlines(parts)
        found += [
            Label(title, shape, part if title == judged else None) for part, shape in zip(parts, shapes, strict=True)
        ]
    return found


def _bitmap(figure: Figure, size: Size) -> list[Bitmap]:
    bitmap = as_bitmap(figure, size)
    return [] if bitmap is None else [bitmap]


def shape_of(polygon: Polygon) -> shapely.Polygon:
    """A polygon's outline, (column, row)."""
    return shapely.Polygon(polygon.exterior[:, ::-1], [hole[:, ::-1] for hole in polygon.interiors])


def scene_of(
    true: Item, predicted: Item, labels: Sequence[Label], predicted_class: str, ignored: Sequence[Bitmap]
) -> tuple[Seen, bool]:
    """A pair as a scene.

    Args:
        true: Item of the truth.
        predicted: Its partner, of the same size.
        labels: Of the true item.
        predicted_class: Class of predicted objects.
        ignored: Ground of the true item that nobody labelled.

    Returns:
        The scene, and whether probabilities say how sure the network is; else its objects do.

    Raises:
        StorageError: If a raster cannot be reached.
    """
    objects = bitmaps_of_class(predicted, predicted_class)
    source = probability_of(predicted, predicted_class)
    seen = Seen(
        true.key,
        true.size,
        [label.bitmap for label in labels],
        objects,
        _Drawn(objects) if source is None else _Probability(source),
        validity_of(true),
        ignored,
        pixel_m_of(true),
    )
    return seen, source is not None


@dataclass(frozen=True, slots=True)
class _Probability:
    """Probabilities as they were kept; 0 where nothing is known."""

    source: ClassProbability

    def __call__(self, window: Window) -> Float32:
        values = self.source.read(window)
        return np.where(values == UNKNOWN, 0, values).astype(np.float32) / np.float32(LEVELS)


class _Drawn:
    """Predicted objects in the place of probabilities: 1 inside them, else 0."""

    def __init__(self, objects: Sequence[Bitmap]) -> None:
        self._objects = objects
        boxes = [shapely.box(w.left, w.top, w.right, w.bottom) for w in (entry.window for entry in objects)]
        self._tree = shapely.STRtree(boxes)

    def __call__(self, window: Window) -> Float32:
        canvas = np.zeros((window.height, window.width), np.uint8)
        box = shapely.box(window.left, window.top, window.right, window.bottom)
        for index in self._tree.query(box, predicate="intersects").tolist():
            self._objects[index].moved(-window.top, -window.left).draw(canvas, 1)
        return canvas.astype(np.float32)
