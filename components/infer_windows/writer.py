"""A scene's windows blended and written: the mask of class indices and the confidence, strip by strip.

Memory is a few batches and the open rows of a strip, whatever the scene's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import groupby

import numpy as np

from components.core.figures import tight_window
from components.core.geometry import Window
from components.core.imagery import BandWriter, Crop, RasterProfile, describe, strip_writer
from components.core.imagery.writing import StripWriter
from components.core.project import ImageRef
from components.core.project.parts import Rows
from components.core.project.predictions import CONFIDENCE_TAGS
from components.infer_windows.arrays import UInt8
from components.infer_windows.batches import WindowBatch
from components.infer_windows.blending import NODATA, Band, Totals, blend, classified
from components.infer_windows.outputs import ClassExtent, PartFiles
from components.infer_windows.region_blending import RegionContributions, blend_regions
from components.infer_windows.regions import RegionPlan
from components.infer_windows.scene_plan import ScenePlan
from components.infer_windows.strip_overlaps import StripContributions, StripOverlap
from components.infer_windows.windows import Strip, WindowPlan

COMPRESS = "zstd"
LEVEL = 1
"""The rasters are read again by the next stages: what packs fastest, at twice the speed of deflate."""


def write_scene(
    image: ImageRef,
    plan: ScenePlan,
    batches: Iterable[WindowBatch],
    parts: Sequence[PartFiles],
    thresholds: Sequence[float] = (),
) -> list[tuple[ClassExtent, ...]]:
    """Blend a scene's windows, give each pixel its class and write.

    Args:
        image: The scene.
        plan: How it was cut.
        batches: All of them, after the network.
        parts: Row parts from the top down, which together are the wanted rows.
        thresholds: For each class but the background, see `classified`; none for the most probable class.

    Returns:
        For each part the classes that occur, by value.

    Raises:
        DataError: If the network gave something that is not a probability.
        StorageError: If a raster cannot be written.
    """
    with open_rasters(image, parts, plan) as rasters:
        for contributions, bands in blended(plan, batches):
            rasters.begin(contributions.strip.width)
            for band in bands:
                values, confidence = classified(band.probabilities, thresholds)
                for unknown in (contributions.validity.invalid(band.top, len(values)), band.unseen):
                    if unknown is not None:
                        np.copyto(values, np.uint8(NODATA), where=unknown)
                        np.copyto(confidence, np.uint8(0), where=unknown)
                rasters.write(band.top, values, confidence)
        return rasters.extents()


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


class _Part:
    """The rasters of some rows, being written."""

    def __init__(self, rows: Rows, classes: int, mask: StripWriter, confidence: StripWriter) -> None:
        self.rows = rows
        self.extents = ClassExtents(classes)
        self._writers = (mask, confidence)
        self._bands: tuple[BandWriter, BandWriter] | None = None

    def write(self, top: int, left: int, values: UInt8, confidence: UInt8) -> None:
        if top == self.rows.top or self._bands is None:
            mask_writer, confidence_writer = self._writers
            self._bands = mask_writer.begin(values.shape[1]), confidence_writer.begin(values.shape[1])
        self.extents.add(top - self.rows.top, left, values)
        self._bands[0].write(values)
        self._bands[1].write(confidence)


class SceneRasters:
    """Takes finished rows, strip by strip; made by `open_rasters`."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._parts = parts
        self._index = 0
        self._left = self._right = 0

    def begin(self, width: int) -> None:
        """Go on with the next strip of columns."""
        self._left, self._right = self._right, self._right + width
        self._index = 0

    def write(self, top: int, values: UInt8, confidence: UInt8) -> None:
        """Append rows of the strip.

        Args:
            top: The first row in the scene.
            values: (H, W) uint8 class indices.
            confidence: (H, W) uint8.
        """
        done = 0
        while done < len(values):
            part = self._parts[self._index]
            rows = slice(done, done + min(len(values) - done, part.rows.bottom - top - done))
            part.write(top + done, self._left, values[rows], confidence[rows])
            done = rows.stop
            self._index += top + done == part.rows.bottom

    def extents(self) -> list[tuple[ClassExtent, ...]]:
        """For each part the classes that occur in it, by value."""
        return [part.extents.found() for part in self._parts]


@contextmanager
def open_rasters(image: ImageRef, parts: Sequence[PartFiles], plan: ScenePlan) -> Iterator[SceneRasters]:
    """Write the rasters of a scene's parts; they appear when the block ends well.

    Args:
        image: The whole scene; where its raster says which pixels hold data, so do the masks.
        parts: From the top down, each beginning where the one before ends.
        plan: Its windows or regions; pixels that these leave out are nodata in the masks.

    Raises:
        StorageError: If a raster cannot be written.
    """
    nodata = NODATA if plan.is_partial or describe(image.uri).is_masked else None
    with ExitStack() as stack:
        opened = []
        for part in parts:
            shown = image.then(Crop(part.rows.window(image.recipe.size)))
            profile = RasterProfile(
                shown.recipe.size, crs=image.crs, transform=shown.item_transform, compress=COMPRESS, level=LEVEL
            )
            mask = stack.enter_context(strip_writer(part.mask, replace(profile, nodata=nodata)))
            confidence = stack.enter_context(strip_writer(part.confidence, replace(profile, tags=CONFIDENCE_TAGS)))
            opened.append(_Part(part.rows, plan.classes, mask, confidence))
        yield SceneRasters(opened)


class ClassExtents:
    """Boxes and areas of the classes, accumulated block by block."""

    def __init__(self, classes: int) -> None:
        """Begin without any pixel.

        Args:
            classes: How many classes there are; greater values are none.
        """
        self._classes = classes
        self._extents: dict[int, ClassExtent] = {}

    def add(self, top: int, left: int, values: UInt8) -> None:
        """Take in a (H, W) block of class indices whose first pixel lies at (top, left)."""
        for value in range(self._classes):
            pixels = values == value
            area = int(np.count_nonzero(pixels))
            box = tight_window(pixels) if area else None
            if box is not None:
                old = self._extents.get(value)
                new = ClassExtent(value, box.shift(top, left), area)
                self._extents[value] = new if old is None else _joined(old, new)

    def found(self) -> tuple[ClassExtent, ...]:
        """The classes that occur, by value."""
        return tuple(self._extents[value] for value in sorted(self._extents))


def _joined(old: ClassExtent, new: ClassExtent) -> ClassExtent:
    box = Window.of_bounds(
        min(old.box.top, new.box.top),
        min(old.box.left, new.box.left),
        max(old.box.bottom, new.box.bottom),
        max(old.box.right, new.box.right),
    )
    return ClassExtent(old.value, box, old.area + new.area)
