"""Compare two projects item by item; order says nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from components.core.errors import ConfigError
from components.core.imagery.reading import UInt8
from components.core.project import Item, Object, Project
from tests.conformance.figures import same_figure, unpaired

SUFFIX = re.compile(r"_[0-9A-Za-z]{10}$")
"""What the recording engine appended to a name that was taken."""

CLOSE_MEAN = 1.0
"""Largest mean absolute difference, in grey levels, of images that are close."""

CLOSE_LEVELS = 4
CLOSE_SHARE = 0.01
"""Largest share of values that may be further off than `CLOSE_LEVELS` in images that are close."""

WORDS = frozenset(("name_suffix", "class_color", "size", "objects", "pixels"))
"""What a case may leave out; the first two are always left out, since names and colours are rebuilt."""

NAMED_WORDS = ("tag:", "objects:")

LABELS = "masks_machine"
"""Folder of pictures whose colours stand for classes."""

IMAGES = ("exact", "close", "none")


@dataclass(frozen=True)
class Rules:
    """What a comparison looks at.

    Attributes:
        images: How pixels are compared: "exact", "close" or "none".
        ignore: Words of what is left out.
    """

    images: str = "exact"
    ignore: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = sorted(word for word in self.ignore if word not in WORDS and not word.startswith(NAMED_WORDS))
        if unknown:
            known = ", ".join((*sorted(WORDS), *NAMED_WORDS))
            raise ConfigError(f"ignore: {unknown[0]!r} is not a word of what can be left out; words are {known}")
        if self.images not in IMAGES:
            raise ConfigError(f"images: {self.images!r} is not one of {', '.join(IMAGES)}")

    def skips(self, word: str, name: str = "") -> bool:
        """Whether `word`, or `word` of `name`, is left out."""
        return word in self.ignore or f"{word}:{name}" in self.ignore


@dataclass(eq=False)
class Compared:
    """An item whose pixels are read once, when they are first looked at."""

    item: Item

    @cached_property
    def pixels(self) -> UInt8 | None:
        """(3, H, W) uint8 RGB, or None without an image."""
        return None if self.item.image is None else self.item.image.pixels()

    def __str__(self) -> str:
        return self.item.key


def project_differences(expected: Project, actual: Project, rules: Rules) -> list[str]:
    """How two projects differ.

    Args:
        expected: As it should be; an image is compared only where there is one here.
        actual: As it is. Names may go on after the expected one, which tells what was done to the item.
        rules: What to look at.

    Returns:
        One line a difference; none where the projects agree.
    """
    lines = _meta_differences(expected, actual, rules)
    groups: dict[str, tuple[list[Compared], list[Compared]]] = defaultdict(lambda: ([], []))
    for side, project in enumerate((expected, actual)):
        for item in project:
            groups[item.dataset][side].append(Compared(item))
    for _, (wanted, found) in sorted(groups.items()):
        lines += _group_differences(wanted, found, rules)
    return lines


def _meta_differences(expected: Project, actual: Project, rules: Rules) -> list[str]:
    shapes = [
        {known.title: str(known.shape) for known in project.meta.classes if not rules.skips("objects", known.title)}
        for project in (expected, actual)
    ]
    return [
        *_difference("meta: classes", *shapes),
        *_difference("meta: tags_images", sorted(expected.meta.tags_images), sorted(actual.meta.tags_images)),
        *_difference("meta: tags_objects", sorted(expected.meta.tags_objects), sorted(actual.meta.tags_objects)),
    ]


def _difference(what: str, expected: object, actual: object) -> list[str]:
    return [] if expected == actual else [f"{what}: expected {expected}, got {actual}"]


def _group_differences(expected: list[Compared], actual: list[Compared], rules: Rules) -> list[str]:
    missing, surplus = unpaired(expected, actual, lambda one, other: next(_notes(one, other, rules), None) is None)
    lines = []
    for one in missing:
        if not surplus:
            lines.append(f"{one}: is missing")
            continue
        nearest = min(surplus, key=lambda other: sum(1 for _ in _notes(one, other, rules)))
        surplus.remove(nearest)
        lines += [f"{one} (nearest: {nearest}): {note}" for note in _notes(one, nearest, rules)]
    return lines + [f"{other}: is not expected" for other in surplus]


def _notes(expected: Compared, actual: Compared, rules: Rules) -> Iterable[str]:
    """How two items differ, what is quickly seen first."""
    one, other = expected.item, actual.item
    stems = (one.name, SUFFIX.sub("", one.name))
    if not any(other.name == stem or other.name.startswith(f"{stem}_") for stem in stems):
        yield f"name: expected one that begins with {stems[1]!r}, got {other.name!r}"
    if not rules.skips("size") and one.size != other.size:
        yield f"size: expected {one.size}, got {other.size}"
        return
    tags = [sorted(tag for tag in item.tags if not rules.skips("tag", tag)) for item in (one, other)]
    yield from _difference("tags", *tags)
    yield from _difference("description", one.description, other.description)
    yield from _lost_keys(one.extra, other.extra)
    if not rules.skips("objects"):
        yield from _object_differences(one, other, rules)
    if rules.images != "none" and not rules.skips("pixels") and one.image is not None:
        yield from _pixel_differences(expected.pixels, actual.pixels, rules.images == "close")


def _lost_keys(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    """Keys that the format does not name must be kept; more are allowed."""
    return [
        f"key {key!r}: expected {value!r}, got {actual.get(key)!r}"
        for key, value in expected.items()
        if key not in actual or actual[key] != value
    ]


def _object_differences(expected: Item, actual: Item, rules: Rules) -> list[str]:
    sides = [
        [entry for entry in item.objects if not rules.skips("objects", entry.class_title)]
        for item in (expected, actual)
    ]
    missing, surplus = unpaired(sides[0], sides[1], _same_object)
    lines = [f"object {_shown(entry)} is missing" for entry in missing]
    return lines + [f"object {_shown(entry)} is not expected" for entry in surplus]


def _same_object(expected: Object, actual: Object) -> bool:
    return (
        expected.class_title == actual.class_title
        and sorted(expected.tags) == sorted(actual.tags)
        and expected.description == actual.description
        and not _lost_keys(expected.extra, actual.extra)
        and same_figure(expected.figure, actual.figure)
    )


def _shown(entry: Object) -> str:
    words = [entry.class_title, str(entry.figure.shape), f"of {entry.figure.area:g} px", *entry.tags, entry.description]
    return " ".join(filter(None, words))


def render_differences(expected: Path, actual: Path, rules: Rules) -> list[str]:
    """How pictures beside images differ, such as those of masks, which are always compared exactly.

    Args:
        expected: A project's folder; only what is there is compared.
        actual: Another's.
        rules: What to look at.
    """
    lines = []
    for picture in sorted(expected.glob("*/*/*.png")):
        folder = picture.parent.relative_to(expected)
        if folder.name == "img":
            continue
        stem = SUFFIX.sub("", picture.stem)
        named = [path for path in sorted((actual / folder).glob("*.png")) if path.stem.startswith(stem)]
        is_close = rules.images == "close" and folder.name != LABELS
        notes = [_pixel_differences(_picture(picture), _picture(path), is_close) for path in named]
        if not named:
            lines.append(f"{folder}/{picture.name}: is missing")
        elif all(notes):
            lines.append(f"{folder}/{picture.name}: {notes[0][0]}")
    return lines


def _picture(file: Path) -> UInt8:
    pixels = cv2.imread(str(file))
    assert pixels is not None, file
    return np.moveaxis(pixels, 2, 0).astype(np.uint8)


def _pixel_differences(expected: UInt8 | None, actual: UInt8 | None, close: bool) -> list[str]:
    if expected is None or actual is None:
        return ["image: is missing"] if expected is not None else []
    if expected.shape != actual.shape:
        return _difference("image: shape", expected.shape, actual.shape)
    apart = np.abs(expected.astype(np.int16) - actual)
    if not apart.any() or (close and apart.mean() <= CLOSE_MEAN and (apart > CLOSE_LEVELS).mean() <= CLOSE_SHARE):
        return []
    return [f"image: {apart.any(axis=0).mean():.2%} of the pixels differ, by up to {apart.max()}"]
