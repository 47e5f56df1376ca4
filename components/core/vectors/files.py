"""Which files hold vectors, what they are by their names and first bytes, and how they come to local disk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from components.core import storage
from components.core.errors import DataError
from components.core.hashing import digest

LAYER_MARK = "|layername="
"""Stands between a file and the name of one of its layers, as in QGIS."""


class VectorFormat(StrEnum):
    """A format of vector files, by the name that people know it by."""

    GEOPACKAGE = "GeoPackage"
    GEOJSON = "GeoJSON"
    GEOJSONL = "GeoJSONL"
    FLATGEOBUF = "FlatGeobuf"
    GEOPARQUET = "GeoParquet"
    SHAPEFILE = "Shapefile"
    ZIP = "zipped Shapefile"


SUFFIXES: dict[str, VectorFormat] = {
    ".gpkg": VectorFormat.GEOPACKAGE,
    ".geojson": VectorFormat.GEOJSON,
    ".json": VectorFormat.GEOJSON,
    ".geojsonl": VectorFormat.GEOJSONL,
    ".geojsons": VectorFormat.GEOJSONL,
    ".ndjson": VectorFormat.GEOJSONL,
    ".fgb": VectorFormat.FLATGEOBUF,
    ".parquet": VectorFormat.GEOPARQUET,
    ".geoparquet": VectorFormat.GEOPARQUET,
    ".shp": VectorFormat.SHAPEFILE,
    ".zip": VectorFormat.ZIP,
}
"""In small letters."""

NOT_IN_FOLDERS = (".json", ".zip")
"""Too many files that end so are something else; they are read where they are given by name."""

_SHAPEFILE_SIDES = (".shx", ".dbf", ".prj", ".cpg")

_FIRST_BYTES: dict[VectorFormat, tuple[bytes, ...]] = {
    VectorFormat.GEOPACKAGE: (b"SQLite format 3\0",),
    VectorFormat.GEOJSON: (b"{",),
    VectorFormat.GEOJSONL: (b"{", b"\x1e"),
    VectorFormat.FLATGEOBUF: (b"fgb",),
    VectorFormat.GEOPARQUET: (b"PAR1",),
    VectorFormat.SHAPEFILE: (b"\x00\x00\x27\x0a",),
    VectorFormat.ZIP: (b"PK\x03\x04",),
}
"""Of a file that is what its name says. GDAL goes by content, and other formats are lists of files and hosts."""

_BLANKS = b" \t\r\n\xef\xbb\xbf"

SHOWN_SUFFIXES = ".gpkg, .geojson, .geojsonl, .fgb, .parquet, .shp or .zip"


@dataclass(frozen=True, slots=True)
class VectorFile:
    """A vector file, and which of its layers is meant.

    Attributes:
        uri: The file.
        layer: Name of the layer; None for its only one.
    """

    uri: str
    layer: str | None = None

    @classmethod
    def parse(cls, text: str) -> VectorFile:
        """From a path or URI, perhaps with `|layername=NAME` behind it."""
        place, mark, layer = text.partition(LAYER_MARK)
        return cls(storage.absolute_uri(place), layer if mark else None)

    @property
    def format(self) -> VectorFormat:
        """What it is by its name.

        Raises:
            DataError: If its name ends otherwise than those of vector files.
        """
        found = SUFFIXES.get(storage.suffix_of(self.uri).lower())
        if found is None:
            raise DataError(f"{self.uri}: is no vector file by its name; give one that ends in {SHOWN_SUFFIXES}")
        return found

    def at_hand(self, folder: Path) -> str:
        """The name by which GDAL opens the file: a local one, or a copy of one in object storage.

        Args:
            folder: For copies; it must outlive their use.

        Raises:
            DataError: If there is no such file, or it is not what its name says.
            StorageError: If it cannot be read.
        """
        form = self.format
        if storage.stat(self.uri) is None:
            raise DataError(f"{self.uri}: there is no such file; check the path or URI")
        path = storage.parse_uri(self.uri).path
        if storage.is_remote(self.uri):
            path = _copied(self.uri, form, folder / digest(self.uri)[:16])
        _check_first_bytes(path, self.uri, form)
        return _in_zip(path, self.uri) if form is VectorFormat.ZIP else str(path)


def is_vector(uri: str) -> bool:
    """Whether a file in a folder holds vectors by its name; hidden ones do not."""
    suffix = storage.suffix_of(uri).lower()
    return suffix in SUFFIXES and suffix not in NOT_IN_FOLDERS and not storage.name_of(uri).startswith(".")


def names_vector(text: str) -> bool:
    """Whether a text names one vector file, and not a folder."""
    place = text.partition(LAYER_MARK)[0]
    return LAYER_MARK in text or storage.suffix_of(place.rstrip("/")).lower() in SUFFIXES


def _copied(uri: str, form: VectorFormat, folder: Path) -> Path:
    path = folder / storage.name_of(uri)
    storage.get_file(uri, path)
    if form is VectorFormat.SHAPEFILE:
        stem = uri[: -len(storage.suffix_of(uri))]
        for side in _SHAPEFILE_SIDES:
            if storage.exists(f"{stem}{side}"):
                storage.get_file(f"{stem}{side}", path.with_suffix(side))
    return path


def _check_first_bytes(path: Path, uri: str, form: VectorFormat) -> None:
    with storage.local_errors("read", path), path.open("rb") as file:
        first = file.read(4096)
    if form in (VectorFormat.GEOJSON, VectorFormat.GEOJSONL):
        first = first.lstrip(_BLANKS)
    if not first.startswith(_FIRST_BYTES[form]):
        raise DataError(f"{uri}: is not a {form}, as its name says; export it again, or rename it to what it is")


def _in_zip(path: Path, uri: str) -> str:
    try:
        with ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".shp") and "__MACOSX" not in name]
    except (BadZipFile, OSError) as error:
        raise DataError(f"{uri}: cannot be unpacked ({error}); zip the Shapefile again") from error
    if len(names) != 1:
        found = ", ".join(sorted(names)[:5]) or "none"
        raise DataError(f"{uri}: must hold one Shapefile and holds {len(names)} ({found}); zip one with its side files")
    return f"/vsizip/{path}/{names[0]}"
