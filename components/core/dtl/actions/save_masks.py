"""`save_masks`: where items leave a query, into files with masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import ConfigDict, Field, model_validator

from components.core.dtl.action import ActionSettings
from components.core.dtl.actions.save import Save
from components.core.dtl.schema_rules import both, given, is_set, when
from components.core.project import ProjectMeta
from components.core.project.materialize import Files

if TYPE_CHECKING:
    from components.core.project.renders import Render

Level = Annotated[int, Field(ge=0, le=255)]

Colors = dict[str, Annotated[list[Level], Field(min_length=3, max_length=3)]]
"""Red, green and blue by the title of a class."""


class SaveMasksSettings(ActionSettings):
    """Settings of `save_masks`."""

    model_config = ConfigDict(
        json_schema_extra=both(
            when(is_set("masks_machine", True), given("gt_machine_color")),
            when(is_set("masks_human", True), given("gt_human_color")),
        )
    )

    images: bool
    """Whether pixels are written: as PNG, or as the source file where an item shows all of it."""

    annotations: bool
    """Whether annotations are written."""

    masks_machine: bool
    """Whether `masks_machine` gets the figures in the colours of `gt_machine_color`, on black."""

    masks_human: bool
    """Whether `masks_human` gets the image, a green column, and the image with its figures half transparent."""

    gt_machine_color: Colors | None = None
    """Red, green and blue of each class that `masks_machine` shows."""

    gt_human_color: Colors | None = None
    """Red, green and blue of each class that `masks_human` shows."""

    @model_validator(mode="after")
    def _has_colors(self) -> SaveMasksSettings:
        for masks, colors in (("masks_machine", "gt_machine_color"), ("masks_human", "gt_human_color")):
            if getattr(self, masks) and getattr(self, colors) is None:
                raise ValueError(f"{masks} is true, and {colors} is missing; give a colour for each class")
        return self


class SaveMasks(Save):
    """Saves what arrives as files with masks of the listed classes; its destination is the new project's name.

    Figures of any kind are drawn filled, later objects over earlier ones; other classes are not drawn. Black is drawn
    as 1, 1, 1 over the image of `masks_human`.
    """

    name: ClassVar[str] = "save_masks"
    settings_model: ClassVar[type[ActionSettings]] = SaveMasksSettings

    def files(self, meta: ProjectMeta) -> Files:
        """As the settings say."""
        from components.core.project.renders import Color, ColorMask, Overlay  # OpenCV, for those who draw

        settings = self.settings
        machine, human = (
            {title: Color(*channels) for title, channels in (colors or {}).items()}
            for colors in (settings.gt_machine_color, settings.gt_human_color)
        )
        renders: dict[str, Render] = {}
        if settings.masks_machine:
            renders["masks_machine"] = ColorMask(machine)
        if settings.masks_human:
            renders["masks_human"] = Overlay(human)
        return Files(settings.images, settings.annotations, renders)

    def summary(self) -> str:
        """What is written."""
        return ", ".join(key for key, value in self.settings.model_dump().items() if value is True)
