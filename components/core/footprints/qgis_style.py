"""How QGIS draws footprints: a style of its own kind (QML) in the GeoPackage, which QGIS takes by itself.

Source: https://docs.qgis.org, on saving styles in databases; the table is as QGIS 3 makes it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

STYLE_NAME = "footprints"

OUTLINE_MM = 0.3
FILL_ALPHA = 96


@dataclass(frozen=True, slots=True)
class StyleRule:
    """Which polygons are drawn in a colour.

    Attributes:
        label: For people.
        filter: An expression of QGIS; ELSE for all others.
        color: Red, green and blue, 0 to 255.
    """

    label: str
    filter: str
    color: tuple[int, int, int]


BY_CONFIDENCE = (
    StyleRule("confidence 0.9 and more", '"confidence" >= 0.9', (0, 104, 55)),
    StyleRule("confidence 0.7 to 0.9", '"confidence" >= 0.7 AND "confidence" < 0.9', (217, 164, 6)),
    StyleRule("confidence below 0.7", '"confidence" < 0.7', (197, 27, 33)),
    StyleRule("confidence not known", "ELSE", (33, 102, 172)),
)

_TABLE = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  f_table_catalog TEXT(256),
  f_table_schema TEXT(256),
  f_table_name TEXT(256),
  f_geometry_column TEXT(256),
  styleName TEXT(30),
  styleQML TEXT,
  styleSLD TEXT,
  useAsDefault BOOLEAN,
  description TEXT,
  owner TEXT(30),
  ui TEXT(30),
  update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
)
"""

_CONTENTS = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id)
VALUES ('layer_styles', 'attributes', 'layer_styles', 'How QGIS draws the layer', 0)
"""

_COLUMN = "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?"

_STYLE = """
INSERT INTO layer_styles
  (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, styleSLD, useAsDefault,
   description, owner)
VALUES ('', '', ?, ?, ?, ?, '', 1, ?, '')
"""


def style_qml(rules_of_style: Sequence[StyleRule] = BY_CONFIDENCE) -> str:
    """The style: outlines and a light fill, in colours by rules."""
    document = ElementTree.Element("qgis", {"version": "3.22.0", "styleCategories": "Symbology"})
    renderer = ElementTree.SubElement(document, "renderer-v2", {"type": "RuleRenderer", "symbollevels": "0"})
    rules = ElementTree.SubElement(renderer, "rules", {"key": "footprints"})
    symbols = ElementTree.SubElement(renderer, "symbols")
    for number, rule in enumerate(rules_of_style):
        about = {"key": f"footprints-{number}", "label": rule.label, "filter": rule.filter, "symbol": str(number)}
        ElementTree.SubElement(rules, "rule", about)
        symbols.append(_symbol(number, rule.color))
    ElementTree.indent(document, " ")
    return "<!DOCTYPE qgis>\n" + ElementTree.tostring(document, encoding="unicode") + "\n"


def _symbol(number: int, color: tuple[int, int, int]) -> ElementTree.Element:
    symbol = ElementTree.Element("symbol", {"type": "fill", "name": str(number), "alpha": "1", "clip_to_extent": "1"})
    layer = ElementTree.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0", "locked": "0"})
    options = ElementTree.SubElement(layer, "Option", {"type": "Map"})
    red_green_blue = ",".join(map(str, color))
    for name, value in (
        ("color", f"{red_green_blue},{FILL_ALPHA}"),
        ("style", "solid"),
        ("outline_color", f"{red_green_blue},255"),
        ("outline_style", "solid"),
        ("outline_width", str(OUTLINE_MM)),
        ("outline_width_unit", "MM"),
        ("joinstyle", "miter"),
    ):
        ElementTree.SubElement(options, "Option", {"type": "QString", "name": name, "value": value})
    return symbol


def add_style(
    file: Path,
    layer: str,
    rules: Sequence[StyleRule] = BY_CONFIDENCE,
    by: str = "confidence",
) -> None:
    """Put the style into a GeoPackage, as the default one of a layer.

    Args:
        file: The GeoPackage; it has no styles yet.
        layer: The layer's name.
        rules: Which polygons are drawn in which colour.
        by: What they go by.

    Raises:
        Error: Of sqlite3, if the file cannot be written.
    """
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(_TABLE)
        database.execute(_CONTENTS)
        (geometry,) = database.execute(_COLUMN, (layer,)).fetchone()
        values = (layer, geometry, STYLE_NAME, style_qml(rules), f"Outlines and a light fill, in colours by {by}.")
        database.execute(_STYLE, values)
