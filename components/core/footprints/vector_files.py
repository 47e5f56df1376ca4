"""Rows of footprints as geometries, and as features of GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import shapely

from components.core.errors import DataError
from components.core.footprints.geography import Geometries
from components.core.footprints.records import GEOMETRY
from components.core.footprints.validity import is_broken

BATCH_ROWS = 16_384

GEOJSON_DECIMALS = 8
"""Of degrees: about a millimetre."""

Rows: TypeAlias = pa.Table | pa.RecordBatch


def geometries_of(rows: Rows) -> Geometries:
    """The polygons of a table.

    Raises:
        DataError: If one is not valid WKB.
    """
    try:
        found: Geometries = shapely.from_wkb(rows[GEOMETRY].to_numpy(zero_copy_only=False))
    except shapely.errors.ShapelyError as error:
        raise DataError(f"{GEOMETRY}: is not valid WKB ({error}); make the footprints again") from error
    return found


def geojson_features(rows: Rows, shapes: Geometries) -> Iterator[str]:
    """Features of GeoJSON (RFC 7946), each the text of one line.

    Args:
        rows: Whose columns become the features' properties; the geometry's is left out.
        shapes: (N,) what is written instead of it.
    """
    properties = rows.drop_columns([GEOMETRY]).to_pylist()
    for values, geometry in zip(properties, shapely.to_geojson(shapes).tolist(), strict=True):
        head = json.dumps({"type": "Feature", "id": values["id"], "properties": values}, ensure_ascii=False)
        yield f'{head[:-1]}, "geometry": {geometry}}}'


def rounded(geometries: Geometries) -> Geometries:
    """Degrees to `GEOJSON_DECIMALS` decimals, but for polygons that would not survive it."""
    result: Geometries = shapely.transform(geometries, lambda points: np.round(points, GEOJSON_DECIMALS))
    broken = is_broken(result)
    result[broken] = geometries[broken]
    return result
