"""What a project says of itself: its name, classes and tags."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from components.core.errors import DataError
from components.core.figures import Shape
from components.core.hashing import hash_integer

COLOR = re.compile(r"#[0-9a-fA-F]{6}")

GREENS_START, GREENS_END = 60, 175
"""Hues, in degrees."""


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """A class of objects.

    Attributes:
        title: Its name.
        shape: What kind of figure its objects are.
        color: "#rrggbb".
    """

    title: str
    shape: Shape
    color: str

    @classmethod
    def with_own_color(cls, title: str, shape: Shape) -> ClassInfo:
        """A class whose colour follows from its title: vivid, and the same in every run."""
        return cls(title, shape, color_of(title))


def color_of(title: str) -> str:
    """A vivid "#rrggbb" that depends on the title alone, and is not a green, which vegetation would hide."""
    hue = (GREENS_END + hash_integer(0, "class color", title) % (360 - (GREENS_END - GREENS_START))) % 360 / 360
    channels = colorsys.hls_to_rgb(hue, 0.55, 0.75)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)


@dataclass(frozen=True, slots=True)
class ProjectMeta:
    """Name, classes and tags of a project.

    Attributes:
        name: The project's name, which queries use.
        classes: In order; titles are unique.
        tags_images: Tags that its items may carry, without repeats.
        tags_objects: Tags that its objects may carry, without repeats.
    """

    name: str
    classes: tuple[ClassInfo, ...] = ()
    tags_images: tuple[str, ...] = ()
    tags_objects: tuple[str, ...] = ()

    def find(self, title: str) -> ClassInfo | None:
        """The class of that title, or None."""
        return next((known for known in self.classes if known.title == title), None)

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles of the classes, in order."""
        return tuple(known.title for known in self.classes)

    def with_classes(self, classes: Iterable[ClassInfo]) -> ProjectMeta:
        """The same project with other classes."""
        return replace(self, classes=tuple(classes))

    def with_image_tag(self, tag: str) -> ProjectMeta:
        """The same project with one more image tag, where it is new."""
        return self if tag in self.tags_images else replace(self, tags_images=(*self.tags_images, tag))

    def merged(self, other: ProjectMeta) -> ProjectMeta:
        """This project with the classes and tags of another added.

        Raises:
            DataError: If a class has another shape there.
        """
        classes = list(self.classes)
        for new in other.classes:
            old = self.find(new.title)
            if old is None:
                classes.append(new)
            elif old.shape is not new.shape:
                raise DataError(
                    f"class {new.title!r} is a {old.shape} in project {self.name!r} and a {new.shape} in "
                    f"{other.name!r}; rename one of them with classes_mapping"
                )
        return replace(
            self,
            classes=tuple(classes),
            tags_images=tuple(dict.fromkeys((*self.tags_images, *other.tags_images))),
            tags_objects=tuple(dict.fromkeys((*self.tags_objects, *other.tags_objects))),
        )

    def as_json(self) -> dict[str, Any]:
        """The form of `meta.json` that the Supervisely format asks for."""
        return {
            "classes": [{"title": c.title, "shape": str(c.shape), "color": c.color} for c in self.classes],
            "tags_images": list(self.tags_images),
            "tags_objects": list(self.tags_objects),
        }

    @classmethod
    def of_json(cls, data: Any, name: str, place: str) -> ProjectMeta:
        """From the content of a `meta.json`.

        Args:
            data: The parsed JSON.
            name: The project's name.
            place: The file, for messages.

        Raises:
            DataError: If a key is missing, a shape unknown or a title repeated.
        """
        if not isinstance(data, dict) or not isinstance(data.get("classes"), list):
            raise DataError(f"{place}: a list `classes` is missing; give a project's meta.json")
        classes = [_class_of_json(entry, f"{place}: classes[{i}]") for i, entry in enumerate(data["classes"])]
        titles = [known.title for known in classes]
        repeated = sorted({title for title in titles if titles.count(title) > 1})
        if repeated:
            raise DataError(f"{place}: class {repeated[0]!r} is listed twice; keep one")
        return cls(name, tuple(classes), _tags(data, "tags_images", place), _tags(data, "tags_objects", place))


def _tags(data: dict[str, Any], key: str, place: str) -> tuple[str, ...]:
    tags = data.get(key) or []
    if not isinstance(tags, list):
        raise DataError(f'{place}: {key}: {tags!r} is not a list of tags; give one, such as ["train"]')
    return tuple(dict.fromkeys(str(tag) for tag in tags))


def _class_of_json(entry: Any, place: str) -> ClassInfo:
    if not isinstance(entry, dict) or not isinstance(entry.get("title"), str) or not entry["title"]:
        raise DataError(f"{place}: a class needs a title, a shape and a color; got {entry!r}")
    shapes = [str(shape) for shape in Shape]
    if entry.get("shape") not in shapes:
        raise DataError(f"{place}.shape: {entry.get('shape')!r} is not one of {', '.join(shapes)}")
    color = entry.get("color", color_of(entry["title"]))
    if not isinstance(color, str) or not COLOR.fullmatch(color):
        raise DataError(f"{place}.color: {color!r} is not of the form #rrggbb")
    return ClassInfo(entry["title"], Shape(entry["shape"]), color)
