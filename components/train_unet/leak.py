"""How much of the validation set the training has seen, mirrored."""

from __future__ import annotations

from collections.abc import Iterator

from components.core.errors import DataError
from components.core.geometry import Window
from components.train_unet.dataset import WindowDataset

_Place = tuple[str, Window]


def mirrored_items(train: WindowDataset, val: WindowDataset) -> int:
    """Count validation items that show the same window of the same raster as a training item.

    The tutorial's query mirrors before it splits at random, so most of its validation crops have a mirrored copy
    among the training crops, and validation looks better than it is.

    Args:
        train: Training items.
        val: Validation items.

    Returns:
        How many of the validation items have a copy among the training items.
    """
    seen = set(_places(train))
    return sum(place is not None and place in seen for place in _places(val))


def _places(items: WindowDataset) -> Iterator[_Place | None]:
    """Raster and window of every item; None for one that cannot be read or has no image."""
    for row in items.rows.tolist():
        try:
            image = items.project.item(row).image
        except DataError:
            image = None
        yield None if image is None else (image.uri, image.recipe.seen())
