"""Objects of a predicted mask by a `SplitRule`, with the confidence that inference lays beside the image."""

from __future__ import annotations

from collections.abc import Sequence

from components.core.figures import Bitmap
from components.core.figures.watershed import HeightMap, parted
from components.core.project.confidence import confidence_pixels, confidence_sums, mean_confidence
from components.core.project.item import Item
from components.core.project.parts import meets_seam
from components.core.project.splitting import SplitRule


def separated(item: Item, components: Sequence[Bitmap], rule: SplitRule) -> list[Bitmap]:
    """The objects that connected components are.

    Args:
        item: What they were found in, with a raster "confidence".
        components: In the item's pixels. Those that meet a seam with another row part of the scene stay as they are:
            the rule can be applied once all of them is known.
        rule: What makes a piece of them an object.

    Returns:
        Tight bitmaps in the order of the components, and of first pixels within each.

    Raises:
        DataError: If the raster cannot be read or is not 8-bit.
    """
    pieces = list(components) if rule.seed_height is None else _parted(item, components, rule, rule.seed_height)
    sums = confidence_sums(item, pieces) if rule.min_confidence else None
    if sums is None:
        return pieces
    return [
        piece
        for piece, total in zip(pieces, sums.tolist(), strict=True)
        if mean_confidence(total, piece) >= rule.min_confidence or meets_seam(item, piece.window)
    ]


def _parted(item: Item, components: Sequence[Bitmap], rule: SplitRule, seed_height: int) -> list[Bitmap]:
    whole = [index for index, component in enumerate(components) if not meets_seam(item, component.window)]
    read = confidence_pixels(item, [components[index] for index in whole])
    maps = ((whole[place], HeightMap(components[whole[place]].mask.pixels(), heights)) for place, heights in read)
    parts = dict(parted(maps, seed_height, rule.min_seed_area))
    return [
        part.moved(component.top, component.left) if index in parts else part
        for index, component in enumerate(components)
        for part in parts.get(index, [component])
    ]
