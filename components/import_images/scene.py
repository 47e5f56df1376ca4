"""One scene: its image and mask made ready for windowed reading, and the item that speaks of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from components.core.errors import DataError
from components.core.figures import Bitmap, RasterMask
from components.core.imagery.bands import IN_COLOUR
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Recipe
from components.core.imagery.turning import turn_of
from components.core.project import ImageRef, Item, Object
from components.core.project.parts import with_wanted_rows
from components.import_images.images import ReadyImage, ready_image
from components.import_images.masks import ready_mask
from components.import_images.rewriting import opened, size_of
from components.import_images.task import BadScene, ReadyScene, SceneTask


def import_scene(task: SceneTask) -> ReadyScene | BadScene:
    """Import one scene; what is wrong with its files is its result, what is wrong with the storage is raised."""
    try:
        return _import(task)
    except DataError as error:
        return BadScene(task.pair.name, str(error))


def _import(task: SceneTask) -> ReadyScene:
    pair = task.pair
    with opened(pair.image) as (dataset, info):
        turn = turn_of(dataset, pair.image.uri, info)
        mask_size = None if pair.mask is None else size_of(pair.mask)
        if pair.mask is not None and mask_size != turn.size(info.size):
            upright = "" if turn.is_none else " when it is turned as its orientation says"
            raise DataError(
                f"{pair.mask.uri}: the mask has {mask_size} px, its image {pair.image.uri} {turn.size(info.size)} px"
                f"{upright}; give a mask of the image's size"
            )
        image = ready_image(dataset, info, turn, task)
    objects: tuple[Object, ...] = ()
    outcomes = [image.outcome]
    if pair.mask is not None:
        mask_uri, scan, mask_outcome = ready_mask(pair.mask, task)
        outcomes.append(mask_outcome)
        if scan.box is not None:
            mask = RasterMask(MaskRaster(mask_uri), Recipe(scan.box), scan.area)
            objects = (Object(task.class_title, Bitmap(scan.box.top, scan.box.left, mask)),)
    item = Item(
        dataset=task.dataset,
        name=pair.name,
        size=image.info.size,
        image=ImageRef.whole(image.uri, image.info.size, image.info.crs, image.info.transform),
        objects=objects,
        extra=_extra(image),
    )
    shown = item if task.rows is None else with_wanted_rows(item, task.rows)
    return ReadyScene(shown, tuple(outcomes), str(image.bands), image.notes)


def _extra(image: ReadyImage) -> dict[str, Any]:
    """What is kept of how an image was read, where that is not as it is."""
    extra: dict[str, Any] = {"scaling": asdict(image.stretch)} if image.stretch else {}
    shown = IN_COLOUR if image.info.has_palette else image.bands.shown
    return extra if shown == IN_COLOUR else extra | {"colours": shown}
