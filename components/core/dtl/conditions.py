"""The conditions of `if`: one model a condition, one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Discriminator, Field, Tag

from components.core.dtl.action import ActionSettings, Context, Element, QueryLayer
from components.core.dtl.flow import Booleans, Flow
from components.core.dtl.possible import Possible
from components.core.patterns import compiled, found_in, is_found

SHOWN = 5


class Condition(ActionSettings):
    """A question about an element; exactly one an `if`."""

    def holds(self, element: Element, layer: QueryLayer, context: Context) -> bool:
        """The answer."""
        raise TypeError(f"{type(self).__name__} answers nothing")

    def holds_each(self, flow: Flow, layer: QueryLayer, context: Context) -> Booleans:
        """(N,) the answers for many elements; of all conditions that do not look at objects."""
        raise TypeError(f"{type(self).__name__} answers for one element at a time")

    def looks_at_objects(self) -> bool:
        """Whether the answer depends on the objects, which a dry run may not know."""
        return False

    def divide(self, arriving: Possible) -> tuple[Possible | None, Possible | None]:
        """For which of the elements that arrive the answer may be yes, and for which no; None for none of them."""
        return arriving, arriving

    def there(self, arriving: Possible) -> str:
        """What arrives of that which is asked for, for a message."""
        return ""


class Probability(Condition):
    """True with a chance of `probability`; keyed by name, so the same in every run of one seed."""

    probability: float = Field(ge=0, le=1)
    """The chance, from 0 for never to 1 for always."""

    group_by: Literal["item", "source"] = "item"
    """What goes one way together: each item by itself, or all that came from one image."""

    def holds(self, element: Element, layer: QueryLayer, context: Context) -> bool:
        """With `group_by` "source", all that came from one image go the same way."""
        return context.uniform(layer, element, self.group_by == "source") < self.probability

    def holds_each(self, flow: Flow, layer: QueryLayer, context: Context) -> Booleans:
        """Each as by itself; an element of a flow is all that came from its image so far."""
        return np.array(context.uniform_each(layer, flow)) < self.probability

    def divide(self, arriving: Possible) -> tuple[Possible | None, Possible | None]:
        """Chances of 0 and 1 leave nothing to chance."""
        return (arriving if self.probability > 0 else None), (arriving if self.probability < 1 else None)


def _listed(what: str, names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:SHOWN])) + (" …" if len(names) > SHOWN else "")
    return f"; {what} {shown or 'none'}"


def _compiles(pattern: str) -> str:
    compiled(pattern)
    return pattern


class RegexNames(Condition):
    """True where any pattern is found in the source image's name."""

    regex_names: list[Annotated[str, AfterValidator(_compiles)]]

    def holds(self, element: Element, layer: QueryLayer, context: Context) -> bool:
        """A search, not a full match."""
        return self._finds(element.source.name)

    def holds_each(self, flow: Flow, layer: QueryLayer, context: Context) -> Booleans:
        """A search in each name."""
        names, found = flow.names, np.zeros(len(flow), np.bool_)
        for pattern in self.regex_names:
            found |= np.fromiter(found_in(pattern, names), np.bool_, len(names))
        return found

    def _finds(self, name: str) -> bool:
        return any(is_found(pattern, name) for pattern in self.regex_names)

    def divide(self, arriving: Possible) -> tuple[Possible | None, Possible | None]:
        """By name, where names are known."""
        if arriving.names is None:
            return arriving, arriving
        found = frozenset(filter(self._finds, arriving.names))
        yes, no = (replace(arriving, names=names) for names in (found, arriving.names - found))
        return (yes if yes.names else None), (no if no.names else None)

    def there(self, arriving: Possible) -> str:
        """Some of the names."""
        return _listed("names there are", sorted(arriving.names or ()))


def _names_project_and_dataset(text: str) -> str:
    if text.count("/") != 1 or not all(text.split("/")):
        raise ValueError(f"{text!r} is not of the form project/dataset; `*` may stand for either part")
    return text


class ProjectDatasets(Condition):
    """True where the source's "project/dataset" is listed; `*` stands for any."""

    project_datasets: list[
        Annotated[
            str, Field(json_schema_extra={"pattern": "^[^/]+/[^/]+$"}), AfterValidator(_names_project_and_dataset)
        ]
    ]

    def holds(self, element: Element, layer: QueryLayer, context: Context) -> bool:
        """Looks at the source, whatever the dataset is called by now."""
        return self._lists(element.source.project, element.source.dataset)

    def holds_each(self, flow: Flow, layer: QueryLayer, context: Context) -> Booleans:
        """The same of each."""
        listed = {dataset: self._lists(flow.batch.project, dataset) for dataset in set(flow.batch.datasets)}
        return np.fromiter((listed[dataset] for dataset in flow.datasets), np.bool_, len(flow))

    def _lists(self, project: str, dataset: str) -> bool:
        wanted = (entry.split("/") for entry in self.project_datasets)
        return any(one in ("*", project) and other in ("*", dataset) for one, other in wanted)


class MinObjectsCount(Condition):
    """True where there are at least so many objects."""

    min_objects_count: int = Field(ge=0)

    def holds(self, element: Element, layer: QueryLayer, context: Context) -> bool:
        """Counts all objects."""
        return len(element.item.objects) >= self.min_objects_count

    def looks_at_objects(self) -> bool:
        """It counts them."""
        return True


class IncludeClasses(Condition):
    """True where there is an object of a listed class."""

    include_classes: list[str]

    def holds(self, element: Element, layer: QueryLayer, context: Context) -> bool:
        """One object suffices."""
        return any(entry.class_title in self.include_classes for entry in element.item.objects)

    def divide(self, arriving: Possible) -> tuple[Possible | None, Possible | None]:
        """Never yes where there is no such class."""
        return (arriving if set(self.include_classes) & set(arriving.meta.titles) else None), arriving

    def there(self, arriving: Possible) -> str:
        """The classes."""
        return _listed("classes there are", arriving.meta.titles)

    def looks_at_objects(self) -> bool:
        """It looks at their classes."""
        return True


class Tags(Condition):
    """True where the image carries a listed tag."""

    tags: list[str]

    def holds(self, element: Element, layer: QueryLayer, context: Context) -> bool:
        """Object tags do not count."""
        return self._carried(element.item.tags)

    def holds_each(self, flow: Flow, layer: QueryLayer, context: Context) -> Booleans:
        """The same of each."""
        return flow.tagged_with(self._carried)

    def _carried(self, tags: Sequence[str]) -> bool:
        return any(tag in self.tags for tag in tags)

    def divide(self, arriving: Possible) -> tuple[Possible | None, Possible | None]:
        """By tags that none can carry, and that all do."""
        listed = frozenset(self.tags)
        yes = arriving if listed & arriving.perhaps else None
        if yes is not None and len(listed) == 1:
            yes = replace(yes, surely=yes.surely | listed)
        return yes, (None if listed & arriving.surely else arriving.untagged(listed))

    def there(self, arriving: Possible) -> str:
        """The tags."""
        return _listed("tags there are", sorted(arriving.perhaps))


class MinHeight(Condition):
    """True where the image is at least so high, in pixels."""

    min_height: int

    def holds(self, element: Element, layer: QueryLayer, context: Context) -> bool:
        """Equal passes."""
        return element.item.size.height >= self.min_height

    def holds_each(self, flow: Flow, layer: QueryLayer, context: Context) -> Booleans:
        """The same of each."""
        return np.asarray(flow.heights >= self.min_height)


class MinWidth(Condition):
    """True where the image is at least so wide, in pixels."""

    min_width: int

    def holds(self, element: Element, layer: QueryLayer, context: Context) -> bool:
        """Equal passes."""
        return element.item.size.width >= self.min_width

    def holds_each(self, flow: Flow, layer: QueryLayer, context: Context) -> Booleans:
        """The same of each."""
        return np.asarray(flow.widths >= self.min_width)


class MinArea(Condition):
    """True where the image has at least so many pixels."""

    min_area: int

    def holds(self, element: Element, layer: QueryLayer, context: Context) -> bool:
        """Equal passes."""
        return element.item.size.area >= self.min_area

    def holds_each(self, flow: Flow, layer: QueryLayer, context: Context) -> Booleans:
        """The same of each."""
        return np.asarray(flow.heights * flow.widths >= self.min_area)


class SumObjectArea(Condition):
    """True where the listed classes' objects together have at least this area, in pixels."""

    sum_object_area: float
    classes: list[str]

    def holds(self, element: Element, layer: QueryLayer, context: Context) -> bool:
        """Equal passes."""
        return (
            sum(entry.figure.area for entry in element.item.objects if entry.class_title in self.classes)
            >= self.sum_object_area
        )

    def looks_at_objects(self) -> bool:
        """It adds up their areas."""
        return True


CONDITIONS: dict[str, type[Condition]] = {
    "probability": Probability,
    "regex_names": RegexNames,
    "project_datasets": ProjectDatasets,
    "min_objects_count": MinObjectsCount,
    "include_classes": IncludeClasses,
    "tags": Tags,
    "min_height": MinHeight,
    "min_width": MinWidth,
    "min_area": MinArea,
    "sum_object_area": SumObjectArea,
}
"""Every condition by the key that chooses it."""


def _key_of(value: Any) -> str | None:
    if isinstance(value, Condition):
        return next(key for key, model in CONDITIONS.items() if type(value) is model)
    if not isinstance(value, dict):
        return None
    chosen = [key for key in CONDITIONS if key in value]
    return chosen[0] if len(chosen) == 1 else None


AnyCondition = Annotated[
    Annotated[Probability, Tag("probability")]
    | Annotated[RegexNames, Tag("regex_names")]
    | Annotated[ProjectDatasets, Tag("project_datasets")]
    | Annotated[MinObjectsCount, Tag("min_objects_count")]
    | Annotated[IncludeClasses, Tag("include_classes")]
    | Annotated[Tags, Tag("tags")]
    | Annotated[MinHeight, Tag("min_height")]
    | Annotated[MinWidth, Tag("min_width")]
    | Annotated[MinArea, Tag("min_area")]
    | Annotated[SumObjectArea, Tag("sum_object_area")],
    Discriminator(
        _key_of,
        custom_error_type="condition",
        custom_error_message=f"must hold exactly one of {', '.join(CONDITIONS)}",
    ),
]
"""Exactly one condition."""
