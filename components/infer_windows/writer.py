"""A scene's windows blended and written: its classes, the confidence in them and the probabilities, strip by strip.

Memory is a few batches and the open rows of a strip, whatever the scene's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby

import numpy as np

from components.core.geometry import Window
from components.core.imagery import describe
from components.core.project import ImageRef
from components.core.project.class_rasters import ClassExtent, PartFiles, classify_again, open_rasters, rows_profile
from components.core.project.probabilities import UNKNOWN, quantized
from components.infer_windows.batches import WindowBatch
from components.infer_windows.blending import Band, Totals, blend
from components.infer_windows.region_blending import RegionContributions, blend_regions
from components.infer_windows.regions import RegionPlan
from components.infer_windows.scene_plan import ScenePlan
from components.infer_windows.strip_overlaps import StripContributions, StripOverlap
from components.infer_windows.windows import Strip, WindowPlan


def write_scene(
    image: ImageRef,
    plan: ScenePlan,
    batches: Iterable[WindowBatch],
    parts: Sequence[PartFiles],
    thresholds: Sequence[float] = (),
    is_limited: bool = False,
) -> list[tuple[ClassExtent, ...]]:
    """Blend a scene's windows, give each pixel its class and write.

    Args:
        image: The scene.
        plan: How it was cut; pixels that its windows or regions leave out are nodata.
        batches: All of them, after the network.
        parts: Row parts from the top down, which together are the wanted rows.
        thresholds: For each class but the background, see `components.core.project.probabilities.classified`; none for
            the most probable class.
        is_limited: Whether only an area of it is wanted; the rest is nodata, too.

    Returns:
        For each part the classes that occur, by value.

    Raises:
        DataError: If the network gave something that is not a probability.
        StorageError: If a raster cannot be written.
    """
    profiles = [rows_profile(image, part.rows) for part in parts]
    has_unknown = plan.is_partial or is_limited or describe(image.uri).is_masked
    with open_rasters(parts, profiles, plan.classes, thresholds, has_unknown=has_unknown) as rasters:
        for contributions, bands in blended(plan, batches):
            rasters.begin(contributions.strip.width)
            for band in bands:
                values = quantized(band.probabilities)
                for unknown in (contributions.validity.invalid(band.top, values.shape[1]), band.unseen):
                    if unknown is not None:
                        np.copyto(values, np.uint8(UNKNOWN), where=unknown)
                rasters.write(band.top, values)
        return rasters.extents()


def rewrite_scene(
    image: ImageRef, parts: Sequence[PartFiles], thresholds: Sequence[float] = ()
) -> list[tuple[ClassExtent, ...]]:
    """Give each pixel its class by the probabilities that an earlier run kept; arguments and result of `write_scene`.

    Raises:
        DataError: If the probabilities cannot be read.
        StorageError: If they cannot be reached, or a raster cannot be written.
    """
    return [
        classify_again(part.probability, part, rows_profile(image, part.rows), thresholds, part.rows.top)
        for part in parts
    ]


def blended(plan: ScenePlan, batches: Iterable[WindowBatch]) -> Iterator[tuple[StripContributions, Iterator[Band]]]:
    """Blend a scene's windows strip by strip.

    Args:
        plan: How it was cut.
        batches: All of them, after the network.

    Returns:
        For each strip what knows which of its pixels hold data, and its bands; take them before the next strip.
    """
    height = plan.highest if isinstance(plan, RegionPlan) else plan.grid.window.height
    sums = np.empty((plan.planes, height, max(strip.width for strip in plan.strips)), np.float32)
    by_strip = groupby(batches, key=lambda batch: batch.strip)
    with ExitStack() as open_files:
        earlier = StripOverlap()
        for strip, (_, own) in zip(plan.strips, by_strip, strict=True):
            later = open_files.enter_context(StripOverlap())
            area = Window.of_bounds(plan.top, strip.left, plan.bottom, strip.right)
            if isinstance(plan, RegionPlan):
                regions = RegionContributions(plan, strip, earlier, later)
                yield regions, blend_regions(regions.of(own), area, sums, plan.band_rows)
            else:
                windows = StripContributions(plan, strip, earlier, later)
                yield windows, blend(windows.of(own), area, sums, _totals(plan, strip), plan.band_rows)
            earlier.close()
            earlier = later


def _totals(plan: WindowPlan, strip: Strip) -> Totals:
    rows, columns = plan.grid.rows.totals, plan.grid.columns.totals
    return Totals(rows[plan.top : plan.bottom], columns[strip.left : strip.right])
