"""A file of COCO annotations, checked and sorted by image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from components.core import storage
from components.core.coco.run_lengths import Counts, bitmap_of, checked_counts, counts_of_text
from components.core.errors import DataError
from components.core.figures import Figure, Polygon, vertices
from components.core.geometry import Size
from components.core.json_text import parse_json

LEAST_NUMBERS = 6
"""Of a polygon: three points."""

CATEGORY = "category"
"""The attribute that says an object's category."""


@dataclass(frozen=True)
class CocoObject:
    """One annotation.

    Attributes:
        category: Name of its category.
        polygons: Of which it is the union; none where it is run lengths.
        counts: Its run lengths, unread; None where it is polygons.
        is_crowd: Whether it is ground on which objects were not told apart.
    """

    category: str
    polygons: tuple[Polygon, ...]
    counts: Counts | None
    is_crowd: bool

    def figures(self, size: Size) -> tuple[Figure, ...]:
        """Its polygons, or the bitmap of its run lengths in an image of a size, if that has a pixel."""
        if self.counts is None:
            return self.polygons
        bitmap = bitmap_of(self.counts, size)
        return () if bitmap is None else (bitmap,)


@dataclass(frozen=True)
class CocoImage:
    """What a file says of one image.

    Attributes:
        uri: The file.
        file_name: Of the image, as it is written there.
        size: Of the image, in pixels.
        objects: Annotated ones.
        has_run_lengths: Whether any object of the file is run lengths, so that all become bitmaps.
        boxes: How many annotations are boxes without a segmentation, which are left out.
    """

    uri: str
    file_name: str
    size: Size
    objects: tuple[CocoObject, ...]
    has_run_lengths: bool
    boxes: int


def is_coco(document: Any) -> bool:
    """Whether a parsed document is one of COCO annotations."""
    return isinstance(document, dict) and "images" in document and "annotations" in document


def read_coco(uri: str) -> dict[str, CocoImage] | None:
    """Read a file of annotations; all of it is in memory then.

    Returns:
        What it says of each image, by the stem of the image's file name; None where it is JSON of another kind.

    Raises:
        DataError: If it is no JSON, or breaks a rule of COCO's.
        StorageError: If it cannot be read.
    """
    if storage.stat(uri) is None:
        raise DataError(f"{uri}: there is no such file; check the path or URI")
    try:
        document = parse_json(storage.read_bytes(uri))
    except ValueError as error:
        raise DataError(f"{uri}: is not whole JSON ({error}); export it again") from error
    return _Reader(uri).images(document) if is_coco(document) else None


@dataclass
class _Reader:
    """Takes a document apart; every error says where in it the fault is."""

    uri: str
    has_run_lengths: bool = field(default=False)

    def images(self, document: Mapping[str, Any]) -> dict[str, CocoImage]:
        categories = {
            key: self._text(entry, "name", f"categories[{index}]")
            for index, key, entry in self._entries(document, "categories")
        }
        known = {key: (index, entry) for index, key, entry in self._entries(document, "images")}
        sizes = {key: self._size(entry, f"images[{index}]") for key, (index, entry) in known.items()}
        objects: dict[Any, list[CocoObject]] = {key: [] for key in known}
        boxes = dict.fromkeys(known, 0)
        for index, _, entry in self._entries(document, "annotations"):
            place = f"annotations[{index}]"
            image, category = entry.get("image_id"), entry.get("category_id")
            self._check_known(image, known, place, "image_id", "images")
            self._check_known(category, categories, place, "category_id", "categories")
            if not entry.get("segmentation"):
                boxes[image] += 1
                continue
            polygons, counts = self._shape(entry["segmentation"], sizes[image], f"{place}.segmentation")
            objects[image].append(CocoObject(categories[category], polygons, counts, bool(entry.get("iscrowd"))))
        result: dict[str, CocoImage] = {}
        for key, (index, entry) in known.items():
            name = self._text(entry, "file_name", f"images[{index}]")
            stem = PurePosixPath(name.replace("\\", "/")).stem
            if stem in result:
                raise self._fault(f"images[{index}].file_name", f"{name!r} has the stem of {result[stem].file_name!r}")
            result[stem] = CocoImage(self.uri, name, sizes[key], tuple(objects[key]), self.has_run_lengths, boxes[key])
        return result

    def _fault(self, place: str, what: str) -> DataError:
        return DataError(f"{self.uri}: {place}: {what}; correct it, or export it again")

    def _entries(self, document: Mapping[str, Any], key: str) -> list[tuple[int, Any, Mapping[str, Any]]]:
        listed = document.get(key)
        if not isinstance(listed, list):
            raise self._fault(key, "is no list")
        found: dict[Any, int] = {}
        result: list[tuple[int, Any, Mapping[str, Any]]] = []
        for index, entry in enumerate(listed):
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), int | str):
                raise self._fault(f"{key}[{index}]", "is no object with an id")
            first = found.setdefault(entry["id"], index)
            if first != index:
                raise self._fault(f"{key}[{index}].id", f"{entry['id']!r} is the id of {key}[{first}], too")
            result.append((index, entry["id"], entry))
        return result

    def _check_known(self, value: Any, known: Mapping[Any, Any], place: str, key: str, of: str) -> None:
        if not isinstance(value, int | str) or value not in known:
            raise self._fault(f"{place}.{key}", f"{value!r} is the id of none of {of}")

    def _text(self, entry: Mapping[str, Any], key: str, place: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str) or not value:
            raise self._fault(f"{place}.{key}", f"{value!r} is no name")
        return value

    def _size(self, entry: Mapping[str, Any], place: str) -> Size:
        sides = entry.get("height"), entry.get("width")
        if not all(type(side) is int and side > 0 for side in sides):
            raise self._fault(place, f"height and width are {sides[0]!r} and {sides[1]!r}, not numbers of pixels")
        return Size(int(sides[0] or 0), int(sides[1] or 0))

    def _shape(self, given: Any, size: Size, place: str) -> tuple[tuple[Polygon, ...], Counts | None]:
        if isinstance(given, dict):
            self.has_run_lengths = True
            return (), self._counts(given, size, place)
        if not isinstance(given, list):
            raise self._fault(place, "is neither a list of polygons nor run lengths")
        return tuple(self._polygon(ring, f"{place}[{number}]") for number, ring in enumerate(given)), None

    def _polygon(self, ring: Any, place: str) -> Polygon:
        numbers = ring if isinstance(ring, list) else []
        if (
            len(numbers) < LEAST_NUMBERS
            or len(numbers) % 2
            or not all(type(value) in (int, float) and math.isfinite(value) for value in numbers)
        ):
            raise self._fault(place, "is no list of x, y, x, y, … of three points at least")
        points = np.array(numbers, np.float64).reshape(-1, 2)[:, ::-1]
        closed = len(points) > LEAST_NUMBERS // 2 and (points[0] == points[-1]).all()
        return Polygon(vertices(points[:-1] if closed else points), by_centres=True)

    def _counts(self, given: Mapping[str, Any], size: Size, place: str) -> Counts:
        counts = given.get("counts")
        if given.get("size") != [size.height, size.width]:
            raise self._fault(f"{place}.size", f"is {given.get('size')!r}, and the image {[size.height, size.width]}")
        try:
            if isinstance(counts, str):
                counts = counts_of_text(counts)
            elif not isinstance(counts, list) or not all(type(count) is int for count in counts):
                raise ValueError("is neither a list of numbers nor text")
            return checked_counts(counts, size)
        except (ValueError, OverflowError) as error:
            raise self._fault(f"{place}.counts", str(error)) from error
