"""`classes_mapping`: which classes are kept, renamed or dropped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from components.core.errors import ConfigError
from components.core.figures import Shape
from components.core.project import ClassInfo, Item, Object, ProjectMeta
from components.core.project.predicted_classes import with_renamed_predicted
from components.core.project.splitting import with_renamed_rules

IGNORE = "__ignore__"
KEEP = "__default__"
OTHER = "__other__"

WORDS = frozenset((IGNORE, KEEP, OTHER))
"""What stands for no class."""


def _names_targets(mapping: Literal["default"] | dict[str, str]) -> Literal["default"] | dict[str, str]:
    for title, target in () if mapping == "default" else mapping.items():
        if target in ("", OTHER):
            raise ValueError(f"class {title!r} would be called {target!r}; give a title, `{KEEP}` or `{IGNORE}`")
    return mapping


ClassesMapping = Annotated[
    Literal["default"] | dict[str, str],
    Field(json_schema_extra={"additionalProperties": {"not": {"enum": ["", OTHER]}}}),
    AfterValidator(_names_targets),
]
"""Either "default", which keeps all, or old title → new title, `__ignore__` or `__default__`; the key `__other__`
stands for every title that is not listed."""


def resolve_mapping(mapping: ClassesMapping, meta: ProjectMeta, place: str) -> dict[str, str | None]:
    """New title of every class of a project; None where its objects are dropped.

    Raises:
        ConfigError: If a class is neither listed nor covered by `__other__`.
    """
    if mapping == "default":
        return {title: title for title in meta.titles}
    resolved: dict[str, str | None] = {}
    for title in meta.titles:
        target = mapping.get(title, mapping.get(OTHER))
        if target is None:
            raise ConfigError(
                f"{place}: class {title!r} of project {meta.name!r} is not listed; list it, "
                f'or add "{OTHER}": "{KEEP}" or "{OTHER}": "{IGNORE}"'
            )
        resolved[title] = None if target == IGNORE else title if target == KEEP else target
    return resolved


def map_meta(meta: ProjectMeta, resolved: dict[str, str | None], place: str) -> ProjectMeta:
    """The classes after a mapping; classes of one new title become one.

    Raises:
        ConfigError: If classes of different shapes would become one.
    """
    first: dict[str, ClassInfo] = {}
    for old in meta.classes:
        title = resolved[old.title]
        if title is None:
            continue
        known = first.setdefault(title, old)
        if known.shape is not old.shape:
            raise ConfigError(
                f"{place}: {known.title!r}, a class of {known.shape}s, and {old.title!r}, one of {old.shape}s, cannot "
                f"both be called {title!r}; choose another title"
            )
    return meta.with_classes(replace(old, title=title) for title, old in first.items())


def map_objects(item: Item, resolved: dict[str, str | None]) -> Item:
    """The objects after a mapping, with what is known of their classes."""
    return with_renamed(item, resolved).with_objects(
        replace(entry, class_title=title) for entry in item.objects if (title := _target(entry, resolved)) is not None
    )


def with_renamed(item: Item, titles: Mapping[str, str | None]) -> Item:
    """The same item, where what a split left to be judged of a class, and which class of the network it is, goes by the
    class's new title.

    Args:
        item: Of any kind.
        titles: New title by old one, None for a class that goes; others stay.
    """
    return with_renamed_predicted(with_renamed_rules(item, titles), titles)


def _target(entry: Object, resolved: dict[str, str | None]) -> str | None:
    return resolved[entry.class_title]


def check_classes_known(meta: ProjectMeta, titles: Iterable[str], place: str) -> None:
    """See that every class of a mapping is there.

    Raises:
        ConfigError: Naming one that is not.
    """
    for title in titles:
        if meta.find(title) is None:
            raise ConfigError(
                f"{place}: {title!r} is no class of the incoming items; classes are {', '.join(meta.titles) or 'none'}"
            )


def check_class_free(meta: ProjectMeta, title: str, shape: Shape, place: str) -> None:
    """See that a class may be made: there is none of its title, or that has its shape.

    Raises:
        ConfigError: If there is one of another shape.
    """
    known = meta.find(title)
    if known is not None and known.shape is not shape:
        raise ConfigError(
            f"{place}: {title!r} would be a class of {shape}s, and is one of {known.shape}s; choose another title"
        )


def convert_classes(meta: ProjectMeta, mapping: Mapping[str, str], shape: Shape, place: str) -> ProjectMeta:
    """The classes once objects of some have become figures of `shape` and of new classes.

    Args:
        meta: Before.
        mapping: New class by old class.
        shape: Of the new classes.
        place: Of the mapping, for messages.

    Raises:
        ConfigError: If an old class is not there, or one of a new title has another shape.
    """
    check_classes_known(meta, mapping, place)
    for title in mapping.values():
        check_class_free(meta, title, shape, place)
    new = dict.fromkeys(mapping.values())
    kept = [known for known in meta.classes if known.title not in mapping or known.title in new]
    return with_new_classes(meta.with_classes(kept), new, shape)


def with_new_classes(meta: ProjectMeta, titles: Iterable[str], shape: Shape) -> ProjectMeta:
    """The classes and those of further titles, where these are new."""
    made = [ClassInfo.with_own_color(title, shape) for title in dict.fromkeys(titles) if meta.find(title) is None]
    return meta.with_classes([*meta.classes, *made])
