"""The area of interest of a run: which images it takes, and what of them.

Where each image lies is noted in the collection, `planning/area.parquet`, so that a run opens the headers of new images
alone, and the area's file only for these or where it has changed.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from components.core import storage
from components.core.collection.ledger import Collection
from components.core.errors import ConfigError, DataError, StorageError
from components.core.geometry import Size
from components.core.hashing import digest
from components.core.parquet_notes import notes_bytes, read_notes
from components.core.skip_budget import Skipped
from components.core.vectors.files import VectorFile
from components.core.vectors.lies import Lies
from components.plan_imagery.sources import SourceImage

if TYPE_CHECKING:
    from components.core.vectors.layer import VectorLayer

log = logging.getLogger(__name__)

NOTES = ("planning", "area.parquet")
"""Where the notes lie in a collection; they can be deleted, and are made again."""

VERSION = b"footprints:area"
"""Key of their metadata: version of the area that `lies` and `polygons` are of."""

THREADS = 16

_SHAPEFILE_SIDES = (".shx", ".dbf", ".prj", ".cpg")

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "version", "crs", "lies")),
        *((name, pa.int64()) for name in ("height", "width")),
        ("transform", pa.list_(pa.float64())),
        ("polygons", pa.binary()),
    ]
)


@dataclass(frozen=True, slots=True)
class OutsideImage:
    """An image that does not meet the area."""

    id: str
    key: str


@dataclass(frozen=True, slots=True)
class Extent:
    """Where an image lies.

    Attributes:
        size: In pixels.
        crs: "EPSG:…" or WKT.
        transform: From (column, row) to map coordinates, as a, b, c, d, e, f.
    """

    size: Size
    crs: str
    transform: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Note:
    """What is known of an image.

    Attributes:
        extent: Of it.
        lies: Where it lies against the area, if that is known.
        polygons: As `components.core.vectors.area.AreaOnScene` has them.
    """

    extent: Extent
    lies: str = ""
    polygons: bytes = b""


class AreaOfInterest:
    """Limits a listing of images to an area."""

    def __init__(self, uri: str, collection: Collection) -> None:
        """Read the notes of earlier runs.

        Args:
            uri: The area: a vector file, perhaps with `|layername=NAME` behind it.
            collection: Has the notes.

        Raises:
            DataError: If there is no such file.
            StorageError: If a place cannot be reached.
        """
        self.uri = uri
        self._file = VectorFile.parse(uri)
        self._version = _version_of(self._file)
        self._place = collection.place(*NOTES)
        self._known = _read_notes(self._place, self._version)
        self._seen: dict[tuple[str, str], _Note] = {}
        self._made_valid = 0

    def limited(self, images: Iterable[SourceImage | Skipped]) -> Iterator[SourceImage | Skipped | OutsideImage]:
        """The images in their order: those in the area as they are, those on its border with what of them lies in it.

        An image of which nobody knows where it lies stays: whoever opens it finds out what is wrong.

        Raises:
            DataError: If the area cannot be used.
            StorageError: If a place cannot be read, or the notes cannot be written.
        """
        waiting: deque[tuple[SourceImage | Skipped, Future[Extent | None] | None]] = deque()
        with ExitStack() as opened, ThreadPoolExecutor(THREADS, "extents") as pool:
            layer = _LazyArea(self._file, opened)
            for image in images:
                if isinstance(image, Skipped) or (image.id, image.version) in self._known:
                    waiting.append((image, None))
                else:
                    waiting.append((image, pool.submit(_extent, image)))
                if len(waiting) >= 4 * THREADS:
                    yield self._limited(*waiting.popleft(), layer)
            while waiting:
                yield self._limited(*waiting.popleft(), layer)
        if self._made_valid:
            log.warning("%s: rings that cross were made valid; correct them", self.uri)
        if self._seen != self._known and any(note.lies != Lies.OUTSIDE for note in self._seen.values()):
            storage.write_bytes(self._place, _notes_bytes(self._seen, self._version))

    def _limited(
        self, image: SourceImage | Skipped, looked: Future[Extent | None] | None, layer: _LazyArea
    ) -> SourceImage | Skipped | OutsideImage:
        if isinstance(image, Skipped):
            return image
        key = (image.id, image.version)
        extent = looked.result() if looked is not None else self._known[key].extent
        if extent is None:
            return image
        note = self._known.get(key)
        if note is None or not note.lies:
            try:
                note = self._laid_on(extent, layer)
            except DataError as error:
                if layer.is_broken:
                    raise
                return Skipped(image.key, f"{image.uri}: {error}")
        self._seen[key] = note
        if note.lies == Lies.OUTSIDE:
            return OutsideImage(image.id, image.key)
        return replace(image, area=note.polygons) if note.lies == Lies.PARTLY else image

    def _laid_on(self, extent: Extent, layer: _LazyArea) -> _Note:
        from affine import Affine

        from components.core.footprints.geography import PixelGrid
        from components.core.vectors.area import area_on

        found = area_on(layer.get(), PixelGrid(extent.crs, Affine(*extent.transform)), extent.size)
        self._made_valid += found.made_valid
        return _Note(extent, found.lies.value, found.polygons)

    def touches_nothing(self, images_uri: str) -> ConfigError:
        """What is wrong where no image meets the area.

        Args:
            images_uri: Prefix of the images.
        """
        from components.core.footprints.geography import name_of_crs

        with ExitStack() as opened:
            layer = _LazyArea(self._file, opened).get()
            west, south, east, north = layer.bounds
            return ConfigError(
                f"aoi_uri: {self.uri}: touches no image below {images_uri}; it lies from {west:.10g}, {south:.10g} to "
                f"{east:.10g}, {north:.10g} in {name_of_crs(layer.crs)}: check that this is its CRS, and that it is of "
                "the same place as the imagery"
            )


class _LazyArea:
    """The layer of an area, opened when it is needed first."""

    def __init__(self, file: VectorFile, opened: ExitStack) -> None:
        self._file, self._opened = file, opened
        self._layer: VectorLayer | None = None

    @property
    def is_broken(self) -> bool:
        """Whether it could not be opened."""
        return self._layer is None

    def get(self) -> VectorLayer:
        """The layer."""
        if self._layer is None:
            from components.core.vectors.layer import open_layer

            folder = self._opened.enter_context(storage.scratch_folder("area"))
            self._layer = open_layer(self._file, Path(folder))
        return self._layer


def _extent(image: SourceImage) -> Extent | None:
    from components.plan_imagery.headers import extent_of  # GDAL, where an image is new

    try:
        return extent_of(image)
    except DataError:
        return None
    except StorageError:
        if storage.exists(image.uri):
            raise
        return None


def _version_of(file: VectorFile) -> str:
    """Names the content of an area's file, and of those that belong to it."""
    found = storage.stat(file.uri)
    if found is None:
        raise DataError(f"aoi_uri: {file.uri}: there is no such file; check the path or URI")
    parts = [file.layer or "", found.etag, str(found.size_bytes)]
    if file.uri.lower().endswith(".shp"):
        sides = (storage.stat(file.uri[:-4] + suffix) for suffix in _SHAPEFILE_SIDES)
        parts += [side.etag for side in sides if side is not None]
    return digest(file.uri, *parts)


def _read_notes(place: str, version: str) -> dict[tuple[str, str], _Note]:
    """The notes; of another version of the area only where images lie; none where they are broken or missing."""
    notes = read_notes(place)
    holds = notes.metadata.get(VERSION) == version.encode()
    try:
        return {(row["id"], row["version"]): _note_of(row, holds) for row in notes.rows}
    except (ValueError, KeyError, TypeError):
        return {}


def _note_of(row: dict[str, Any], holds: bool) -> _Note:
    return _Note(
        Extent(Size(row["height"], row["width"]), str(row["crs"]), tuple(row["transform"])),
        str(row["lies"]) if holds else "",
        bytes(row["polygons"]) if holds else b"",
    )


def _notes_bytes(notes: dict[tuple[str, str], _Note], version: str) -> bytes:
    rows = [
        {
            "id": scene,
            "version": imagery,
            "crs": note.extent.crs,
            "lies": note.lies,
            "height": note.extent.size.height,
            "width": note.extent.size.width,
            "transform": list(note.extent.transform),
            "polygons": note.polygons,
        }
        for (scene, imagery), note in sorted(notes.items())
    ]
    return notes_bytes(rows, _SCHEMA.with_metadata({VERSION: version.encode()}))
