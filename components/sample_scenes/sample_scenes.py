"""Synthetic aerial scenes in the shape of the INRIA data set: `images/<town><n>.tif` and `gt/<town><n>.tif`."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

from components.core import storage
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.hashing import digest
from components.core.imagery.gdal_errors import raise_lost_error, written_by_gdal
from components.core.progress import progress
from components.core.storage import join_uri
from components.core.storage.atomic_directory import staged_directory
from components.sample_scenes.render import TILE, Renderer
from components.sample_scenes.towns import TOWNS, SampleScene

VERSION = 1
"""Raised whenever the same parameters come to give other pixels, so that scenes of an older version are not reused."""

IMAGES, MASKS, RECORD = "images", "gt", "scenes.json"
SMALLEST_PX = 64
FINEST_M, COARSEST_M = 0.05, 3.0
SCENES_A_ROW = 6

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Which scenes are wanted.

    Attributes:
        towns: Names of `towns.TOWNS`.
        scenes_per_town: Scenes of each town, numbered from 1.
        size: Of every scene, in pixels.
        gsd_m: Ground sample distance in metres a pixel.
        seed: Other seeds give other scenes.
        tiled: GeoTIFFs with 512-pixel tiles and compression, instead of plain strips as INRIA has.

    Raises:
        ConfigError: If a parameter breaks its rule.
    """

    towns: tuple[str, ...]
    scenes_per_town: int
    size: Size
    gsd_m: float = 0.3
    seed: int = 0
    tiled: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if not self.towns:
            raise ConfigError(f"towns: none given; use some of {', '.join(TOWNS)}")
        for name in self.towns:
            if name not in TOWNS:
                raise ConfigError(f"towns: '{name}' is not a sample town; use some of {', '.join(TOWNS)}")
            if self.towns.count(name) > 1:
                raise ConfigError(f"towns: '{name}' is given {self.towns.count(name)} times; give every town once")
        if self.scenes_per_town < 1:
            raise ConfigError(f"scenes_per_town: {self.scenes_per_town} is below 1; use at least 1")
        for side, length in asdict(self.size).items():
            if length < SMALLEST_PX:
                raise ConfigError(f"size.{side}: {length} px is below {SMALLEST_PX}; use at least {SMALLEST_PX}")
        if not FINEST_M <= self.gsd_m <= COARSEST_M:
            raise ConfigError(f"gsd_m: {self.gsd_m} is not within {FINEST_M} and {COARSEST_M} metres a pixel; use 0.3")

    @property
    def record(self) -> str:
        """The parameters as one line of JSON: all that decides the pixels and the files."""
        size = {f"{side}_px": length for side, length in asdict(self.size).items()}
        what = {"recipe": VERSION, "towns": self.towns, "scenes_per_town": self.scenes_per_town, **size}
        return json.dumps(what | {"gsd_m": float(self.gsd_m), "seed": self.seed, "tiled": self.tiled}) + "\n"

    @property
    def key(self) -> str:
        """Digest of the parameters, 64 hex characters."""
        return digest("sample_scenes", self.record)

    @property
    def scenes(self) -> tuple[SampleScene, ...]:
        """Every scene, numbered from 1 within its town."""
        return tuple(SampleScene(name, n, self.seed) for name in self.towns for n in range(1, self.scenes_per_town + 1))


@dataclass(frozen=True)
class SampleScenes:
    """Where the scenes lie: folders of imagery and of masks, and the names that both share."""

    images_uri: str
    masks_uri: str
    names: tuple[str, ...]


def generate(output: str, request: Request, workers: int | None = None) -> SampleScenes:
    """Write synthetic scenes with geo-referencing and building masks.

    The same request gives the same pixels with any number of workers. Where its scenes lie in `output` already, they
    are left as they are; those of another request are replaced.

    Args:
        output: Folder or `s3://` prefix that gets `images`, `gt` and a record of the parameters; new, empty, or made
            by this stage.
        request: Which scenes.
        workers: Processes; by default one for each CPU core.

    Returns:
        The folders and the names of the scenes.

    Raises:
        ConfigError: If `workers` is below 1, or `output` is a file or holds something else.
        StorageError: If `output` cannot be written, which is found out before the first scene is drawn.
    """
    count = (os.cpu_count() or 1) if workers is None else workers
    if count < 1:
        raise ConfigError(f"workers: {count} is below 1; use at least 1")
    place = output if storage.is_remote(output) else os.path.realpath(storage.parse_uri(output).path)
    names = tuple(scene.name for scene in request.scenes)
    made = SampleScenes(join_uri(place, IMAGES), join_uri(place, MASKS), names)
    if _is_made(made, place, request):
        log.info("%s scenes are in %s already", len(names), place)
        return made
    storage.check_writable(place)
    if storage.is_remote(place):
        with storage.scratch_folder("sample_scenes") as folder:
            _fill(folder, request, count)
            storage.delete(join_uri(place, RECORD))
            storage.put_tree(folder, place, last=RECORD)
    else:
        with staged_directory(place) as staged:
            _fill(staged, request, count)
    return made


def _is_made(made: SampleScenes, place: str, request: Request) -> bool:
    """Whether a place holds just these scenes.

    Raises:
        ConfigError: If it is a file, or holds anything that this stage did not make.
    """
    if storage.exists(place):
        raise ConfigError(f"output: '{place}' is a file; use a folder that is new or empty")
    record, folders = join_uri(place, RECORD), (made.images_uri, made.masks_uri)
    wanted = {record, *(join_uri(folder, f"{name}.tif") for folder in folders for name in made.names)}
    found = {stored.uri for stored in storage.list_objects(place)}
    if record in found and storage.read_bytes(record) == request.record.encode():
        return wanted <= found
    foreign = found - wanted
    if record in found:
        foreign = {uri for uri in foreign if not uri.startswith(tuple(join_uri(folder, "") for folder in folders))}
    if foreign:
        raise ConfigError(f"output: '{place}' holds '{min(foreign)}', not made by this stage; use an empty folder")
    return False


def _fill(folder: Path, request: Request, workers: int) -> None:
    """Write all scenes and then their record into an empty folder."""
    for name in (IMAGES, MASKS):
        (folder / name).mkdir()
    scenes = request.scenes
    for name in progress(_written(folder, request, min(workers, len(scenes))), len(scenes), "scenes"):
        log.debug("%s is written", name)
    (folder / RECORD).write_text(request.record)


def _written(folder: Path, request: Request, workers: int) -> Iterator[str]:
    """Names of the scenes as they get ready."""
    if workers == 1:
        yield from (write_scene(scene, request, folder) for scene in request.scenes)
        return
    # Fresh processes: a fork would copy the locks of the threads that other libraries have started.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        futures = [pool.submit(write_scene, scene, request, folder) for scene in request.scenes]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def upper_left(scene: SampleScene, request: Request) -> tuple[float, float]:
    """Easting and northing in metres of a scene's corner: scenes of a town lie side by side, six in a row."""
    row, col = divmod(scene.number - 1, SCENES_A_ROW)
    size, gsd_m = request.size, request.gsd_m
    return scene.town.west_m + col * size.width * gsd_m, scene.town.north_m - row * size.height * gsd_m


def write_scene(scene: SampleScene, request: Request, folder: Path) -> str:
    """Draw a scene and write it as two GeoTIFFs on the same grid, a row of tiles at a time.

    Args:
        scene: Which.
        request: That asks for it.
        folder: Gets `images/<name>.tif` and `gt/<name>.tif`.

    Returns:
        The scene's name.

    Raises:
        StorageError: If a file cannot be written.
    """
    west, north = upper_left(scene, request)
    profile: dict[str, Any] = {"driver": "GTiff", "dtype": "uint8", "bigtiff": "if_safer", **asdict(request.size)}
    profile["crs"] = f"EPSG:{scene.town.epsg}"
    profile["transform"] = Affine(request.gsd_m, 0.0, west, 0.0, -request.gsd_m, north)
    if request.tiled:
        profile |= {"tiled": True, "blockxsize": TILE, "blockysize": TILE, "compress": "deflate", "predictor": 2}
    name = f"{scene.name}.tif"
    image_path, mask_path = folder / IMAGES / name, folder / MASKS / name
    rgb_profile = profile | {"count": 3, "photometric": "rgb", "interleave": "pixel"}
    with written_by_gdal(folder / name, image_path):
        with (
            rasterio.open(image_path, "w", **rgb_profile) as image,
            rasterio.open(mask_path, "w", **profile, count=1) as mask,
        ):
            for band, rgb, footprints in Renderer(scene, request.size, request.gsd_m).rows():
                place = RasterWindow(band.left, band.top, band.width, band.height)
                image.write(rgb.transpose(2, 0, 1), window=place)
                mask.write(footprints, 1, window=place)
        raise_lost_error()
    return scene.name
