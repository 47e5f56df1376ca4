"""One layer of a vector file, checked and ready to be read by extent.

GeoPackage and FlatGeobuf with their spatial index are read as they are. Other files are gone through once, batch by
batch, and their polygons written as a FlatGeobuf in a folder of the run's, so that a scene reads its own features and
no others, whatever the format.
"""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyproj.exceptions import CRSError

from components.core.errors import DataError
from components.core.footprints.geography import crs_of
from components.core.hashing import digest
from components.core.vectors.files import LAYER_MARK, VectorFile, VectorFormat

BATCH_ROWS = 16_384

ORDER = "footprints_order"
"""Column of a FlatGeobuf of ours: which feature of the file it was."""

GEOMETRY = "footprints_geometry"

POLYGONAL = (3, 6)
"""shapely's numbers of polygons and multipolygons."""

COLLECTION = 7

_KINDS = {
    **dict.fromkeys((0, 4), "points"),
    **dict.fromkeys((1, 2, 5), "lines"),
    COLLECTION: "collections without polygons",
    -1: "without a geometry",
}

_POLYGON_TYPES = ("Polygon", "MultiPolygon", "Unknown", "GeometryCollection")

_GDAL_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.GeometryError,
    pyogrio.errors.FieldError,
    pa.ArrowException,
    RuntimeError,
    OSError,
)

Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class VectorLayer:
    """A layer that is read by extent.

    Attributes:
        uri: Of its file, for messages.
        path: What GDAL opens.
        name: Of the layer in it.
        crs: "EPSG:…" or WKT.
        attributes: Names of its attributes that hold numbers, truth values or text.
        features: How many polygons and multipolygons it holds, as far as that is known before they are read.
        bounds: Of all, in its CRS: west, south, east, north.
        has_order: Whether `ORDER` says which features they are; else their numbers do.
        passed_over: How many features of the file are none, by what they are.
    """

    uri: str
    path: str
    name: str
    crs: str
    attributes: tuple[str, ...]
    features: int
    bounds: tuple[float, float, float, float]
    has_order: bool = False
    passed_over: dict[str, int] = field(default_factory=dict)


def open_layer(file: VectorFile, folder: Path, may_be_empty: bool = False) -> VectorLayer:
    """Check a layer, and make it ready.

    Args:
        file: The file and its layer.
        folder: For copies; it must outlive the layer's use.
        may_be_empty: Whether a layer without any feature will do.

    Raises:
        DataError: If there is no such file or layer, it is broken, has no CRS, or no polygons.
        StorageError: If it cannot be read.
    """
    path = file.at_hand(folder)
    with _broken(file.uri):
        if file.format is VectorFormat.GEOPARQUET:
            layer = _converted(file.uri, _ParquetSource(path, file.uri), folder)
        else:
            source = _GdalSource(path, _layer_name(path, file), file.uri)
            layer = source.as_it_is() if source.is_indexed else _converted(file.uri, source, folder)
    if not layer.features and (layer.passed_over or not may_be_empty):
        there = ", ".join(f"{count} {name}" for name, count in layer.passed_over.items()) or "no feature at all"
        raise DataError(f"{file.uri}: holds no polygon ({there}); give polygons or multipolygons")
    return layer


@contextmanager
def _broken(uri: str) -> Iterator[None]:
    try:
        yield
    except _GDAL_ERRORS as error:
        raise DataError(f"{uri}: cannot be read as vectors ({error}); is it whole? Export it again") from error


def _layer_name(path: str, file: VectorFile) -> str:
    layers = {str(name): kind for name, kind in pyogrio.list_layers(path)}
    with_geometry = [name for name, kind in layers.items() if kind is not None]
    listed = ", ".join(map(repr, with_geometry)) or "none"
    if file.layer is not None:
        if file.layer not in with_geometry:
            raise DataError(f"{file.uri}: has no layer {file.layer!r} of geometries; its layers are {listed}")
        return file.layer
    if len(with_geometry) != 1:
        raise DataError(
            f"{file.uri}: holds {len(with_geometry)} layers of geometries ({listed}); name one of them, as in "
            f"{file.uri}{LAYER_MARK}{(with_geometry or ['NAME'])[0]}"
        )
    return with_geometry[0]


def _checked_crs(crs: str | None, uri: str) -> str:
    """A CRS that has a place on Earth.

    Raises:
        DataError: If it has none.
    """
    if crs:
        try:
            if crs_of(crs).geodetic_crs is not None:
                return crs
        except CRSError as error:
            raise DataError(f"{uri}: its CRS is unknown ({error}); give it an EPSG code") from error
    raise DataError(
        f"{uri}: says no CRS, so nobody knows where its polygons lie; set it, as ogr2ogr -a_srs EPSG:32633 does, or "
        "add the .prj to a Shapefile"
    )


class _GdalSource:
    """A layer that GDAL reads."""

    def __init__(self, path: str, layer: str, uri: str) -> None:
        self.path, self.layer, self.uri = path, layer, uri
        try:
            self.info: dict[str, Any] = pyogrio.read_info(path, layer=layer, force_total_bounds=True)
        except (UnicodeDecodeError, UnboundLocalError) as error:  # the second where a CRS cannot be decoded
            raise DataError(
                f"{uri}: the name of its CRS or of an attribute is no text ({error}); is it whole? Export it again"
            ) from error
        self.crs = _checked_crs(self.info["crs"], uri)
        self.check_type()
        self.attributes = tuple(
            str(name)
            for name, kind in zip(self.info["fields"], self.info["ogr_types"], strict=True)
            if kind in ("OFTString", "OFTInteger", "OFTInteger64", "OFTReal")
        )

    def check_type(self) -> None:
        """See that the layer may hold polygons."""
        kind = str(self.info["geometry_type"] or "Unknown")
        plain = kind.removeprefix("2.5D ").removeprefix("3D ").removeprefix("Measured ").removesuffix(" ZM")
        plain = plain.removesuffix(" Z").removesuffix(" M")
        if plain not in _POLYGON_TYPES:
            fix = (
                "make polygons of its curves, as ogr2ogr -nlt CONVERT_TO_LINEAR does"
                if "Curve" in plain or "Surface" in plain
                else "give polygons or multipolygons"
            )
            raise DataError(f"{self.uri}: layer {self.layer!r} holds geometries of the type {kind}; {fix}")

    @property
    def is_indexed(self) -> bool:
        """Whether it is read by extent without looking at every feature."""
        return bool(self.info["capabilities"]["fast_spatial_filter"])

    def as_it_is(self) -> VectorLayer:
        """The layer, left where it is."""
        passed_over = _gaps_of_geopackage(self) if self.info["driver"] == "GPKG" else {}
        features = int(self.info["features"]) - sum(passed_over.values())
        bounds = self.info["total_bounds"] if features else (0, 0, 0, 0)
        if bounds is None or not np.isfinite(bounds).all():
            raise DataError(f"{self.uri}: says it has features, and none of them can be read; export it again")
        west, south, east, north = map(float, bounds)
        return VectorLayer(
            self.uri,
            self.path,
            self.layer,
            self.crs,
            self.attributes,
            features,
            (west, south, east, north),
            passed_over=passed_over,
        )

    @contextmanager
    def batches(self) -> Iterator[Iterator[tuple[Geometries, pa.RecordBatch]]]:
        """Geometries and attributes, batch by batch."""
        with pyogrio.open_arrow(
            self.path, layer=self.layer, columns=list(self.attributes), batch_size=BATCH_ROWS, use_pyarrow=True
        ) as (meta, reader):
            column = meta["geometry_name"] or "wkb_geometry"
            yield ((_shapes(batch[column]), batch.select(list(self.attributes))) for batch in reader)


def _gaps_of_geopackage(source: _GdalSource) -> dict[str, int]:
    """How many features of a GeoPackage have no geometry, or an empty one.

    Source: OGC 12-128r19, 2.1.3.1.1: bit 4 of the flags, the fourth byte of a geometry, says that it is empty.
    """
    table, column = (
        '"{}"'.format(name.replace('"', '""')) for name in (source.layer, source.info["geometry_name"] or "geom")
    )
    is_empty = f"instr('13579BDF', substr(hex(substr({column}, 4, 1)), 1, 1)) > 0"
    counted = f"sum({column} IS NULL), sum({column} IS NOT NULL AND {is_empty})"
    query = f"SELECT {counted} FROM {table}"  # noqa: S608
    try:
        with closing(sqlite3.connect(f"{Path(source.path).as_uri()}?mode=ro", uri=True)) as database:
            null, empty = database.execute(query).fetchone()
    except sqlite3.Error:  # what GDAL reads and SQLite alone does not, such as a view with functions of its own
        return {}
    return _named_counts(Counter({-1: null or 0}), empty or 0)


class _ParquetSource:
    """A GeoParquet file.

    Source: GeoParquet 1.1.0.
    """

    def __init__(self, path: str, uri: str) -> None:
        self.file = pq.ParquetFile(path)
        about = (self.file.metadata.metadata or {}).get(b"geo")
        try:
            geo = json.loads(about or b"{}")
            self.column = str(geo["primary_column"])
            entry = geo["columns"][self.column]
            encoding = entry["encoding"]
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{uri}: is a Parquet file without the metadata of GeoParquet; export it again") from error
        if encoding != "WKB":
            raise DataError(f"{uri}: its geometries are stored as {encoding!r}; export it with the encoding WKB")
        crs = entry.get("crs", "OGC:CRS84")
        self.crs = _checked_crs(json.dumps(crs) if isinstance(crs, dict) else crs, uri)
        self.attributes = tuple(
            column.name
            for column in self.file.schema_arrow
            if column.name != self.column
            and (
                pa.types.is_integer(column.type)
                or pa.types.is_floating(column.type)
                or pa.types.is_boolean(column.type)
                or pa.types.is_string(column.type)
                or pa.types.is_large_string(column.type)
            )
        )

    @contextmanager
    def batches(self) -> Iterator[Iterator[tuple[Geometries, pa.RecordBatch]]]:
        """Geometries and attributes, batch by batch."""
        columns = [self.column, *self.attributes]
        found = self.file.iter_batches(BATCH_ROWS, columns=columns)
        yield ((_shapes(batch[self.column]), batch.select(list(self.attributes))) for batch in found)


def _shapes(column: pa.Array) -> Geometries:
    found: Geometries = shapely.from_wkb(column.to_numpy(zero_copy_only=False), on_invalid="ignore")
    return shapely.force_2d(found)


def _converted(uri: str, source: _GdalSource | _ParquetSource, folder: Path) -> VectorLayer:
    """The polygons of a source as a FlatGeobuf."""
    path = folder / f"{digest(uri)[:16]}.fgb"
    folder.mkdir(parents=True, exist_ok=True)
    others: Counter[int] = Counter()
    tally = {"seen": 0, "kept": 0, "empty": 0}
    bounds = np.array([np.inf, np.inf, -np.inf, -np.inf])
    with source.batches() as found:
        fields = [pa.field(GEOMETRY, pa.binary()), pa.field(ORDER, pa.int64())]

        def kept() -> Iterator[pa.RecordBatch]:
            for shapes, rows in found:
                kinds = shapely.get_type_id(shapes)
                empty = shapely.is_empty(shapes) & (kinds >= 0)
                polygonal = np.isin(kinds, POLYGONAL) | ((kinds == COLLECTION) & _hold_polygons(shapes))
                keep = polygonal & ~empty
                others.update(kinds[~polygonal & ~empty].tolist())
                tally["empty"] += int(np.count_nonzero(empty))
                order = np.arange(tally["seen"], tally["seen"] + len(shapes))[keep]
                tally["seen"] += len(shapes)
                tally["kept"] += len(order)
                if len(order):
                    low, high = np.split(shapely.bounds(shapes[keep]), 2, axis=1)
                    bounds[:2], bounds[2:] = np.minimum(bounds[:2], low.min(0)), np.maximum(bounds[2:], high.max(0))
                    chosen = rows.filter(pa.array(keep))
                    arrays = [pa.array(shapely.to_wkb(shapes[keep]).tolist(), pa.binary()), pa.array(order)]
                    yield pa.RecordBatch.from_arrays([*arrays, *chosen.columns], schema=schema)

        schema = pa.schema([*fields, *(_schema_of(source))])
        reader = pa.RecordBatchReader.from_batches(schema, kept())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pyogrio.write_arrow(
                reader,
                path,
                driver="FlatGeobuf",
                geometry_name=GEOMETRY,
                geometry_type="Unknown",
                crs=source.crs,
            )
    passed_over = _named_counts(others, tally["empty"])
    west, south, east, north = bounds.tolist()
    return VectorLayer(
        uri,
        str(path),
        path.stem,
        source.crs,
        source.attributes,
        tally["kept"],
        (west, south, east, north),
        True,
        passed_over,
    )


def _schema_of(source: _GdalSource | _ParquetSource) -> Iterator[pa.Field]:
    if isinstance(source, _ParquetSource):
        schema = source.file.schema_arrow
        yield from (pa.field(name, schema.field(name).type) for name in source.attributes)
        return
    if not source.attributes:
        return
    with pyogrio.open_arrow(
        source.path, layer=source.layer, columns=list(source.attributes), read_geometry=False, use_pyarrow=True
    ) as (_, reader):
        yield from (pa.field(name, reader.schema.field(name).type) for name in source.attributes)


def _hold_polygons(shapes: Geometries) -> npt.NDArray[np.bool_]:
    parts, owner = shapely.get_parts(shapes, return_index=True)
    found = np.bincount(owner, np.isin(shapely.get_type_id(parts), POLYGONAL), len(shapes))
    return np.asarray(found > 0)


def _named_counts(kinds: Counter[int], empty: int) -> dict[str, int]:
    named: Counter[str] = Counter()
    for kind, count in kinds.items():
        named[_KINDS.get(kind, "of other types")] += count
    named["with an empty geometry"] += empty
    return {name: count for name, count in sorted(named.items()) if count}
