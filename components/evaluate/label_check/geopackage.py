"""A GeoPackage of labels and suggestions to correct in QGIS, in which one layer is always the corrected labels.

That layer is a view: all labels, less those of which a suggestion is accepted, and what accepted suggestions put in
their place. So a tick in QGIS is all that a correction takes, and the file itself can be given as labels. Labels that
are edited, added or deleted by hand count as well.

Source: OGC 12-128r19 (GeoPackage 1.4), on views; GDAL takes a view's column OGC_FID as its feature numbers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from components.core.footprints.gdal_files import VectorLayer, add_geopackage_layer
from components.core.footprints.geography import name_of_crs
from components.core.footprints.qgis_style import StyleRule, add_style
from components.core.storage import not_written
from components.evaluate.label_check.doubts import DoubtKind
from components.evaluate.label_check.suggestions import LABELS_SCHEMA, SUGGESTIONS_SCHEMA

COLUMN = "geom"
"""What GDAL calls the geometries of a GeoPackage."""

LABELS, SUGGESTIONS, CORRECTED = "labels", "suggestions", "corrected_labels"

RULES = (
    StyleRule("accepted", '"accept"', (102, 102, 102)),
    StyleRule("missing: a building without a label", f"\"kind\" = '{DoubtKind.MISSING}'", (0, 158, 115)),
    StyleRule("unsupported: a label without a building", f"\"kind\" = '{DoubtKind.UNSUPPORTED}'", (213, 94, 0)),
    StyleRule("shifted: where the label should be", "ELSE", (0, 114, 178)),
)

_VIEW = f"""
CREATE VIEW {CORRECTED} AS
SELECT l.fid AS OGC_FID, l.class, l.scene, l.attributes, l.{COLUMN}
FROM {LABELS} AS l
WHERE l.label IS NULL
  OR l.label NOT IN (SELECT s.label FROM {SUGGESTIONS} AS s WHERE s.accept AND s.label IS NOT NULL)
UNION ALL
SELECT s.fid + (SELECT coalesce(max(l.fid), 0) FROM {LABELS} AS l), s.class, s.scene,
  (SELECT l.attributes FROM {LABELS} AS l WHERE l.label = s.label), s.{COLUMN}
FROM {SUGGESTIONS} AS s
WHERE s.accept AND s.kind IS NOT '{DoubtKind.UNSUPPORTED}'
"""  # noqa: S608

_INDEX = f"CREATE INDEX {LABELS}_label ON {LABELS} (label)"

_CONTENTS = f"""
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id)
SELECT '{CORRECTED}', data_type, '{CORRECTED}', 'The labels with accepted suggestions, for labels_uri', srs_id
FROM gpkg_contents WHERE table_name = '{LABELS}'
"""  # noqa: S608

_GEOMETRY = f"""
INSERT INTO gpkg_geometry_columns (table_name, column_name, geometry_type_name, srs_id, z, m)
SELECT '{CORRECTED}', column_name, geometry_type_name, srs_id, z, m
FROM gpkg_geometry_columns WHERE table_name = '{LABELS}'
"""  # noqa: S608


def write_suggestions(
    file: Path, crs: str, labels: Iterable[pa.RecordBatch], suggestions: Iterable[pa.RecordBatch]
) -> None:
    """Write labels and suggestions.

    Args:
        file: To be written.
        crs: Of the geometries.
        labels: Of `LABELS_SCHEMA`.
        suggestions: Of `SUGGESTIONS_SCHEMA`.

    Raises:
        StorageError: If the file cannot be written.
    """
    coordinates = f"map coordinates in {name_of_crs(crs)}"
    about = {"coordinates": f"Labels as they are, {coordinates}"}
    add_geopackage_layer(file, VectorLayer(LABELS, LABELS_SCHEMA, crs, about), labels)
    about = {"coordinates": f"Places where labels seem wrong; set accept where they are, {coordinates}"}
    add_geopackage_layer(file, VectorLayer(SUGGESTIONS, SUGGESTIONS_SCHEMA, crs, about), suggestions)
    try:
        with closing(sqlite3.connect(file)) as database, database:
            for statement in (_INDEX, _VIEW, _CONTENTS, _GEOMETRY):
                database.execute(statement)
        add_style(file, SUGGESTIONS, RULES, "kind")
    except sqlite3.Error as error:
        raise not_written(file, file.parent, error) from error
