"""`skeletonize`: masks become lines one pixel wide."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Literal, cast

from components.core.dtl.action import ActionSettings
from components.core.dtl.object_action import ClassesAction, ClassesSettings
from components.core.figures import Bitmap, Shape
from components.core.figures.connected_components import connected_components, merged
from components.core.figures.mask import BoolPixels
from components.core.figures.thinning import Pixels, guo_hall, medial_axis, zhang_suen
from components.core.project import Item, Object

METHODS: dict[str, Callable[[BoolPixels], Pixels]] = {
    "skeletonization": zhang_suen,
    "medial_axis": medial_axis,
    "thinning": guo_hall,
}


class SkeletonizeSettings(ClassesSettings):
    """Settings of `skeletonize`."""

    method: Literal["skeletonization", "medial_axis", "thinning"]
    """Parallel thinning of Zhang and Suen (1984); the ridge of the distance to the background; or parallel thinning of
    Guo and Hall (1989), which gives the fewest spurs."""


class Skeletonize(ClassesAction):
    """Every bitmap of a listed class is thinned to lines one pixel wide, and stays one object, in pieces or not; around
    a mask nothing is set. A figure of another shape makes its image fail. The mask is read by row band and thinned
    component by component; the result is held in memory. Tags and descriptions are lost; the image stays as it is.
    """

    name: ClassVar[str] = "skeletonize"
    settings_model: ClassVar[type[ActionSettings]] = SkeletonizeSettings
    takes: ClassVar[frozenset[Shape]] = frozenset({Shape.BITMAP})
    works_on_pixels: ClassVar[bool] = True

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """The skeleton."""
        bitmap = cast(Bitmap, entry.figure)
        thinned = METHODS[self.settings.method]
        parts = connected_components(bitmap.mask)
        lines = [Bitmap.of_pixels(thinned(part.mask.pixels()), part.top, part.left) for part in parts]
        found = [line for line in lines if line is not None]
        if found:
            yield Object(entry.class_title, merged(found).moved(bitmap.top, bitmap.left))

    def summary(self) -> str:
        """Classes and method."""
        return f"{super().summary()}, {self.settings.method}"
