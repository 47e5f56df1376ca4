"""Imagery of a map: each scene read thinned out, as large as the page can bear."""

from __future__ import annotations

import base64
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from components.core.errors import FootprintsError
from components.core.geometry import Size, Window
from components.core.imagery.opening import use_raster
from components.core.imagery.reading import describe, read_valid
from components.core.parallel import parallel_map, worker_count
from components.core.project import ImageRef
from components.core.reporting.view import View, image_pixels
from components.core.reporting.webmap.planes import PlacedPicture, ScenePlace
from components.core.reporting.webmap.sampling import fair_shares
from components.core.scene_errors import scene_errors

MOST_PIXELS = 16_000_000
"""Of all pictures of a page together."""

MOST_SIDE_PX = 3072
"""Of one picture."""

MOST_READ_PIXELS = 64_000_000
"""Of a larger scene without overviews, every pixel would have to be read to see it whole: it has no picture."""

JPEG_QUALITY = 76
WEBP_QUALITY = 72
"""Of pictures with gaps, which JPEG has not; it takes ten times as long."""

LEAST_SCALE = 0.1

Rgba = npt.NDArray[np.uint8]
"""(H, W, 4)."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PictureTask:
    """A scene whose picture is wanted.

    Attributes:
        name: Of the scene, for messages.
        image: Its pixels.
        place: Where it lies.
        most_pixels: Of the picture.
    """

    name: str
    image: ImageRef
    place: ScenePlace
    most_pixels: int


def picture_tasks(
    scenes: Sequence[tuple[str, ImageRef, ScenePlace]], most_pixels: int = MOST_PIXELS
) -> list[PictureTask]:
    """Share the pixels of a page among scenes."""
    wanted = [min(image.recipe.size.area, MOST_SIDE_PX**2) for _, image, _ in scenes]
    shares = fair_shares(wanted, most_pixels)
    return [PictureTask(*scene, share) for scene, share in zip(scenes, shares, strict=True)]


def read_pictures(tasks: Sequence[PictureTask], workers: int = 0) -> list[PlacedPicture | None]:
    """Read them; None for a scene that cannot be shown, which is logged.

    Args:
        tasks: Of `picture_tasks`.
        workers: Worker processes (0 = one per core).
    """
    return list(parallel_map(read_picture, tasks, worker_count(workers, max(1, len(tasks))), _none))


def _none(_task: PictureTask) -> None:
    """What there is of a scene whose process was killed."""


def read_picture(task: PictureTask) -> PlacedPicture | None:
    """Read one scene, thinned out, and place it; None where that cannot be done."""
    try:
        with scene_errors(task.name):
            if not is_cheap(task.image):
                log.info("%s: is large and has no overviews; the map has no imagery of it", task.name)
                return None
            return task.place.picture(_pixels(task))
    except FootprintsError as error:
        log.warning("report: no imagery on the map: %s", error)
        return None


def is_cheap(image: ImageRef) -> bool:
    """Whether a scene can be read thinned out without reading very many pixels."""
    if image.recipe.size.area <= MOST_READ_PIXELS:
        return True
    return not image.recipe.operations and bool(
        use_raster(image.uri, lambda dataset: dataset.overviews(1), "its overviews")
    )


def _pixels(task: PictureTask) -> Rgba:
    size = task.image.recipe.size
    scale = min(1.0, math.sqrt(task.most_pixels / size.area), MOST_SIDE_PX / max(size.height, size.width))
    shown = Size(max(1, math.floor(size.height * scale)), max(1, math.floor(size.width * scale)))
    pixels = image_pixels(task.image, View(Window.of_size(size), shown))
    valid = np.full(pixels.shape[:2], 255, np.uint8)
    recipe = task.image.recipe
    if not recipe.operations and describe(task.image.uri).is_masked:
        valid[~recipe.apply(read_valid(task.image.uri, recipe.window, shown))] = 0
    return np.dstack([pixels[:, :, :3], valid])


def picture_uris(pictures: Sequence[PlacedPicture | None], most_bytes: int) -> list[str]:
    """Pictures as the `src` of images that need no file; made smaller, all alike, until they fit.

    Args:
        pictures: None for those that are missing.
        most_bytes: Of all texts together.

    Returns:
        Texts; empty where there is no picture, or no room for it.
    """
    scale = 1.0
    while scale >= LEAST_SCALE:
        texts = ["" if picture is None else _picture_uri(picture.pixels, scale) for picture in pictures]
        total = sum(map(len, texts))
        if total <= most_bytes:
            return texts
        scale *= min(0.9, math.sqrt(most_bytes / total))
    return [""] * len(pictures)


def _picture_uri(pixels: Rgba, scale: float) -> str:
    height, width = pixels.shape[:2]
    if scale < 1:
        shown = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, shown, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    if (pixels[:, :, 3] == 255).all():
        bands, name, options = cv2.COLOR_RGBA2BGR, "jpeg", [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    else:
        bands, name, options = cv2.COLOR_RGBA2BGRA, "webp", [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY]
    _, data = cv2.imencode(f".{name}", cv2.cvtColor(pixels, bands), options)
    return f"data:image/{name};base64,{base64.b64encode(data.tobytes()).decode('ascii')}"
