"""One scene: its image and mask made ready for windowed reading, and the item that speaks of them."""

from __future__ import annotations

from dataclasses import asdict

from components.core.errors import DataError
from components.core.figures import Bitmap, RasterMask
from components.core.footprints.placing import placed
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Recipe
from components.core.project import ImageRef, Item, Object
from components.core.project.parts import with_wanted_rows
from components.core.scene_faults import own_faults
from components.import_images.images import ready_image
from components.import_images.masks import ready_mask
from components.import_images.rewriting import opened, size_of
from components.import_images.task import BadScene, ReadyScene, SceneTask


def import_scene(task: SceneTask) -> ReadyScene | BadScene:
    """Import one scene; whatever goes wrong with it is its result, what is wrong with the storage is raised."""
    try:
        with own_faults(task.pair.image.uri):
            return _import(task)
    except DataError as error:
        return BadScene(task.pair.name, str(error))


def _import(task: SceneTask) -> ReadyScene:
    pair = task.pair
    with opened(pair.image.uri) as (dataset, info):
        mask_size = None if pair.mask is None else size_of(pair.mask.uri)
        if pair.mask is not None and mask_size != info.size:
            raise DataError(
                f"{pair.mask.uri}: the mask has {mask_size} px, its image {pair.image.uri} {info.size} px; give a mask "
                "of the image's size"
            )
        lies = ImageRef.whole(pair.image.uri, info.size, info.crs, info.transform)
        placed(Item(task.dataset, pair.name, info.size, lies), pair.image.uri)
        uri, stretch, image_outcome = ready_image(dataset, info, task)
    objects: tuple[Object, ...] = ()
    outcomes = [image_outcome]
    if pair.mask is not None:
        mask_uri, scan, mask_outcome = ready_mask(pair.mask, task)
        outcomes.append(mask_outcome)
        if scan.box is not None:
            mask = RasterMask(MaskRaster(mask_uri), Recipe(scan.box), scan.area)
            objects = (Object(task.class_title, Bitmap(scan.box.top, scan.box.left, mask)),)
    item = Item(
        dataset=task.dataset,
        name=pair.name,
        size=info.size,
        image=ImageRef.whole(uri, info.size, info.crs, info.transform),
        objects=objects,
        extra={"scaling": asdict(stretch)} if stretch else {},
    )
    return ReadyScene(item if task.rows is None else with_wanted_rows(item, task.rows), tuple(outcomes))
