"""One scene: its image and mask made ready for windowed reading, and the item that speaks of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from components.core.class_titles import NEUTRAL_CLASS
from components.core.errors import DataError
from components.core.figures import Bitmap, RasterMask
from components.core.footprints.georeference import placed
from components.core.geometry import Size
from components.core.imagery.bands import IN_COLOUR
from components.core.imagery.decompression import check_unpacking
from components.core.imagery.orientation import turn_of, turned
from components.core.imagery.pairs import no_mask
from components.core.imagery.reading import RasterInfo
from components.core.imagery.recipe import Recipe
from components.core.project import ImageRef, Item, Object
from components.core.project.parts import with_wanted_rows
from components.core.project.wanted_area import with_wanted_area
from components.core.scene_errors import scene_errors
from components.core.skip_budget import Skipped
from components.core.storage import StoredObject
from components.core.vectors.lies import Lies
from components.core.vectors.pairing import no_labels
from components.import_images.images import ReadyImage, ready_image
from components.import_images.labels import label_scene
from components.import_images.mask_placing import Flips, flips_to_image
from components.import_images.mask_remarks import MaskSummary, Remark
from components.import_images.masks import MaskPart, ReadyMask, ready_mask
from components.import_images.outside import area_of_scene, with_neutral_outside
from components.import_images.rewriting import opened
from components.import_images.stacking import with_stacked_bands
from components.import_images.task import OutsideScene, ReadyScene, SceneTask

TURNED_UPRIGHT = " when it is turned as its orientation says"

TURNED = "is upside down or mirrored against its image by its georeference, and was turned to match it"

ELSEWHERE = (
    "has a georeference far from its image's, which was ignored: its pixels were matched with the image's; give it "
    "the image's georeference, or none"
)


def import_scene(task: SceneTask) -> ReadyScene | OutsideScene | Skipped:
    """Import one scene; whatever goes wrong with it is its result, what is wrong with the storage is raised."""
    try:
        with scene_errors(task.pair.image.uri):
            if task.area is None:
                _check_labelled(task)
            elif task.stack and _area_of_bands(task) is None:
                return OutsideScene(task.pair.name)
            return _import(with_stacked_bands(task))
    except DataError as error:
        return Skipped(task.pair.name, str(error))


def _import(task: SceneTask) -> ReadyScene | OutsideScene:
    pair = task.pair
    flips: Flips | None = ()
    with opened(pair.image) as (dataset, info):
        check_unpacking(info, pair.image.size_bytes, pair.image.uri)
        turn = turn_of(dataset, pair.image.uri, info)
        upright = turned(info, turn)
        area = _area_of(task, upright)
        if area is None:
            return OutsideScene(pair.name)
        if pair.mask is not None:
            flips = _checked_mask(pair.image, upright, pair.mask, "" if turn.is_none else TURNED_UPRIGHT)
        image = ready_image(dataset, info, turn, task)
    objects: tuple[Object, ...] = ()
    outcomes = [image.outcome]
    summary = None
    if pair.mask is not None:
        mask = ready_mask(pair.mask, task)
        outcomes.append(mask.outcome)
        objects = (
            *_objects(task.class_title, mask.building, flips or (), image.info.size),
            *_objects(NEUTRAL_CLASS, mask.unlabelled, flips or (), image.info.size),
        )
        summary = _summary(mask, flips, image.info.size)
    item = Item(
        dataset=task.dataset,
        name=pair.name,
        size=image.info.size,
        image=ImageRef.whole(image.uri, image.info.size, image.info.crs, image.info.transform),
        objects=objects,
        extra=_extra(image),
    )
    labels = None
    if task.labels is not None:
        objects, labels = label_scene(item, task.labels, task.class_title, area)
        item = item.with_objects(objects)
    elif area:
        item, summary = with_neutral_outside(item, summary, area, task.data_root)
    shown = item if task.rows is None else with_wanted_rows(item, task.rows)
    shown = with_wanted_area(shown, task.wanted_area)
    understood = str(image.bands) if turn.is_none else f"{image.bands}; turned upright as their orientation tag says"
    return ReadyScene(shown, tuple(outcomes), summary, labels, understood, image.notes, bool(area))


def _area_of_bands(task: SceneTask) -> bytes | None:
    """As `_area_of`, of an image whose bands are yet to be stacked: they lie where the first does."""
    with opened(task.stack[0]) as (_, info):
        return _area_of(task, info)


def _area_of(task: SceneTask, upright: RasterInfo) -> bytes | None:
    """What of a scene lies in the area of interest, as `AreaOnScene` has it: empty for all of it; None for nothing.

    Raises:
        DataError: If its CRS and transform lead nowhere, it has none and there is an area, or what lies in the area has
            no labels and needs some.
    """
    uri = task.pair.image.uri
    lies = ImageRef.whole(uri, upright.size, upright.crs, upright.transform)
    scene = Item(task.dataset, task.pair.name, upright.size, lies)
    placed(scene, uri)
    if task.area is None:
        return b""
    found = area_of_scene(task.area, scene)
    if found.lies is Lies.OUTSIDE:
        return None
    _check_labelled(task)
    return found.polygons


def _check_labelled(task: SceneTask) -> None:
    """See that a scene has a mask or labels, where it needs any."""
    if task.pair.mask is None and task.labels is None and task.needs_mask:
        uri, folder = task.pair.image.uri, task.labels_folder
        raise DataError(no_labels(uri, folder) if folder else no_mask(uri))


def _checked_mask(image: StoredObject, info: RasterInfo, mask: StoredObject, shown: str) -> Flips | None:
    """See that a mask is not an image, and does not lie beside its own; gives how it must be mirrored for that."""
    if mask.uri == image.uri or (mask.etag, mask.size_bytes) == (image.etag, image.size_bytes):
        raise DataError(f"{mask.uri}: is the image {image.uri} itself, not a mask of it; give masks as masks_uri")
    with opened(mask) as (dataset, mask_info):
        check_unpacking(mask_info, mask.size_bytes, mask.uri)
        if not turn_of(dataset, mask.uri, mask_info).is_none:
            raise DataError(
                f"{mask.uri}: the mask has an orientation tag that turns it; save it upright, without the tag"
            )
    if mask_info.size != info.size:
        raise DataError(
            f"{mask.uri}: the mask has {mask_info.size} px, its image {image.uri} {info.size} px{shown}; give "
            "a mask of the image's size"
        )
    return flips_to_image(info, mask_info, mask.uri)


def _objects(title: str, part: MaskPart | None, flips: Flips, size: Size) -> Iterator[Object]:
    if part is None or part.scan.box is None:
        return
    box = part.scan.box
    figure = Bitmap(box.top, box.left, RasterMask(part.raster, Recipe(box), part.scan.area))
    for axis in flips:
        figure = figure.flip(axis, size)
    yield Object(title, figure)


def _summary(mask: ReadyMask, flips: Flips | None, size: Size) -> MaskSummary:
    unlabelled = 0 if mask.unlabelled is None else mask.unlabelled.scan.area
    place = (Remark(ELSEWHERE),) if flips is None else (Remark(TURNED),) if flips else ()
    return MaskSummary(mask.building.scan.area, unlabelled, size.area, (*mask.remarks, *place))


def _extra(image: ReadyImage) -> dict[str, Any]:
    """What is kept of how an image was read, where that is not as it is."""
    extra: dict[str, Any] = {"scaling": asdict(image.stretch)} if image.stretch else {}
    shown = IN_COLOUR if image.info.has_palette else image.bands.shown
    return extra if shown == IN_COLOUR else extra | {"colours": shown}
