"""`save`: where items leave a query, into files."""

from __future__ import annotations

from typing import ClassVar

from components.core.dtl.action import ActionSettings
from components.core.dtl.actions.save import Save
from components.core.project import ProjectMeta
from components.core.project.materialize import Files


class SaveImagesSettings(ActionSettings):
    """Settings of `save`."""

    images: bool
    """Whether pixels are written: as PNG, or as the source file where an item shows all of it."""

    annotations: bool
    """Whether annotations are written."""

    visualize: bool = False
    """Whether `visualize` gets the image, a green column, and the image with its figures half transparent."""


class SaveImages(Save):
    """Saves what arrives as files, in the Supervisely folder format; its destination is the new project's name.

    Images are computed as they are written; objects stay as they are. In `visualize`, figures have the colours of their
    classes; bitmaps and polygons are filled, rectangles are outlines, points discs of five pixels.
    """

    name: ClassVar[str] = "save"
    settings_model: ClassVar[type[ActionSettings]] = SaveImagesSettings

    def files(self, meta: ProjectMeta) -> Files:
        """As the settings say."""
        settings = self.settings
        if not settings.visualize:
            return Files(settings.images, settings.annotations)
        from components.core.project.renders import Overlay, colors_of  # OpenCV, for those who draw

        return Files(settings.images, settings.annotations, {"visualize": Overlay(colors_of(meta), outlines=True)})

    def summary(self) -> str:
        """What is written."""
        return ", ".join(key for key, is_wanted in self.settings.model_dump().items() if is_wanted)
