"""`tag`: adds or deletes an image tag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.flow import Flow, Integers, Tags
from components.core.dtl.possible import Possible
from components.core.project import ProjectMeta


class TagSettings(ActionSettings):
    """Settings of `tag`."""

    tag: str = Field(min_length=1)
    action: Literal["add", "delete"]


class TagImage(Action):
    """`add` appends the tag, repeats included; `delete` takes one away, and a missing one is no error.

    It is about tags of images: objects with their tags, and the image, stay as they are.
    """

    name: ClassVar[str] = "tag"
    settings_model: ClassVar[type[ActionSettings]] = TagSettings

    def change_meta(self, meta: ProjectMeta) -> ProjectMeta:
        """An added tag is listed, taken branch or not; a deleted one stays listed where it was."""
        return meta.with_image_tag(self.settings.tag) if self.settings.action == "add" else meta

    def divide(self, arriving: Possible) -> tuple[Possible | None, ...]:
        """All carry the tag that is added; a deleted one may still be there once, where it had been added twice."""
        known = replace(arriving, meta=self.change_meta(arriving.meta))
        if self.settings.action == "add":
            return (known.tagged(self.settings.tag),)
        return (replace(known, surely=known.surely - {self.settings.tag}),)

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element, tagged."""
        yield Emission(element.with_item(replace(element.item, tags=self._changed(element.item.tags))))

    def in_columns(self) -> bool:
        """Tags are all that changes."""
        return True

    def apply_each(self, flow: Flow, layer: QueryLayer, context: Context) -> tuple[Flow, Integers]:
        """The elements, tagged."""
        return flow.retagged(self._changed), np.zeros(len(flow), np.int64)

    def _changed(self, tags: Tags) -> Tags:
        if self.settings.action == "add":
            return (*tags, self.settings.tag)
        if self.settings.tag not in tags:
            return tags
        place = tags.index(self.settings.tag)
        return (*tags[:place], *tags[place + 1 :])

    def summary(self) -> str:
        """Sign and tag."""
        return f"{'+' if self.settings.action == 'add' else '-'} {self.settings.tag}"
