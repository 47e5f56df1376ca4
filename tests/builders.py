"""Small rasters, scenes and projects that tests are made of."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning

from components.core.figures import Bitmap, RasterMask, Shape, tight_window
from components.core.geometry import Size, Window
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Recipe
from components.core.project import ClassInfo, ImageRef, Item, Object, ProjectMeta, write_manifest
from components.core.project.history import HISTORY_FILE

Pixels = npt.NDArray[Any]

CRS = "EPSG:32633"
TRANSFORM = Affine(0.3, 0.0, 500_000.0, 0.0, -0.3, 5_300_000.0)
"""A ground sample distance of 0.3 m."""

CLASS = "untitled"


def write_raster(path: Path, pixels: Pixels, **options: Any) -> str:
    """Write (H, W) or (C, H, W) in the format of the suffix; the options are those of `rasterio.open`.

    `colormap` gives a palette, `tile` the side of square tiles (strips otherwise), `interpretation` the bands' colours.
    """
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    colormap = options.pop("colormap", None)
    interpretation = options.pop("interpretation", None)
    tile = options.pop("tile", None)
    if tile:
        options |= {"tiled": True, "blockxsize": tile, "blockysize": tile}
    driver = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(path.suffix.lower(), "GTiff")
    count, height, width = planes.shape
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", driver=driver, height=height, width=width, count=count, dtype=planes.dtype, **options
        ) as dataset:
            if interpretation is not None:
                dataset.colorinterp = interpretation
            if colormap is not None:
                dataset.write_colormap(1, colormap)
            dataset.write(planes)
    return str(path)


def write_tiled(path: Path, pixels: Pixels, **options: Any) -> str:
    """A GeoTIFF that stays where it is on import: 512-tiled, band by band, with geo-referencing."""
    return write_raster(
        path, pixels, **({"tile": 512, "interleave": "band", "crs": CRS, "transform": TRANSFORM} | options)
    )


def noise(size: Size, seed: int = 0, bands: int = 3, dtype: str = "uint8") -> Pixels:
    """(C, H, W) of random values."""
    limit = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, limit, (bands, size.height, size.width), dtype, endpoint=True)


def block_mask(size: Size, seed: int = 0, blocks: int = 4) -> npt.NDArray[np.bool_]:
    """(H, W) bool: a few filled rectangles."""
    random = np.random.default_rng(seed)
    mask = np.zeros((size.height, size.width), np.bool_)
    for _ in range(blocks):
        top, left = random.integers(0, size.height), random.integers(0, size.width)
        mask[top : top + size.height // 4 + 1, left : left + size.width // 4 + 1] = True
    return mask


def write_scene(root: Path, name: str, size: Size, seed: int = 0) -> tuple[Pixels, npt.NDArray[np.bool_]]:
    """An image in `root`/images and its mask in `root`/gt, both tiled; gives their pixels."""
    pixels, mask = noise(size, seed), block_mask(size, seed)
    write_tiled(root / "images" / f"{name}.tif", pixels)
    write_tiled(root / "gt" / f"{name}.tif", mask.view(np.uint8) * np.uint8(255), compress="deflate")
    return pixels, mask


def mask_object(uri: str, mask: npt.NDArray[np.bool_], title: str = CLASS) -> Object:
    """The object of a mask raster whose pixels are `mask`, as an import makes it."""
    box = tight_window(mask)
    assert box is not None
    return Object(title, Bitmap(box.top, box.left, RasterMask(MaskRaster(uri), Recipe(box), int(mask.sum()))))


def scene_item(root: Path, name: str, size: Size, seed: int = 0, tags: tuple[str, ...] = ()) -> Item:
    """Write a scene, and give its item as an import makes it."""
    _, mask = write_scene(root, name, size, seed)
    image = ImageRef.whole(str(root / "images" / f"{name}.tif"), size, CRS, TRANSFORM)
    objects = (mask_object(str(root / "gt" / f"{name}.tif"), mask),)
    return Item("ds", name, size, image, tags, objects=objects)


def bitmap_meta(name: str = "INRIA", *titles: str, tags: tuple[str, ...] = ()) -> ProjectMeta:
    """A project of bitmap classes."""
    classes = tuple(ClassInfo.with_own_color(title, Shape.BITMAP) for title in titles or (CLASS,))
    return ProjectMeta(name, classes, tags)


def scene_project(root: Path, names: tuple[str, ...], size: Size, name: str = "INRIA") -> Path:
    """Write scenes and a project manifest of them; gives its directory."""
    items = [scene_item(root, stem, size, seed) for seed, stem in enumerate(names)]
    write_manifest(root / "project", bitmap_meta(name), items)
    return root / "project"


def files_below(directory: Path) -> dict[str, bytes]:
    """Every file's content by its relative path, but for projects' histories, which tell of times."""
    files = (path for path in directory.rglob("*") if path.is_file() and not _is_history(path))
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def _is_history(path: Path) -> bool:
    return path.name == HISTORY_FILE and (path.parent / "meta.json").is_file()


def whole(pixels: Pixels) -> Window:
    """The window of all of an array's pixels."""
    return Window(0, 0, *pixels.shape[-2:])
