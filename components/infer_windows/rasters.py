"""The mask and the confidence of a scene, or of each of its row parts, written strip by strip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from components.core.imagery import BandWriter, Crop, RasterProfile, describe, strip_writer
from components.core.imagery.writing import StripWriter
from components.core.project import ImageRef
from components.core.project.parts import Rows
from components.core.project.predictions import CONFIDENCE_TAGS
from components.infer_windows.arrays import UInt8
from components.infer_windows.deciding import NO_DATA
from components.infer_windows.extents import ClassExtent, Extents

COMPRESS = "zstd"
LEVEL = 1
"""The rasters are read again by the next stages: what packs fastest, at twice the speed of deflate."""


@dataclass(frozen=True, slots=True)
class PartFiles:
    """Where the results of some rows of a scene go.

    Attributes:
        rows: Which rows.
        mask: URI of the class indices.
        confidence: URI of the confidence.
    """

    rows: Rows
    mask: str
    confidence: str


class _Part:
    """The rasters of some rows, being written."""

    def __init__(self, rows: Rows, classes: int, mask: StripWriter, confidence: StripWriter) -> None:
        self.rows = rows
        self.extents = Extents(classes)
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
def open_rasters(image: ImageRef, parts: Sequence[PartFiles], classes: int) -> Iterator[SceneRasters]:
    """Write the rasters of a scene's parts; they appear when the block ends well.

    Args:
        image: The whole scene; where its raster says which pixels hold data, so do the masks.
        parts: From the top down, each beginning where the one before ends.
        classes: How many there are.

    Raises:
        StorageError: If a raster cannot be written.
    """
    nodata = NO_DATA if describe(image.uri).is_masked else None
    with ExitStack() as stack:
        opened = []
        for part in parts:
            shown = image.then(Crop(part.rows.window(image.recipe.size)))
            profile = RasterProfile(
                shown.recipe.size, crs=image.crs, transform=shown.item_transform, compress=COMPRESS, level=LEVEL
            )
            mask = stack.enter_context(strip_writer(part.mask, replace(profile, nodata=nodata)))
            confidence = stack.enter_context(strip_writer(part.confidence, replace(profile, tags=CONFIDENCE_TAGS)))
            opened.append(_Part(part.rows, classes, mask, confidence))
        yield SceneRasters(opened)
