"""`bitmap2lines`: masks one pixel wide become lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, cast

from pydantic import Field

from components.core.dtl.action import ActionSettings
from components.core.dtl.object_action import ConvertingAction, MappingSettings, mapping_in_words
from components.core.figures import Bitmap, Figure, Line, Shape
from components.core.figures.line_paths import line_paths
from components.core.geometry import Size


class BitmapToLinesSettings(MappingSettings):
    """Settings of `bitmap2lines`."""

    min_points_cnt: int = Field(ge=2)
    """Lines of fewer points go."""


class BitmapToLines(ConvertingAction):
    """Bitmaps of the listed classes, as `skeletonize` makes them, become lines from pixel to pixel: the longest path of
    each 8-connected component, then the longest of what is left of its branches, and so on. Pieces of fewer than three
    steps go. Points lie at the pixels' rows and columns. A figure of another shape makes its image fail. Masks
    are read by row band; one component, of at most 4 000 000 pixels, is held in memory. Tags and descriptions are lost;
    the image stays as it is.
    """

    name: ClassVar[str] = "bitmap2lines"
    settings_model: ClassVar[type[ActionSettings]] = BitmapToLinesSettings
    takes: ClassVar[frozenset[Shape]] = frozenset({Shape.BITMAP})
    makes: ClassVar[Shape] = Shape.LINE
    works_on_pixels: ClassVar[bool] = True

    def figures(self, figure: Figure, size: Size) -> Iterable[Figure | None]:
        """The lines that are long enough."""
        paths = line_paths(cast(Bitmap, figure))
        return (Line(path) for path in paths if len(path) >= self.settings.min_points_cnt)

    def summary(self) -> str:
        """Classes and least number of points."""
        return f"{mapping_in_words(self.mapping)}, at least {self.settings.min_points_cnt} points"
