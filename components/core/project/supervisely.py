"""The Supervisely folder format: that of 2018, in and out, and what projects of today have of their own, in.

`meta.json`, `<dataset>/ann/<stem>.json` (today `<stem>.<ext>.json`), `<dataset>/img/<stem>.<ext>`. Vectors are (x, y)
there and (row, column) here.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from components.core.errors import DataError
from components.core.figures import Figure, Shape
from components.core.geometry import Size
from components.core.hashing import digest
from components.core.project.item import ImageRef, Item, Object
from components.core.project.json_files import read_counted, read_json
from components.core.project.supervisely_figures import (
    PIXEL_RULE,
    figure_of_any_shape,
    figure_of_json,
    json_of_figure,
)
from components.core.project.supervisely_meta import SuperviselyMeta, meta_of_json, tag_names

if TYPE_CHECKING:
    from affine import Affine

IMAGE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"))

GEOREFERENCE = "georeference"
"""Our key in an annotation: {"crs", "transform"} of the item's pixels."""

GEOMETRY_TYPE = "geometryType"
"""What today's objects say of their own shape; `type` says it in 2018."""

AREA_SHAPES = ("bitmap", "polygon", "rectangle")
"""Shapes of objects that are read in a class of any shape, as bitmaps."""

LONGEST_SIDE = 2**31 - 1
"""Of an image, in pixels: what a manifest can say."""

_ITEM_KEYS = frozenset(("tags", "description", "objects", "size", GEOREFERENCE))
_OBJECT_KEYS = frozenset(("classTitle", "type", "description", "tags", "bitmap", "points", PIXEL_RULE))

log = logging.getLogger(__name__)


class _AnnotatedImage(NamedTuple):
    dataset: str
    name: str
    annotation: Path | None
    image: Path | None


class SuperviselyProject:
    """A project read from the folder format; annotations are read one by one."""

    def __init__(self, directory: Path, meta: Any) -> None:
        self.directory = directory
        self.place = str(directory)
        self._said = meta_of_json(meta, directory.resolve().name, f"{directory}/meta.json")
        self.meta = self._said.meta
        self._log_passed_over()

    def _log_passed_over(self) -> None:
        """Say how many objects are of shapes that are not read, where the project has classes of such."""
        if not (self._said.not_read or self._said.any_shape):
            return
        counts = Counter(
            shape
            for entry in self._entries
            if entry.annotation is not None
            for shape in shapes_passed_over(read_json(entry.annotation), self._said)
        )
        for shape, count in sorted(counts.items()):
            log.warning("%s: %d objects of the unsupported shape %s are ignored", self.place, count, shape)

    @cached_property
    def _entries(self) -> list[_AnnotatedImage]:
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
            image = _image_of(entry.image, None, (None, None)) if entry.image else None
            size = image.size if image else Size(0, 0)
            return Item(entry.dataset, entry.name, size, image)
        return item_of_json(
            read_json(entry.annotation), self._said, entry.dataset, entry.name, entry.image, str(entry.annotation)
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
        parts: list[str | bytes] = [read_counted(self.directory / "meta.json")]
        for entry in self._entries:
            parts += [entry.dataset, entry.name, str(entry.image)]
            parts += [read_counted(entry.annotation)] if entry.annotation else []
        return digest(*parts)


def _entries_of(dataset: Path) -> Iterator[_AnnotatedImage]:
    """The items of a dataset, by name: a file's stem, or its whole name where several images share the stem."""
    annotations = {path.stem: path for path in _files(dataset / "ann") if path.suffix == ".json"}
    images = [path for path in _files(dataset / "img") if _is_image(path)]
    stems = Counter(path.stem for path in images)
    found: dict[str, _AnnotatedImage] = {}
    for image in images:
        is_alone = stems[image.stem] == 1
        annotation = annotations.pop(image.name, None) or (annotations.pop(image.stem, None) if is_alone else None)
        name = image.stem if is_alone else image.name
        found[name] = _AnnotatedImage(dataset.name, name, annotation, image)
    for stem, annotation in annotations.items():
        name = Path(stem).stem if _is_image(Path(stem)) else stem
        if name in found or stem in stems:
            raise DataError(f"{annotation}: has no image: those of its name have other annotations; remove one")
        found[name] = _AnnotatedImage(dataset.name, name, annotation, None)
    yield from (found[name] for name in sorted(found))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def item_of_json(data: Any, declared: SuperviselyMeta, dataset: str, name: str, image: Path | None, place: str) -> Item:
    """The item of an annotation; figures are brought into form.

    Args:
        data: The parsed annotation.
        declared: What the project's meta.json says; a class's shape there decides how an object is read.
        dataset: Dataset of the item.
        name: Name of the item.
        image: The image file, or None.
        place: The annotation's file, for messages.

    Raises:
        DataError: If a key is of the wrong kind, the size missing, a class unknown, or a figure broken.
    """
    if not isinstance(data, dict):
        raise DataError(f"{place}: an annotation is a JSON object, not {type(data).__name__}")
    size = _size_of(data.get("size"), place)
    objects = tuple(
        part
        for index, entry in enumerate(_list_of(data, "objects", place))
        for part in _objects_of_json(entry, declared, size, f"{place}: objects[{index}]")
    )
    return Item(
        dataset=dataset,
        name=name,
        size=size,
        image=None if image is None else _image_of(image, size, _georeference_of(data.get(GEOREFERENCE), place)),
        tags=tag_names(data.get("tags"), f"{place}: tags"),
        description=_text_of(data, f"{place}: description"),
        objects=objects,
        extra={key: value for key, value in data.items() if key not in _ITEM_KEYS},
    )


def shapes_passed_over(data: Any, declared: SuperviselyMeta) -> Iterator[str]:
    """The shape of each object of an annotation that is not read, as often as there is one."""
    objects = data.get("objects") if isinstance(data, dict) else None
    for entry in objects if isinstance(objects, list) else ():
        if isinstance(entry, dict):
            shape = _shape_passed_over(entry, declared)
            if shape is not None:
                yield shape


def _shape_passed_over(entry: dict[str, Any], declared: SuperviselyMeta) -> str | None:
    title = entry.get("classTitle")
    if not isinstance(title, str):
        return None
    if title in declared.any_shape:
        shape = str(entry.get(GEOMETRY_TYPE, entry.get("type")))
        return None if shape in AREA_SHAPES else shape
    return declared.not_read.get(title)


def _list_of(data: dict[str, Any], key: str, place: str) -> list[Any]:
    value = data.get(key)
    if value is not None and not isinstance(value, list):
        raise DataError(f"{place}: {key}: {value!r} is not a list; fix it")
    return value or []


def _text_of(data: dict[str, Any], place: str) -> str:
    value = data.get("description")
    if value is not None and not isinstance(value, str):
        raise DataError(f"{place}: {value!r} is not text; fix it")
    return value or ""


def _size_of(data: Any, place: str) -> Size:
    try:
        size = Size(int(data["height"]), int(data["width"]))
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise DataError(f"{place}: size: {data!r} does not hold whole numbers `height` and `width`") from error
    if not (0 < size.height <= LONGEST_SIDE and 0 < size.width <= LONGEST_SIDE):
        raise DataError(f"{place}: size: {size} holds no pixel, or too many; sides are 1 to {LONGEST_SIDE}")
    return size


def _georeference_of(data: Any, place: str) -> tuple[str | None, Affine | None]:
    """CRS and transform of what we wrote into an annotation; None each where there is none."""
    if data is None:
        return None, None
    try:
        crs, numbers = data.get("crs"), data.get("transform")
        transform = _transform_of(map(float, numbers)) if numbers else None
        if not (crs is None or isinstance(crs, str)):
            raise ValueError("crs is not text")
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(f"{place}: {GEOREFERENCE}: {data!r} holds no crs and transform of six numbers") from error
    return crs, transform


def _transform_of(numbers: Iterable[float]) -> Affine:
    from affine import Affine  # not for projects in the manifest's form

    return Affine(*numbers)


def _image_of(image: Path, size: Size | None, georeference: tuple[str | None, Affine | None]) -> ImageRef:
    if size is None:
        from components.core.imagery.reading import describe  # GDAL, for projects without a manifest

        info = describe(str(image))
        return ImageRef.whole(str(image.resolve()), info.size, info.crs, info.transform)
    return ImageRef.whole(str(image.resolve()), size, *georeference)


def _objects_of_json(entry: Any, declared: SuperviselyMeta, size: Size, place: str) -> Iterator[Object]:
    if not isinstance(entry, dict):
        raise DataError(f"{place}: an object is a JSON object, not {type(entry).__name__}")
    if _shape_passed_over(entry, declared) is not None:
        return
    title, meta = entry.get("classTitle"), declared.meta
    known = meta.find(title) if isinstance(title, str) else None
    if known is None:
        raise DataError(
            f"{place}.classTitle: {title!r} is not a class of meta.json ({', '.join(meta.titles)}); add it there"
        )
    if known.title in declared.any_shape:
        figure: Figure | None = figure_of_any_shape(entry, size, place)
    else:
        figure = figure_of_json(entry, known.shape, place)
    for part in figure.normalise(size) if figure else ():
        yield Object(
            class_title=known.title,
            figure=part,
            tags=tag_names(entry.get("tags"), f"{place}.tags"),
            description=_text_of(entry, f"{place}.description"),
            extra=_extra_of(entry, known.shape),
        )


def _extra_of(entry: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """Keys of an object that are passed through; one that would say another shape is not."""
    extra = {key: value for key, value in entry.items() if key not in _OBJECT_KEYS}
    if extra.get(GEOMETRY_TYPE, shape) != shape:
        del extra[GEOMETRY_TYPE]
    return extra


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
