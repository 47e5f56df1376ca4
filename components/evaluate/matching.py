"""One-to-one matching of predicted with true objects by IoU.

Protocol: pairs with IoU at or above the threshold are taken by falling IoU, each object once (ties by the objects'
order). Above 0.5, objects that do not overlap their own kind have at most one partner, so the matching is then
unique. Sources: Van Etten, Lindenbaum, Bacastow, "SpaceNet: A Remote Sensing Dataset and Challenge Series", 2018
(F1 of footprints at IoU 0.5); Kirillov et al., "Panoptic Segmentation", CVPR 2019 (uniqueness above 0.5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from components.core.figures import Bitmap
from components.core.geometry import Size, Window, row_bands

BAND_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Match:
    """A pair of objects: indices into the two lists, and the IoU of their pixels."""

    truth: int
    predicted: int
    iou: float


def match_objects(truth: Sequence[Bitmap], predicted: Sequence[Bitmap], threshold: float) -> list[Match]:
    """Match objects of one image.

    Args:
        truth: True objects.
        predicted: Predicted objects, on the same pixel grid.
        threshold: The least IoU of a pair, above 0.

    Returns:
        The pairs, by falling IoU.
    """
    found = []
    for first, second in _neighbours(truth, predicted):
        iou = _iou(truth[first], predicted[second], threshold)
        if iou >= threshold:
            found.append(Match(first, second, iou))
    return one_to_one(found)


def one_to_one(pairs: Iterable[Match]) -> list[Match]:
    """Of pairs that may be matched those that are, by falling IoU."""
    taken_truth: set[int] = set()
    taken_predicted: set[int] = set()
    matches = []
    for match in sorted(pairs, key=lambda match: (-match.iou, match.predicted, match.truth)):
        if match.truth not in taken_truth and match.predicted not in taken_predicted:
            taken_truth.add(match.truth)
            taken_predicted.add(match.predicted)
            matches.append(match)
    return matches


def _neighbours(truth: Sequence[Bitmap], predicted: Sequence[Bitmap]) -> list[tuple[int, int]]:
    """Pairs whose boxes meet, from an index over the boxes."""
    if not truth or not predicted:
        return []
    pairs = shapely.STRtree(_boxes(truth)).query(_boxes(predicted), predicate="intersects")
    return [(first, second) for second, first in pairs.T.tolist()]


def _boxes(objects: Sequence[Bitmap]) -> np.ndarray:
    windows = np.array([(w.left, w.top, w.right, w.bottom) for w in (entry.window for entry in objects)], np.float64)
    boxes: np.ndarray = shapely.box(*windows.T)
    return boxes


def _iou(first: Bitmap, second: Bitmap, threshold: float) -> float:
    """IoU of two bitmaps; 0 without a look at the pixels where areas and boxes rule the threshold out."""
    common = first.window.intersection(second.window)
    if common is None:
        return 0.0
    small, large = sorted((first.mask.area, second.mask.area))
    if min(small, common.size.area) / large < threshold:
        return 0.0
    both = common_area(first, second)
    return both / (small + large - both)


def common_area(first: Bitmap, second: Bitmap) -> int:
    """Number of pixels that two bitmaps of one image share; read band by band."""
    common = first.window.intersection(second.window)
    return 0 if common is None else sum(_common_pixels(first, second, band) for band in _bands(common))


def is_mostly_on(entry: Bitmap, ground: Sequence[Bitmap]) -> bool:
    """Whether more than half of an object lies on some ground."""
    return 2 * sum(common_area(entry, part) for part in ground) > entry.mask.area


def _bands(window: Window) -> list[Window]:
    size = Size(window.height, window.width)
    return [band.shift(window.top, window.left) for band in row_bands(size, BAND_ROWS)]


def _common_pixels(first: Bitmap, second: Bitmap, window: Window) -> int:
    one = first.mask.read(window.shift(-first.top, -first.left))
    other = second.mask.read(window.shift(-second.top, -second.left))
    return int(np.count_nonzero(one & other))
