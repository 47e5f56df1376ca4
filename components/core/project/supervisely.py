"""The Supervisely folder format of 2018, in and out.

`meta.json`, `<dataset>/ann/<stem>.json`, `<dataset>/img/<stem>.<ext>`. Vectors are (x, y) there and (row, column) here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from affine import Affine

from components.core.errors import DataError
from components.core.figures import Shape
from components.core.geometry import Size
from components.core.keyed import digest
from components.core.project.item import ImageRef, Item, Object
from components.core.project.meta import ProjectMeta
from components.core.project.supervisely_figures import figure_of_json, json_of_figure
from components.core.storage import CountedFile

IMAGE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"))

GEOREFERENCE = "georeference"
"""Our key in an annotation: {"crs", "transform"} of the item's pixels."""

_ITEM_KEYS = frozenset(("tags", "description", "objects", "size", GEOREFERENCE))
_OBJECT_KEYS = frozenset(("classTitle", "type", "description", "tags", "bitmap", "points"))


def _read(file: Path) -> bytes:
    with CountedFile(file) as opened:
        return opened.read()


def read_json(file: Path) -> Any:
    """Parse a JSON file.

    Raises:
        DataError: If it cannot be read or is not JSON.
    """
    try:
        return json.loads(_read(file))
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DataError(f"{file}: is not JSON ({error}); mend or remove it") from error


class _Entry(NamedTuple):
    dataset: str
    name: str
    annotation: Path | None
    image: Path | None


class SuperviselyProject:
    """A project read from the folder format; annotations are read one by one."""

    def __init__(self, directory: Path, meta: Any) -> None:
        self.directory = directory
        self.place = str(directory)
        self.meta = ProjectMeta.of_json(meta, directory.resolve().name, f"{directory}/meta.json")

    @cached_property
    def _entries(self) -> list[_Entry]:
        return [
            entry
            for dataset in sorted(path for path in self.directory.iterdir() if path.is_dir())
            for entry in _entries_of(dataset)
        ]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Item]:
        return (self.item(index) for index in range(len(self)))

    def item(self, index: int) -> Item:
        """Read one annotation."""
        entry = self._entries[index]
        if entry.annotation is None:
            image = _image_of(entry.image, None, None) if entry.image else None
            size = image.size if image else Size(0, 0)
            return Item(entry.dataset, entry.name, size, image)
        return item_of_json(
            read_json(entry.annotation), self.meta, entry.dataset, entry.name, entry.image, str(entry.annotation)
        )

    def label(self, index: int) -> str:
        """Give "dataset/name" of one item."""
        entry = self._entries[index]
        return f"{entry.dataset}/{entry.name}"

    def item_tags(self) -> Iterator[tuple[str, ...]]:
        """The image tags of every item."""
        return (item.tags for item in self)

    def item_sizes(self) -> Iterator[Size]:
        """The size of every item."""
        return (item.size for item in self)

    def digest(self) -> str:
        """SHA-256 of the annotations and of the images' names."""
        parts: list[str | bytes] = [_read(self.directory / "meta.json")]
        for entry in self._entries:
            parts += [entry.dataset, entry.name, str(entry.image)]
            parts += [_read(entry.annotation)] if entry.annotation else []
        return digest(*parts)


def _entries_of(dataset: Path) -> Iterator[_Entry]:
    annotations = {path.stem: path for path in _files(dataset / "ann") if path.suffix == ".json"}
    images = {path.stem: path for path in _files(dataset / "img") if path.suffix.lower() in IMAGE_SUFFIXES}
    for name in sorted(annotations.keys() | images.keys()):
        yield _Entry(dataset.name, name, annotations.get(name), images.get(name))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def item_of_json(data: Any, meta: ProjectMeta, dataset: str, name: str, image: Path | None, place: str) -> Item:
    """The item of an annotation; figures are brought into form.

    Args:
        data: The parsed annotation.
        meta: The project's meta; a class's shape there decides how an object is read.
        dataset: Dataset of the item.
        name: File stem of the item.
        image: The image file, or None.
        place: The annotation's file, for messages.

    Raises:
        DataError: If the size is missing, a class unknown, or a bitmap broken.
    """
    if not isinstance(data, dict):
        raise DataError(f"{place}: an annotation is a JSON object, not {type(data).__name__}")
    size = _size_of(data.get("size"), place)
    objects = tuple(
        part
        for index, entry in enumerate(data.get("objects") or ())
        for part in _objects_of_json(entry, meta, size, f"{place}: objects[{index}]")
    )
    return Item(
        dataset=dataset,
        name=name,
        size=size,
        image=None if image is None else _image_of(image, size, data.get(GEOREFERENCE)),
        tags=tuple(data.get("tags") or ()),
        description=data.get("description") or "",
        objects=objects,
        extra={key: value for key, value in data.items() if key not in _ITEM_KEYS},
    )


def _size_of(data: Any, place: str) -> Size:
    try:
        size = Size(int(data["height"]), int(data["width"]))
    except (TypeError, KeyError, ValueError) as error:
        raise DataError(f"{place}: size: {data!r} does not hold whole numbers `height` and `width`") from error
    if size.height < 1 or size.width < 1:
        raise DataError(f"{place}: size: {size} holds no pixel; both sides are at least 1")
    return size


def _image_of(image: Path, size: Size | None, georeference: Any) -> ImageRef:
    if size is None:
        from components.core.imagery.reading import describe  # GDAL, for projects without a manifest

        info = describe(str(image))
        return ImageRef.whole(str(image.resolve()), info.size, info.crs, info.transform)
    crs, transform = None, None
    if isinstance(georeference, dict):
        crs = georeference.get("crs")
        transform = Affine(*georeference["transform"]) if georeference.get("transform") else None
    return ImageRef.whole(str(image.resolve()), size, crs, transform)


def _objects_of_json(entry: Any, meta: ProjectMeta, size: Size, place: str) -> Iterator[Object]:
    if not isinstance(entry, dict):
        raise DataError(f"{place}: an object is a JSON object, not {type(entry).__name__}")
    title = entry.get("classTitle")
    known = meta.find(title) if isinstance(title, str) else None
    if known is None:
        raise DataError(
            f"{place}.classTitle: {title!r} is no class of meta.json ({', '.join(meta.titles)}); add it there"
        )
    figure = figure_of_json(entry, known.shape, place)
    for part in figure.normalise(size) if figure else ():
        yield Object(
            class_title=known.title,
            figure=part,
            tags=tuple(entry.get("tags") or ()),
            description=entry.get("description") or "",
            extra={key: value for key, value in entry.items() if key not in _OBJECT_KEYS},
        )


def json_of_item(item: Item) -> dict[str, Any]:
    """The annotation of an item."""
    data: dict[str, Any] = {
        **item.extra,
        "tags": list(item.tags),
        "description": item.description,
        "objects": [_json_of_object(entry) for entry in item.objects],
        "size": {"width": item.size.width, "height": item.size.height},
    }
    transform = item.image.item_transform if item.image else None
    if item.image and transform is not None:
        data[GEOREFERENCE] = {"crs": item.image.crs, "transform": list(transform)[:6]}
    return data


def _json_of_object(entry: Object) -> dict[str, Any]:
    shape: Shape = entry.figure.shape
    return {
        **entry.extra,
        **json_of_figure(entry.figure),
        "type": str(shape),
        "classTitle": entry.class_title,
        "description": entry.description,
        "tags": list(entry.tags),
    }
