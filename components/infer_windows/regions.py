"""The regions of a scene that the network infers one by one: a whole image, a part of it, or objects' boxes.

They differ from windows in that they are of any size and place, may overlap in any way, and need not cover the scene.
As windows are, a region is run in the strip of columns in which it begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from components.core.documents.regions import Region, distinct_windows
from components.core.geometry import Size, Window
from components.core.project.parts import Rows
from components.infer_windows.arrays import Float32
from components.infer_windows.windows import BAND_ROWS, STRIP_COLUMNS, Placed, Strip, strip_borders


@dataclass(frozen=True)
class RegionPlan:
    """The regions to infer in some rows of a scene.

    Attributes:
        size: Of the scene, in pixels.
        regions: Of the whole scene, also those that lie at the same place.
        top: The first row that is wanted.
        bottom: The row after the last.
        borders: Where the scene is cut into strips: the first column of each, and the column after the last.
        classes: Number of channels that the network gives.
        band_rows: Rows that are finished at once.
    """

    size: Size
    regions: Sequence[Region]
    top: int
    bottom: int
    borders: Sequence[int]
    classes: int
    band_rows: int = BAND_ROWS

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """Where the regions lie that meet the wanted rows, each place once, from the top down."""
        wanted = Rows(self.top, self.bottom).window(self.size)
        return tuple(window for window in distinct_windows(self.regions) if window.intersection(wanted) is not None)

    @cached_property
    def strips(self) -> Sequence[Strip]:
        """The columns, from left to right, with the indices of `windows` that contribute to each."""
        return [
            Strip(
                left,
                right,
                earlier=[index for index, found in enumerate(self.windows) if found.left < left < found.right],
                own=[index for index, found in enumerate(self.windows) if left <= found.left < right],
            )
            for left, right in pairwise(self.borders)
        ]

    @property
    def is_partial(self) -> bool:
        """Whether some pixels of the scene may be in no region."""
        whole = Window.of_size(self.size)
        return all(region.window != whole for region in self.regions)

    @property
    def planes(self) -> int:
        """Number of arrays that a region contributes: its probabilities, and 1 where its pixels hold data, else 0."""
        return self.classes + 1

    @property
    def highest(self) -> int:
        """Height of the highest region, or of a band where that is more, in pixels."""
        return max([self.band_rows, *(window.height for window in self.windows)])

    def inputs(self) -> Sequence[Region]:
        """The network's inputs, for the annotation."""
        return self.regions

    def placed(self, strip: Strip) -> Iterator[Placed]:
        """The regions that contribute to a strip, from the top down."""
        for index in sorted((*strip.earlier, *strip.own)):
            found = self.windows[index]
            top, bottom = max(found.top, self.top), min(found.bottom, self.bottom)
            window = Window.of_bounds(top, max(found.left, strip.left), bottom, found.right)
            yield Placed(index, 0, window, (found.top, found.left), found.left >= strip.left)

    def weights(self, inside: Window) -> Float32 | None:
        """None: what a region says counts the same everywhere."""
        return None


def plan_regions(
    size: Size,
    regions: Sequence[Region],
    classes: int,
    rows: Rows | None = None,
    strip_columns: int = STRIP_COLUMNS,
) -> RegionPlan:
    """Decide how a scene is done.

    Args:
        size: Of the scene, in pixels.
        regions: The network's inputs, inside the scene.
        classes: Number of channels that the network gives.
        rows: The rows that are wanted; None for all.
        strip_columns: The most columns of a strip.
    """
    wanted = rows or Rows(0, size.height)
    return RegionPlan(size, regions, wanted.top, wanted.bottom, strip_borders(size.width, strip_columns), classes)
