"""Writes a scene by row band as two GeoTIFFs: the imagery and the building mask on the same grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

from components.core.geometry import Size
from components.core.imagery.gdal_errors import raise_lost_error, written_by_gdal
from components.sample_scenes.render import TILE, Renderer
from components.sample_scenes.scene import Scene

SCENES_A_ROW = 6


@dataclass(frozen=True)
class SceneJob:
    """All that is needed to write one scene, in this process or another.

    Attributes:
        scene: which scene.
        size: in pixels.
        gsd_m: ground sample distance in metres.
        tiled: whether the GeoTIFFs have 512-pixel tiles instead of strips.
        directory: gets `images/<name>.tif` and `gt/<name>.tif`.
        band_height: rows held and written at once.
    """

    scene: Scene
    size: Size
    gsd_m: float
    tiled: bool
    directory: Path
    band_height: int = TILE


def upper_left(job: SceneJob) -> tuple[float, float]:
    """Easting and northing in metres of a scene's corner: scenes of a town lie side by side, six in a row."""
    row, col = divmod(job.scene.number - 1, SCENES_A_ROW)
    town = job.scene.town
    return town.west_m + col * job.size.width * job.gsd_m, town.north_m - row * job.size.height * job.gsd_m


def write_scene(job: SceneJob) -> str:
    """Draw and write one scene.

    Args:
        job: which scene, how large and where to.

    Returns:
        The scene's name.

    Raises:
        StorageError: If a file cannot be written.
    """
    west, north = upper_left(job)
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": job.size.height,
        "width": job.size.width,
        "dtype": "uint8",
        "crs": f"EPSG:{job.scene.town.epsg}",
        "transform": Affine(job.gsd_m, 0.0, west, 0.0, -job.gsd_m, north),
        "bigtiff": "if_safer",
    }
    if job.tiled:
        profile |= {"tiled": True, "blockxsize": TILE, "blockysize": TILE, "compress": "deflate", "predictor": 2}
    name = f"{job.scene.name}.tif"
    image_path, mask_path = job.directory / "images" / name, job.directory / "gt" / name
    rgb_profile = profile | {"count": 3, "photometric": "rgb", "interleave": "pixel"}
    with written_by_gdal(job.directory / name, image_path):
        with (
            rasterio.open(image_path, "w", **rgb_profile) as image,
            rasterio.open(mask_path, "w", **profile, count=1) as mask,
        ):
            for band, rgb, footprints in Renderer(job.scene, job.size, job.gsd_m).bands(job.band_height):
                place = RasterWindow(band.left, band.top, band.width, band.height)
                image.write(rgb.transpose(2, 0, 1), window=place)
                mask.write(footprints, 1, window=place)
        raise_lost_error()
    return job.scene.name
