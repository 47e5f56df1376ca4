"""Windows without objects in the images that training items are cut from: what a query drops, and inference meets.

A query that keeps crops with objects alone leaves nearly no bare ground to learn from. Where the masks of a project's
items are windows of rasters that cover their images, those tell what lies elsewhere.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.documents.training import WHERE
from components.core.errors import ConfigError, DataError
from components.core.figures import Bitmap, RasterMask
from components.core.geometry import Size, Window
from components.core.imagery import local_copy
from components.core.imagery.masks import MaskRaster
from components.core.imagery.reading import read_band
from components.core.imagery.recipe import Crop, Recipe
from components.core.project import ImageRef, Item, Project

Booleans = npt.NDArray[np.bool_]

DATASET = "bare ground"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BareGround:
    """Windows without objects; each is an item.

    Attributes:
        images: That they lie in, whole.
        places: (N, 3) int64: index of the image, first row and first column of each.
        size: Of all of them.
    """

    images: tuple[ImageRef, ...]
    places: npt.NDArray[np.int64]
    size: Size

    def __len__(self) -> int:
        """How many there are."""
        return len(self.places)

    def item(self, index: int) -> Item:
        """One of them."""
        number, top, left = self.places[index].tolist()
        image, window = self.images[number], Window(top, left, self.size.height, self.size.width)
        name = f"{image.uri}_r{top:04d}_c{left:04d}"
        return Item(DATASET, name, self.size, replace(image, recipe=Recipe(window)))


NO_GROUND = BareGround((), np.empty((0, 3), np.int64), Size(0, 0))


@dataclass(slots=True)
class _Scene:
    """What a project's items tell of one image.

    Attributes:
        image: It, whole.
        masks: Rasters of its objects; those that no class has are bare.
        is_covered: Whether these tell all: every object is a window of a raster on the image's own grid.
        held_out: What other items than those for training show.
    """

    image: ImageRef
    masks: set[MaskRaster] = field(default_factory=set)
    is_covered: bool = True
    held_out: list[Window] = field(default_factory=list)


def find_bare_ground(project: Project, train: Sequence[int]) -> BareGround:
    """Find windows without objects, as large as most training items, half a window apart.

    They lie in images of training items, and touch no window of an item that is not for training.

    Args:
        project: Of the items.
        train: Rows of those for training.

    Raises:
        ConfigError: If there are none, or the masks do not tell.
        StorageError: If a mask cannot be reached.
    """
    scenes, sizes = _survey(project, train)
    if not sizes:
        return NO_GROUND
    size = sizes.most_common(1)[0][0]
    told = [scene for scene in scenes if scene.is_covered and scene.masks]
    places = [
        (number, window.top, window.left) for number, scene in enumerate(told) for window in _bare_windows(scene, size)
    ]
    if not places:
        raise ConfigError(
            f"{WHERE}: negatives: there is no window of {size} px without objects in the images of training items; "
            + (
                "use 0, or smaller crops"
                if told
                else "their masks are not rasters that cover the images, as import_images writes them; use 0, or keep "
                "crops without objects in the query"
            )
        )
    log.info("%d windows of bare ground in %d of %d images", len(places), len({p[0] for p in places}), len(scenes))
    return BareGround(tuple(scene.image for scene in told), np.array(places, np.int64), size)


def _survey(project: Project, train: Sequence[int]) -> tuple[list[_Scene], Counter[Size]]:
    """The images of training items in order, and how often these have which size."""
    scenes: dict[str, _Scene] = {}
    sizes: Counter[Size] = Counter()
    others: dict[str, list[Window]] = defaultdict(list)
    trains = set(map(int, train))
    for row in sorted(trains) + [row for row in range(len(project)) if row not in trains]:
        try:
            item = project.item(row)
        except DataError:  # whoever reads it tells
            continue
        image = item.image
        if image is None:
            continue
        if row in trains:
            whole = replace(image, recipe=Recipe.whole(image.size))
            scenes.setdefault(image.uri, _Scene(whole))
            sizes[image.recipe.seen().size] += 1
        else:
            others[image.uri].append(image.recipe.seen())
        if image.uri in scenes:
            _learn(scenes[image.uri], item, image)
    for uri, scene in scenes.items():
        scene.held_out = others[uri]
    return list(scenes.values()), sizes


def _learn(scene: _Scene, item: Item, image: ImageRef) -> None:
    for entry in item.objects:
        figure = entry.figure
        if not isinstance(figure, Bitmap) or not isinstance(figure.mask, RasterMask):
            scene.is_covered = False
        elif not image.recipe.operations:
            shown = image.recipe.then(Crop(figure.window)).window
            scene.is_covered &= shown == figure.mask.recipe.window
            scene.masks.add(figure.mask.raster)


def _bare_windows(scene: _Scene, size: Size) -> Iterator[Window]:
    """Half a window apart; in steps of blocks, of which none may hold an object."""
    whole = scene.image.size
    if whole.height < size.height or whole.width < size.width:
        return
    step = Size(-(-size.height // 2), -(-size.width // 2))
    taken = _taken_blocks(scene, step)
    for row in range((whole.height - size.height) // step.height + 1):
        for column in range((whole.width - size.width) // step.width + 1):
            window = Window(row * step.height, column * step.width, size.height, size.width)
            if taken[row : row + 2, column : column + 2].any():
                continue
            if not any(window.intersection(other) for other in scene.held_out):
                yield window


def _taken_blocks(scene: _Scene, step: Size) -> Booleans:
    """Which blocks of an image hold anything but bare ground."""
    whole = scene.image.size
    starts = np.arange(0, whole.width, step.width)
    by_raster: dict[str, list[int | None]] = defaultdict(list)
    for mask in scene.masks:
        by_raster[mask.uri].append(mask.value)
    taken = np.zeros((-(-whole.height // step.height), len(starts)), np.bool_)
    for uri, values in sorted(by_raster.items()):
        place = local_copy(uri)
        ground = 0 if None in values else _ground_value(place, whole, step, values)
        for row, band in enumerate(_bands(place, whole, step)):
            other = (band > 0 if None in values else band != ground).any(0)
            taken[row] |= np.logical_or.reduceat(other, starts)
    return taken


def _ground_value(place: str, whole: Size, step: Size, values: Sequence[int | None]) -> int | float | None:
    """The value of a mask that means bare ground: the most frequent one that no object has."""
    counts: Counter[int | float] = Counter()
    for band in _bands(place, whole, step):
        counts.update(dict(zip(*(part.tolist() for part in np.unique(band, return_counts=True)), strict=True)))
    return next((value for value, _ in counts.most_common() if value not in values), None)


def _bands(place: str, whole: Size, step: Size) -> Iterator[npt.NDArray[Any]]:
    for top in range(0, whole.height, step.height):
        yield read_band(place, Window(top, 0, min(step.height, whole.height - top), whole.width))
