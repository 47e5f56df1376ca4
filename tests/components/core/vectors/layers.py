"""Polygons in the files of all formats, that tests read back."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import shapely

DRIVERS = {
    ".gpkg": "GPKG",
    ".geojson": "GeoJSON",
    ".geojsonl": "GeoJSONSeq",
    ".fgb": "FlatGeobuf",
    ".shp": "ESRI Shapefile",
}

ALL_SUFFIXES = (*DRIVERS, ".parquet", ".zip", ".json")

WGS84 = "EPSG:4326"


def write_layer(
    path: Path, shapes: Sequence[shapely.Geometry | None], crs: str | None, in_crs: str | None = None, **columns: Any
) -> str:
    """Write shapes, given in one CRS and stored in another, in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = geopandas.GeoDataFrame(columns or {"number": range(len(shapes))}, geometry=list(shapes), crs=crs)
    frame = frame if in_crs is None else frame.to_crs(in_crs)
    suffix = path.suffix
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if suffix == ".parquet":
            frame.to_parquet(path)
        elif suffix == ".json":
            path.write_text(json.dumps(json.loads(frame.to_crs(WGS84).to_json())))
        elif suffix == ".zip":
            folder = path.parent / f"{path.stem}_zipped"
            write_layer(folder / f"{path.stem}.shp", list(frame.geometry), str(frame.crs), **columns)
            with zipfile.ZipFile(path, "w") as archive:
                for part in sorted(folder.iterdir()):
                    archive.write(part, part.name)
        else:
            options = {"COORDINATE_PRECISION": "12"} if suffix.startswith(".geojson") else {}
            frame.to_file(path, driver=DRIVERS[suffix], **options)
    return str(path)
