"""A `meta.json` of the Supervisely format, of 2018 or of today: classes of newer shapes, tags as objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.core.errors import DataError
from components.core.figures import Shape
from components.core.project.meta import ProjectMeta

ANY = "any"
"""Shape of a class whose objects say theirs one by one."""

OTHER_NAMES = {"polyline": "line"}

NOT_READ = frozenset(
    (
        *("alpha_mask", "multichannel_bitmap", "graph", "oriented_bbox", "cuboid", "cuboid_2d", "cuboid_3d"),
        *("mask_3d", "point_3d", "point_cloud", "closed_surface_mesh", "slice_3d"),
    )
)
"""Shapes whose objects are ignored."""


@dataclass(frozen=True, slots=True)
class SuperviselyMeta:
    """What a project's `meta.json` says.

    Attributes:
        meta: Its classes and tags; a class of any shape is one of bitmaps.
        any_shape: Titles of classes of any shape.
        not_read: Shape of each class that is ignored, by title.
    """

    meta: ProjectMeta
    any_shape: frozenset[str]
    not_read: dict[str, str]


def meta_of_json(data: Any, name: str, place: str) -> SuperviselyMeta:
    """Read the content of a `meta.json`.

    Args:
        data: The parsed JSON.
        name: The project's name.
        place: The file, for messages.

    Raises:
        DataError: If a key is missing or of the wrong kind, a shape unknown or a title repeated.
    """
    if not isinstance(data, dict) or not isinstance(data.get("classes"), list):
        return SuperviselyMeta(ProjectMeta.of_json(data, name, place), frozenset(), {})
    classes, any_shape, not_read = [], set(), {}
    for entry in data["classes"]:
        shape, title = (entry.get("shape"), entry.get("title")) if isinstance(entry, dict) else (None, None)
        if isinstance(shape, str) and isinstance(title, str) and shape in NOT_READ:
            not_read[title] = shape
            continue
        if shape == ANY and isinstance(title, str):
            any_shape.add(title)
            entry = entry | {"shape": str(Shape.BITMAP)}
        elif isinstance(shape, str):
            entry = entry | {"shape": OTHER_NAMES.get(shape, shape)}
        classes.append(entry)
    images, objects = _tags(data, place)
    given = {"classes": classes, "tags_images": images, "tags_objects": objects}
    return SuperviselyMeta(ProjectMeta.of_json(given, name, place), frozenset(any_shape), not_read)


def _tags(data: dict[str, Any], place: str) -> tuple[list[str], list[str]]:
    """Tags of images and of objects: a list each in 2018, one list that says which today."""
    images = list(tag_names(data.get("tags_images"), f"{place}: tags_images"))
    objects = list(tag_names(data.get("tags_objects"), f"{place}: tags_objects"))
    today = data.get("tags")
    for tag, name in zip(today or (), tag_names(today, f"{place}: tags"), strict=True):
        kind = tag.get("applicable_type", "all") if isinstance(tag, dict) else "all"
        images += [] if kind == "objectsOnly" else [name]
        objects += [] if kind == "imagesOnly" else [name]
    return images, objects


def tag_names(tags: Any, place: str) -> tuple[str, ...]:
    """The names of tags, which are texts in 2018 and objects with a `name` today; the objects' values are left out.

    Args:
        tags: As the JSON holds them; None for none.
        place: For messages.

    Raises:
        DataError: If it is not a list of either.
    """
    if tags is None:
        return ()
    if not isinstance(tags, list):
        raise DataError(f"{place}: {tags!r} is not a list of tags; give texts, or objects with a name")
    return tuple(_tag_name(tag, f"{place}[{index}]") for index, tag in enumerate(tags))


def _tag_name(tag: Any, place: str) -> str:
    name = tag.get("name") if isinstance(tag, dict) else tag
    if not isinstance(name, str):
        raise DataError(f"{place}: {tag!r} is neither a text nor an object with a name; fix it")
    return name
