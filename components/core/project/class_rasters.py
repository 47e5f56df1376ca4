"""The rasters that inference gives: classes, the confidence in them, and the probabilities that both follow from.

They are written in one pass from the network's probabilities, or the first two from the last, which needs no network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.figures import Bitmap, RasterMask, tight_window
from components.core.geometry import Window, row_bands
from components.core.imagery import (
    BandWriter,
    Crop,
    MaskRaster,
    RasterProfile,
    Recipe,
    describe,
    read_band,
    strip_writer,
)
from components.core.imagery.writing import StripWriter
from components.core.project.item import ImageRef
from components.core.project.parts import Rows
from components.core.project.predictions import CONFIDENCE_TAGS, PROBABILITY_TAGS
from components.core.project.probabilities import UNKNOWN, bands_of, classes_of, classified

UInt8 = npt.NDArray[np.uint8]

COMPRESS = "zstd"
LEVEL = 1
"""The rasters are read again by the next stages: what packs fastest, at twice the speed of deflate."""

BAND_ROWS = 512


@dataclass(frozen=True, slots=True)
class PartFiles:
    """Where the results of some rows of a scene go.

    Attributes:
        rows: Which rows.
        mask: URI of the class indices.
        confidence: URI of the confidence.
        probability: URI of the probabilities; empty where they are not kept.
    """

    rows: Rows
    mask: str
    confidence: str
    probability: str = ""


@dataclass(frozen=True, slots=True)
class ClassExtent:
    """Where a class is in a mask.

    Attributes:
        value: Index of the class, which is its value in the mask.
        box: The smallest window that holds all its pixels.
        area: Number of its pixels.
    """

    value: int
    box: Window
    area: int

    def bitmap(self, mask: str) -> Bitmap:
        """The class's pixels in a mask, by reference."""
        return Bitmap(
            self.box.top, self.box.left, RasterMask(MaskRaster(mask, self.value), Recipe(self.box), self.area)
        )


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


def rows_profile(image: ImageRef, rows: Rows) -> RasterProfile:
    """Size, CRS and transform of the rasters of some rows of an image."""
    shown = image.then(Crop(rows.window(image.recipe.size)))
    return RasterProfile(shown.recipe.size, crs=image.crs, transform=shown.item_transform)


class _Part:
    """The rasters of some rows, being written."""

    def __init__(self, rows: Rows, classes: int, writers: Sequence[StripWriter]) -> None:
        self.rows = rows
        self.extents = ClassExtents(classes)
        self._writers = writers
        self._bands: list[BandWriter] = []

    def write(self, top: int, left: int, rasters: Sequence[UInt8]) -> None:
        if top == self.rows.top or not self._bands:
            self._bands = [writer.begin(rasters[0].shape[1]) for writer in self._writers]
        self.extents.add(top - self.rows.top, left, rasters[0])
        for band, values in zip(self._bands, rasters, strict=True):
            band.write(values)


class SceneRasters:
    """Takes finished rows, strip by strip; made by `open_rasters`."""

    def __init__(self, parts: Sequence[_Part], thresholds: Sequence[float], keeps: bool, has_unknown: bool) -> None:
        self._parts = parts
        self._thresholds = thresholds
        self._keeps = keeps
        self._has_unknown = has_unknown
        self._index = 0
        self._left = self._right = 0

    def begin(self, width: int) -> None:
        """Go on with the next strip of columns."""
        self._left, self._right = self._right, self._right + width
        self._index = 0

    def write(self, top: int, values: UInt8) -> None:
        """Append rows of the strip.

        Args:
            top: The first row in the scene.
            values: (B, H, W) uint8, as `quantized` gives them; `UNKNOWN` where nothing is known.
        """
        classes, confidence = classified(values, self._thresholds)
        if self._has_unknown:
            unknown = values[0] == UNKNOWN
            np.copyto(classes, np.uint8(UNKNOWN), where=unknown)
            np.copyto(confidence, np.uint8(0), where=unknown)
        done = 0
        while done < len(classes):
            part = self._parts[self._index]
            end = done + min(len(classes) - done, part.rows.bottom - top - done)
            rasters = [classes[done:end], confidence[done:end]]
            part.write(top + done, self._left, [*rasters, values[:, done:end]] if self._keeps else rasters)
            done = end
            self._index += top + done == part.rows.bottom

    def extents(self) -> list[tuple[ClassExtent, ...]]:
        """For each part the classes that occur in it, by value."""
        return [part.extents.found() for part in self._parts]


@contextmanager
def open_rasters(
    parts: Sequence[PartFiles],
    profiles: Sequence[RasterProfile],
    classes: int,
    thresholds: Sequence[float] = (),
    *,
    has_unknown: bool = True,
) -> Iterator[SceneRasters]:
    """Write the rasters of a scene's parts; they appear when the block ends well.

    Args:
        parts: From the top down, each beginning where the one before ends; all keep their probabilities or none does.
        profiles: For each its size, CRS and transform.
        classes: How many classes there are, the background included.
        thresholds: See `classified`.
        has_unknown: Whether there may be pixels of which nothing is known; they are nodata then.

    Raises:
        StorageError: If a raster cannot be written.
    """
    nodata = UNKNOWN if has_unknown else None
    with ExitStack() as stack:
        opened = []
        for part, shape in zip(parts, profiles, strict=True):
            profile = replace(shape, compress=COMPRESS, level=LEVEL)
            files = {
                part.mask: replace(profile, nodata=nodata),
                part.confidence: replace(profile, tags=CONFIDENCE_TAGS),
            }
            if part.probability:
                files[part.probability] = replace(
                    profile, bands=bands_of(classes), nodata=nodata, tags=PROBABILITY_TAGS
                )
            writers = [stack.enter_context(strip_writer(file, described)) for file, described in files.items()]
            opened.append(_Part(part.rows, classes, writers))
        yield SceneRasters(opened, thresholds, any(part.probability for part in parts), has_unknown)


def classify_again(
    probability: str, part: PartFiles, profile: RasterProfile, thresholds: Sequence[float] = (), top: int = 0
) -> tuple[ClassExtent, ...]:
    """Write the classes and the confidence that follow from probabilities that were kept.

    Args:
        probability: URI of their raster.
        part: Which rows of the scene, and where to; where it names another raster of probabilities, they are copied.
        profile: Size, CRS and transform of these rows.
        thresholds: See `classified`.
        top: Row of the scene that the raster begins with.

    Returns:
        The classes that occur, by value.

    Raises:
        DataError: If the raster cannot be read, or is none of probabilities of these rows.
        StorageError: If it cannot be reached, or a raster cannot be written.
    """
    info = describe(probability)
    if info.dtype != "uint8" or info.size.width != profile.size.width or info.size.height < part.rows.bottom - top:
        raise DataError(
            f"{probability}: has {info.dtype} of {info.size} px, not the probabilities of rows {part.rows.top} to "
            f"{part.rows.bottom - 1} of a scene {profile.size.width} px wide; delete it, and detect the scene again"
        )
    files = replace(part, probability="") if part.probability == probability else part
    has_unknown = info.nodata is not None
    with open_rasters([files], [profile], classes_of(info.bands), thresholds, has_unknown=has_unknown) as rasters:
        rasters.begin(profile.size.width)
        for band in row_bands(profile.size, BAND_ROWS):
            window = band.shift(part.rows.top - top, 0)
            values = np.stack([read_band(probability, window, number + 1) for number in range(info.bands)])
            rasters.write(part.rows.top + band.top, values)
        return rasters.extents()[0]
