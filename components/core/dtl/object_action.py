"""What actions share that go through the objects one by one and leave the image alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.mapping import WORDS, convert_classes
from components.core.dtl.possible import Possible
from components.core.errors import DataError
from components.core.figures import Figure, Shape
from components.core.geometry import Size
from components.core.project import Item, Object, ProjectMeta

MADE_BY = {
    Shape.BITMAP: "poly2bitmap",
    Shape.POLYGON: "find_contours or bbox2poly",
    Shape.LINE: "bitmap2lines",
    Shape.RECTANGLE: "bbox",
    Shape.POINT: "generate_hints",
}
"""Which action makes figures of a shape, for messages."""


class ClassesSettings(ActionSettings):
    """Settings of actions on objects of some classes."""

    classes: list[str]
    """Classes whose objects it is about; others stay as they are."""


def _no_word(title: str) -> str:
    if title in WORDS:
        raise ValueError(
            f"`{title}` is a word of the `data` layer, and no class; classes that are not listed stay as they are, and "
            "`drop_obj_by_class` drops objects"
        )
    return title


ClassTitle = Annotated[
    str, Field(min_length=1, json_schema_extra={"not": {"enum": sorted(WORDS)}}), AfterValidator(_no_word)
]
"""The title of a class that an action makes or changes."""


class MappingSettings(ActionSettings):
    """Settings of actions that give objects another class."""

    classes_mapping: dict[ClassTitle, ClassTitle]
    """Class of the objects that it is about, and the class that they get; objects of other classes stay as they are."""


class ObjectAction(Action):
    """An action on the objects of listed classes; the image and other objects stay as they are."""

    key: ClassVar[str]
    """The setting that lists the classes."""

    takes: ClassVar[frozenset[Shape]] = frozenset(Shape)
    """Shapes of figures that it works on; others are errors."""

    works_on_pixels: ClassVar[bool] = False
    """Whether only a mask's pixels tell what becomes of an object, so that a dry run cannot."""

    @abstractmethod
    def listed(self) -> Iterable[str]:
        """Titles of the classes that it is about."""

    @abstractmethod
    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """What becomes of an object of a listed class."""

    def meta_after(self, meta: ProjectMeta) -> ProjectMeta:
        """Classes and tags after this action."""
        return meta

    def divide(self, arriving: Possible) -> tuple[Possible | None, ...]:
        """All that arrives, of other classes perhaps; `change_meta` has warned of what is odd."""
        return (replace(arriving, meta=self.meta_after(arriving.meta)),)

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element with its listed objects changed, in their places."""
        item, listed = element.item, frozenset(self.listed())
        concerned = [entry for entry in item.objects if entry.class_title in listed]
        for entry in concerned:
            self._check_shape(entry, element)
        if context.dry and self.works_on_pixels and concerned:
            yield Emission(element.with_objects_unknown())
            return
        if not concerned:
            yield Emission(element)
            return
        parts = (self.change(entry, item) if entry.class_title in listed else (entry,) for entry in item.objects)
        yield Emission(element.with_item(item.with_objects(chain.from_iterable(parts))))

    def _check_shape(self, entry: Object, element: Element) -> None:
        shape = entry.figure.shape
        if shape in self.takes:
            return
        wanted = " and ".join(f"{shape}s" for shape in Shape if shape in self.takes)
        makers = " or ".join(f"`{MADE_BY[shape]}`" for shape in Shape if shape in self.takes)
        raise DataError(
            f"{self.place}.settings.{self.key}: an object of {entry.class_title!r} in image {element.source.name!r} is "
            f"a {shape}, and `{self.name}` takes {wanted} alone; leave the class out, or use {makers} before"
        )


class ClassesAction(ObjectAction):
    """An `ObjectAction` whose settings list classes; they stay what they are."""

    settings_model: ClassVar[type[ActionSettings]] = ClassesSettings
    key: ClassVar[str] = "classes"

    def listed(self) -> Iterable[str]:
        """As the settings say."""
        return list(self.settings.classes)

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """Classes stay; one that is not there is warned of."""
        self.warn_of_unknown_classes(meta, self.settings.classes)
        return self.meta_after(meta)

    def summary(self) -> str:
        """The classes."""
        return ", ".join(self.settings.classes)


class ConvertingAction(ObjectAction):
    """An `ObjectAction` that makes figures of a mapping's new classes; made anew, they lose tags and description."""

    settings_model: ClassVar[type[ActionSettings]] = MappingSettings
    key: ClassVar[str] = "classes_mapping"
    makes: ClassVar[Shape]
    """Shape of the new classes."""

    def listed(self) -> Iterable[str]:
        """As the settings say."""
        return self.mapping

    @property
    def mapping(self) -> dict[str, str]:
        """New class by old class."""
        return dict(self.settings.classes_mapping)

    @abstractmethod
    def figures(self, figure: Figure, size: Size) -> Iterable[Figure | None]:
        """What becomes of a figure on an image of `size`; None is ignored."""

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """New objects of the new class."""
        title = self.mapping[entry.class_title]
        return (Object(title, figure) for figure in self.figures(entry.figure, item.size) if figure is not None)

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """Old classes go, new ones come; one of the new title and shape may be there.

        Raises:
            ConfigError: If a class is not there, or one of a new title has another shape.
        """
        return self.meta_after(meta)

    def meta_after(self, meta: ProjectMeta) -> ProjectMeta:
        """See `change_meta`."""
        return convert_classes(meta, self.mapping, self.makes, f"{self.place}.settings.{self.key}")

    def summary(self) -> str:
        """Old and new classes."""
        return mapping_in_words(self.mapping)


def mapping_in_words(mapping: dict[str, str]) -> str:
    """Old and new classes, for the picture of a query."""
    return ", ".join(f"{old} → {new}" for old, new in mapping.items())
