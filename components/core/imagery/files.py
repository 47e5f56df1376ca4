"""Which files are images, and how those that are not are reported."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from enum import StrEnum

log = logging.getLogger(__name__)

RASTER_SUFFIXES = (".jpeg", ".jpg", ".png", ".tif", ".tiff")
"""In small letters; a file may have them in capitals."""

NOT_TEXT = "its name is not valid UTF-8; rename it"
"""Why such a file is skipped."""

SIDE_SUFFIXES = frozenset(
    (
        *(".aux", ".imd", ".msk", ".ovr", ".prj", ".qml", ".rpb", ".rpc", ".rrd", ".sha256", ".xml"),
        *(".jgw", ".jgwx", ".jpgw", ".pgw", ".pgwx", ".pngw", ".tfw", ".tfwx", ".tifw", ".wld"),
        *(".cpg", ".dbf", ".geojson", ".gpkg", ".kml", ".parquet", ".qgz", ".qix", ".sbn", ".sbx", ".shp", ".shx"),
        *(".csv", ".html", ".json", ".log", ".md", ".pdf", ".qmd", ".txt", ".yaml", ".yml"),
    )
)
"""Of files that lie beside images and are none: georeference, overviews, metadata, vectors, notes."""

EXAMPLES = 3
"""How many names a message lists."""


def is_raster(uri: str) -> bool:
    """Whether a file is an image by its name; hidden ones are none."""
    name = uri.rpartition("/")[2]
    return not name.startswith(".") and name.lower().endswith(RASTER_SUFFIXES)


class IgnoredReason(StrEnum):
    """Why something in a folder of images is not used; the text says what to do."""

    FORMAT = "of other formats, which are not read: convert images to GeoTIFF (gdal_translate town.jp2 town.tif)"
    FOLDER = "that are not searched: give a folder of images by itself, or move its images up"
    LINK = "that are broken or circular: fix or remove them"


NOUNS = {IgnoredReason.FORMAT: "files", IgnoredReason.FOLDER: "folders", IgnoredReason.LINK: "links"}


@dataclass(slots=True)
class IgnoredFiles:
    """What in a folder of images is not used.

    Attributes:
        counts: How many of each kind.
        examples: The first names of each kind.
    """

    counts: dict[IgnoredReason, int] = field(default_factory=dict)
    examples: dict[IgnoredReason, list[str]] = field(default_factory=dict)

    def add(self, name: str, why: IgnoredReason) -> None:
        """Note one."""
        self.counts[why] = self.counts.get(why, 0) + 1
        shown = self.examples.setdefault(why, [])
        if len(shown) < EXAMPLES:
            shown.append(name)

    def add_file(self, name: str) -> None:
        """Note a file that is not an image, unless it is hidden or lies beside images by custom."""
        own = name.rpartition("/")[2]
        dot, suffix = own.rpartition(".")[1:]
        if not own.startswith(".") and f"{dot}{suffix}".lower() not in SIDE_SUFFIXES:
            self.add(name, IgnoredReason.FORMAT)

    def log(self, place: str) -> None:
        """Say what was noted.

        Args:
            place: The folder or prefix.
        """
        for why, count in self.counts.items():
            names = ", ".join(self.examples[why]) + (" …" if count > len(self.examples[why]) else "")
            log.warning("%s: ignored: %d %s (%s) %s", place, count, NOUNS[why], names, why)
