"""What an action is: settings, what it does to a project's meta, and what it does to one element."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from components.core.dtl.flow import Flow, Integers
from components.core.dtl.possible import Possible
from components.core.dtl.schema_rules import Rule
from components.core.geometry import Size
from components.core.hashing import hash_integer, uniform, uniforms
from components.core.project import Item, ProjectMeta

NULL = "null"

log = logging.getLogger(__name__)


class ActionSettings(BaseModel):
    """Settings of an action: unknown keys are refused, numbers are not guessed from text.

    What checks them is built when a query has such an action.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


@dataclass(frozen=True, slots=True)
class Source:
    """Where an element came from; stays what it was, whatever happens to the element."""

    project: str
    dataset: str
    name: str

    def __str__(self) -> str:
        return f"{self.project}/{self.dataset}/{self.name}"


@dataclass(frozen=True, slots=True)
class Element:
    """An item on its way through a query.

    Attributes:
        item: As it is by now.
        source: Where it came from.
        trail: What has been done to it, as the suffix of its name.
        objects_known: False in a dry run, once a layer would have had to look at pixels.
        certain: False in a dry run, once it went both ways because its objects are not known.
        counted: False in a dry run, once it stands for any number of items of any size.
    """

    item: Item
    source: Source
    trail: str = ""
    objects_known: bool = True
    certain: bool = True
    counted: bool = True

    def with_item(self, item: Item, trail: str = "") -> Element:
        """The same element with its item changed, and `trail` added to its name."""
        return replace(self, item=item, trail=self.trail + trail)

    def with_objects_unknown(self) -> Element:
        """For a dry run: the same, objects unknown."""
        return replace(self, item=self.item.with_objects(()), objects_known=False)

    def without_objects(self, size: Size, trail: str = "") -> Element:
        """For a dry run: of the new size, objects unknown."""
        item = replace(self.item, size=size, image=None, objects=())
        return replace(self, item=item, trail=self.trail + trail, objects_known=False)


@dataclass(frozen=True, slots=True)
class Context:
    """What every layer of a run shares.

    Attributes:
        seed: Random seed.
        dry: Whether pixels are off limits, and counts are all that matters.
    """

    seed: int = 0
    dry: bool = False

    def uniform(self, layer: QueryLayer, element: Element, by_source: bool = False) -> float:
        """A number in [0, 1) keyed by the seed, the layer and the element's name, or its source image's."""
        trail = "" if by_source else element.trail
        return uniform(self.seed_of(layer), layer.key, str(element.source), trail)

    def drawn(self, layer: QueryLayer, element: Element, what: str, least: float, most: float) -> float:
        """A number from `least` to `most`, keyed as `uniform` and by what it is for."""
        share = uniform(self.seed_of(layer), layer.key, str(element.source), element.trail, what)
        return least + (most - least) * share

    def drawn_seed(self, layer: QueryLayer, element: Element) -> int:
        """A seed of 63 bits for what is drawn when pixels are read, keyed as `uniform`."""
        return hash_integer(self.seed_of(layer), layer.key, str(element.source), element.trail, "seed") >> 1

    def uniform_of_block(self, layer: QueryLayer, block: tuple[str, int, int]) -> float:
        """A number in [0, 1) keyed by the seed, the layer and a block's plane, row and column."""
        return uniform(self.seed_of(layer), layer.key, *map(str, block))

    def uniform_each(self, layer: QueryLayer, flow: Flow) -> list[float]:
        """The numbers of many elements that nothing has been added to the name of."""
        sources = (
            f"{flow.batch.project}/{dataset}/{name}" for dataset, name in zip(flow.datasets, flow.names, strict=True)
        )
        return uniforms(self.seed_of(layer), layer.key, sources, "")

    def seed_of(self, layer: QueryLayer) -> int:
        """The layer's own, or else the run's."""
        return self.seed if layer.seed is None else layer.seed


@dataclass(frozen=True, slots=True)
class Emission:
    """An element that a layer gives, and through which of its destinations."""

    element: Element
    port: int = 0


@dataclass(frozen=True, slots=True)
class QueryLayer:
    """One step of a query.

    Attributes:
        index: Position in the query.
        action: What it does.
        src: Names it reads.
        dst: Names it writes, one a port.
        name: Keys its random decisions in place of the names that it writes; empty for none.
        seed: Of its random decisions; None for the run's.
        twins: How many layers before it have its action and destinations.
    """

    index: int
    action: Action
    src: tuple[str, ...]
    dst: tuple[str, ...]
    name: str = ""
    seed: int | None = None
    twins: int = 0

    @property
    def place(self) -> str:
        """Its path in the query, for messages."""
        return f"query[{self.index}]"

    @property
    def key(self) -> str:
        """What keys its random decisions: stays the same when other layers are added or moved."""
        if self.name:
            return f"name {self.name}"
        return " ".join([self.action.name, *self.dst, *([str(self.twins)] if self.twins else [])])


@dataclass(frozen=True)
class Action(ABC):
    """An action with its settings. One subclass a file; listed in `actions/__init__.py`."""

    name: ClassVar[str]
    settings_model: ClassVar[type[ActionSettings]] = ActionSettings
    ports: ClassVar[int] = 1
    may_draw: ClassVar[bool] = False
    """Whether it may decide by chance, so that its layer may have a name and a seed."""

    draws_where: ClassVar[Rule] = {}
    """What JSON Schema says of settings with which it does."""

    place: str
    settings: Any = field(default_factory=ActionSettings)

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """Classes and tags after this action.

        Raises:
            ConfigError: If the settings do not fit the classes.
        """
        return meta

    @abstractmethod
    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """What becomes of one element.

        Raises:
            DataError: If this element cannot be processed; its source image is then reported as bad.
        """

    def draws(self) -> bool:
        """Whether it decides by chance with these settings."""
        return self.may_draw

    def in_columns(self) -> bool:
        """Whether `apply_each` can stand for `apply`: names, tags and sizes are all that is looked at or changed."""
        return False

    def apply_each(self, flow: Flow, layer: QueryLayer, context: Context) -> tuple[Flow, Integers]:
        """What becomes of many elements that each stay one, and the destination of each."""
        raise TypeError(f"{type(self).__name__} takes elements one by one")

    def divide(self, arriving: Possible) -> tuple[Possible | None, ...]:
        """What may leave through each destination of what arrives; None where nothing can."""
        return (replace(arriving, meta=self.change_meta(arriving.meta)),) * self.ports

    def there(self, arriving: Possible) -> str:
        """What arrives of that which the settings ask for, for a message that nothing passes; may be empty."""
        return ""

    def summary(self) -> str:
        """The settings in a few words, for the picture of the query."""
        return ""

    def warn_of_unknown_classes(self, meta: ProjectMeta, titles: list[str], key: str = "classes") -> None:
        """Say so in the log where a title that the setting `key` lists is no class of the data that arrives."""
        for index, title in enumerate(titles):
            self.warn_of_unknown_class(meta, title, f"{key}[{index}]")

    def warn_of_unknown_class(self, meta: ProjectMeta, title: str, key: str) -> None:
        """Say so in the log where the title that the setting `key` holds is no class of the data that arrives."""
        if meta.find(title) is None:
            log.warning(
                "%s.settings.%s: %r is no class of the incoming items and has no effect; classes are %s",
                self.place,
                key,
                title,
                ", ".join(meta.titles) or "none",
            )
