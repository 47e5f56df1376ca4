"""`background`: a rectangle over the whole image, under all other objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.mapping import check_class_free, with_new_classes
from components.core.dtl.object_action import ClassTitle
from components.core.figures import Rectangle, Shape
from components.core.project import Object, ProjectMeta


class BackgroundSettings(ActionSettings):
    """Settings of `background`."""

    class_: ClassTitle = Field(alias="class")
    """Title of the rectangle's class."""


class Background(Action):
    """A rectangle of the given class is put before all objects, from (0, 0) to (width - 1, height - 1), so that its
    drawing covers the image's pixels exactly and other objects are drawn over it; an image one pixel high or wide gets
    none. The other objects and the image stay as they are.
    """

    name: ClassVar[str] = "background"
    settings_model: ClassVar[type[ActionSettings]] = BackgroundSettings

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """The class is there.

        Raises:
            ConfigError: If there is one of its title and another shape.
        """
        check_class_free(meta, self.settings.class_, Shape.RECTANGLE, f"{self.place}.settings.class")
        return with_new_classes(meta, [self.settings.class_], Shape.RECTANGLE)

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element, with the rectangle as its first object."""
        item = element.item
        whole = Rectangle(0.0, 0.0, item.size.height - 1.0, item.size.width - 1.0)
        new = [Object(self.settings.class_, figure) for figure in whole.normalise(item.size)]
        yield Emission(element.with_item(item.with_objects([*new, *item.objects])))

    def summary(self) -> str:
        """The class."""
        return str(self.settings.class_)
