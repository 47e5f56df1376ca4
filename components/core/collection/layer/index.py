"""`layer.json`: what the layer is made of, so that an update finds what to do without reading anything else."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from affine import Affine

from components.core import storage
from components.core.collection.ledger import Collection, Mark, SceneRecord
from components.core.errors import DataError
from components.core.footprints.generalize import Generalization
from components.core.footprints.geography import PixelGrid
from components.core.footprints.tiles import Tile
from components.core.geometry import Size

log = logging.getLogger(__name__)

LAYER_FILE = "layer.json"

Bounds = tuple[float, float, float, float]
"""West, south, east, north in WGS 84."""


def around(one: Bounds, other: Bounds) -> Bounds:
    """The bounds that hold two others."""
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


@dataclass(frozen=True, slots=True)
class ImageGrid:
    """The pixels of an image on the map.

    Attributes:
        crs: "EPSG:…" or WKT.
        transform: From (column, row) to map coordinates, as a, b, c, d, e, f.
        height: In pixels.
        width: In pixels.
        tolerance_px: Of the footprints' simplification, in pixels.
        regularise: Whether the footprints have right angles where they nearly had.
        min_area_m2: Smaller objects are left out.
    """

    crs: str
    transform: tuple[float, ...]
    height: int
    width: int
    tolerance_px: float
    regularise: bool
    min_area_m2: float

    @classmethod
    def of(cls, record: SceneRecord) -> ImageGrid | None:
        """As a marker says; None where it does not, since an earlier version wrote it."""
        if record.transform is None or record.regularise is None:
            return None
        return cls(
            record.crs,
            record.transform,
            record.height,
            record.width,
            record.tolerance_px,
            record.regularise,
            record.min_area_m2,
        )

    @classmethod
    def of_json(cls, content: dict[str, Any]) -> ImageGrid:
        """From what `asdict` gives."""
        return cls(**content | {"transform": tuple(map(float, content["transform"]))})

    @property
    def tile(self) -> Tile:
        """As tiles are compared."""
        return Tile(PixelGrid(self.crs, Affine(*self.transform)), Size(self.height, self.width))

    @property
    def drawing(self) -> Generalization:
        """How its footprints were drawn."""
        return Generalization(self.tolerance_px, self.regularise)


@dataclass(frozen=True, slots=True)
class Partition:
    """A scene's part of the layer.

    Attributes:
        scene: Its id.
        mark: Stem of the marker that it was made from.
        duplicates: How many footprints it leaves to other scenes.
        dropped: Digest of what they are, and when they were dropped; empty where there is none.
        last_dropped: Moment of the last capture for which one was dropped, in seconds since 1970; None where that is
            not known, or there is none.
        footprints: How many it has.
        area_m2: Of these.
        joined: How many buildings it shows of which other scenes show a part, too.
        joins: Digest of all buildings of which it and others show a part; empty where there is none.
        bounds: Of the scene's image.
        captured: Day or time of capture in ISO 8601; empty where it is not known.
        grid: The image's pixels on the map; None where the scene's marker does not say.
        sightings: Digest of what other scenes say of its footprints; empty where there is nothing.
        withheld: How many footprints are not shown, as too few captures agree.
        withheld_rows: Digest of which they are; empty where there is none.
    """

    scene: str
    mark: str
    duplicates: int
    dropped: str
    last_dropped: float | None
    footprints: int
    area_m2: float
    joined: int
    joins: str
    bounds: Bounds
    captured: str
    grid: ImageGrid | None
    sightings: str = ""
    withheld: int = 0
    withheld_rows: str = ""

    def shows_anything_from(self, moment: float) -> bool:
        """Whether any footprint was shown just before a moment, in seconds since 1970, or is now, be it as a part.

        What is withheld counts as shown.
        """
        last = -math.inf if self.last_dropped is None else self.last_dropped
        return self.footprints + self.withheld > 0 or self.joins != "" or (self.duplicates > 0 and last >= moment)


@dataclass(frozen=True, slots=True)
class CollectionLayer:
    """The layer as it is.

    Attributes:
        images_uri: Prefix of the imagery.
        join_tiles: Whether buildings that the borders of tiles cut are joined.
        partitions: By scene, those whose file is as they say.
        unsettled: Where scenes have changed since that are not among them yet; empty but while an update runs, or
            after one that was killed.
        confirm: How many of the next captures have to agree for a change to count, such as 2 of 3; empty for none.
    """

    images_uri: str = ""
    join_tiles: bool = True
    partitions: dict[str, Partition] = field(default_factory=dict)
    unsettled: tuple[Bounds, ...] = ()
    confirm: str = ""

    @property
    def parts(self) -> list[Partition]:
        """The partitions in the order of their scenes."""
        return [part for _, part in sorted(self.partitions.items())]

    @property
    def footprints(self) -> int:
        """How many buildings the layer has."""
        return sum(part.footprints for part in self.parts)

    @property
    def area_m2(self) -> float:
        """Of these."""
        return round(math.fsum(part.area_m2 for part in self.parts), 3)

    @property
    def duplicates(self) -> int:
        """How many footprints were left out because another scene shows the building, too."""
        return sum(part.duplicates for part in self.parts)

    @property
    def joined(self) -> int:
        """How many buildings were made of parts that several scenes show."""
        return sum(part.joined for part in self.parts)

    @property
    def withheld(self) -> int:
        """How many footprints are not shown, as too few captures agree."""
        return sum(part.withheld for part in self.parts)

    def as_json(self) -> bytes:
        """The file's content, one partition a line."""
        head = {
            "images_uri": self.images_uri,
            "join_tiles": self.join_tiles,
            "confirm": self.confirm,
            "scenes": len(self.parts),
            "footprints": self.footprints,
            "area_m2": self.area_m2,
            "duplicates": self.duplicates,
            "joined": self.joined,
            "withheld": self.withheld,
        }
        lines = [f" {_text(name)}: {_text(value)},\n" for name, value in head.items()]
        lines.append(f' "unsettled": {_listed(self.unsettled)},\n')
        lines.append(f' "partitions": {_listed(map(asdict, self.parts))}\n')
        return f"{{\n{''.join(lines)}}}\n".encode()


def _listed(values: Iterable[Any]) -> str:
    lines = ",\n".join(f"  {_text(value)}" for value in values)
    return f"[\n{lines}\n ]" if lines else "[]"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def read_layer(collection: Collection) -> CollectionLayer | None:
    """The layer as `layer.json` says; None where there is none.

    Raises:
        DataError: If the file is not what `CollectionLayer.as_json` gives.
        StorageError: If it cannot be read.
    """
    place = collection.place(LAYER_FILE)
    if not storage.exists(place):
        return None
    try:
        content = json.loads(storage.read_bytes(place))
        parts = [_partition(part) for part in content["partitions"]]
        unsettled = tuple((west, south, east, north) for west, south, east, north in content["unsettled"])
        join_tiles = bool(content["join_tiles"])
        confirm = str(content.get("confirm", ""))
        by_scene = {part.scene: part for part in parts}
        return CollectionLayer(content["images_uri"], join_tiles, by_scene, unsettled, confirm)
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{place}: is not a layer description ({error}); delete it, and it is rebuilt") from error


def _partition(content: dict[str, Any]) -> Partition:
    grid = content["grid"]
    return Partition(
        **content | {"bounds": tuple(content["bounds"]), "grid": None if grid is None else ImageGrid.of_json(grid)}
    )


def layer_or_none(collection: Collection) -> CollectionLayer | None:
    """As `read_layer`, but None for a broken file, too: all of it can be rebuilt from the ledger."""
    try:
        return read_layer(collection)
    except DataError as error:
        log.warning("%s", error)
        return None


def write_layer(collection: Collection, layer: CollectionLayer) -> bytes:
    """Write `layer.json`, and give its content."""
    content = layer.as_json()
    storage.write_bytes(collection.place(LAYER_FILE), content)
    return content


def is_layer(collection: Collection, *contents: bytes) -> bool:
    """Whether `layer.json` has one of some contents."""
    place = collection.place(LAYER_FILE)
    return storage.exists(place) and storage.read_bytes(place) in contents


def mark_of(stem: str) -> Mark:
    """The marker of a stem."""
    return Mark(*stem.split("."))
