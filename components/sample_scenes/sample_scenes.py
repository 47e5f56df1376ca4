"""Synthetic aerial scenes in the shape of the INRIA data set: `images/<town><n>.tif` and `gt/<town><n>.tif`."""

from __future__ import annotations

import json
import logging
import math
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2

from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.keyed import digest
from components.core.progress import progress
from components.sample_scenes.streets import Scene
from components.sample_scenes.towns import TOWNS, town
from components.sample_scenes.writing import SceneJob, write_scene

RECIPE = "1"
"""Raised whenever the same parameters give other pixels, so that scenes of an older recipe are not reused."""

SMALLEST_PX = 64
RECORD = "scenes.json"
CONTENTS = {"images", "gt", RECORD}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SampleScenes:
    """Where the scenes lie: folders of imagery and masks, and the names that both share."""

    images_uri: str
    masks_uri: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """Checked parameters of a set of scenes."""

    towns: tuple[str, ...]
    scenes_per_town: int
    size: Size
    gsd_m: float
    seed: int
    tiled: bool

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            ConfigError: If a parameter breaks its rule.
        """
        if not self.towns:
            raise ConfigError(f"towns: none given; use some of {', '.join(TOWNS)}")
        for name in self.towns:
            town(name)
        doubles = sorted({name for name in self.towns if self.towns.count(name) > 1})
        if doubles:
            raise ConfigError(f"towns: '{doubles[0]}' is given more than once; name every town once")
        if self.scenes_per_town < 1:
            raise ConfigError(f"scenes_per_town: {self.scenes_per_town} is below 1; use at least 1")
        for side, length in (("height", self.size.height), ("width", self.size.width)):
            if length < SMALLEST_PX:
                raise ConfigError(f"size.{side}: {length} px is below {SMALLEST_PX}; use at least {SMALLEST_PX}")
        if not (math.isfinite(self.gsd_m) and self.gsd_m > 0):
            raise ConfigError(f"gsd_m: {self.gsd_m} is no distance; use metres a pixel above 0, such as 0.3")

    @property
    def key(self) -> str:
        """Digest of all that decides the pixels and the files, 64 hex characters."""
        return digest("sample_scenes", RECIPE, json.dumps(self.record(), sort_keys=True))

    def record(self) -> dict[str, object]:
        """The parameters as JSON."""
        return {
            "recipe": RECIPE,
            "towns": list(self.towns),
            "scenes_per_town": self.scenes_per_town,
            "height_px": self.size.height,
            "width_px": self.size.width,
            "gsd_m": self.gsd_m,
            "seed": self.seed,
            "tiled": self.tiled,
        }

    def scenes(self) -> list[Scene]:
        """Every scene asked for, numbered from 1 within its town."""
        return [Scene(name, n, self.seed) for name in self.towns for n in range(1, self.scenes_per_town + 1)]


def generate(
    output: str,
    *,
    towns: Sequence[str] = tuple(TOWNS),
    scenes_per_town: int,
    size: Size,
    gsd_m: float = 0.3,
    seed: int = 0,
    tiled: bool = False,
    workers: int | None = None,
) -> SampleScenes:
    """Write synthetic scenes with geo-referencing and building masks.

    The same parameters give the same pixels with any number of workers. Scenes that lie in `output` already and were
    made with the same parameters are left as they are.

    Args:
        output: local folder that gets `images`, `gt` and a record of the parameters; new, empty, or made by this stage.
        towns: names of `towns.TOWNS`.
        scenes_per_town: how many scenes of each town, numbered from 1.
        size: of every scene, in pixels.
        gsd_m: ground sample distance in metres a pixel.
        seed: other seeds give other scenes.
        tiled: GeoTIFFs with 512-pixel tiles and compression, instead of plain strips as INRIA has.
        workers: processes; by default one for each CPU core.

    Returns:
        The folders and the names of the scenes.

    Raises:
        ConfigError: If a parameter breaks a rule, or `output` holds something else.
    """
    request = Request(tuple(towns), scenes_per_town, size, float(gsd_m), seed, tiled)
    count = (os.cpu_count() or 1) if workers is None else workers
    if count < 1:
        raise ConfigError(f"workers: {count} is below 1; use at least 1")
    folder = _local_folder(output)
    made = SampleScenes(str(folder / "images"), str(folder / "gt"), tuple(scene.name for scene in request.scenes()))
    if _is_made(folder, request, made.names):
        log.info("%s scenes are in %s already", len(made.names), folder)
        return made
    aside = folder.parent / f".{folder.name}.partial-{os.getpid()}"
    try:
        for name in ("images", "gt"):
            (aside / name).mkdir(parents=True)
        jobs = [SceneJob(scene, size, request.gsd_m, tiled, aside) for scene in request.scenes()]
        for _ in progress(_written(jobs, min(count, len(jobs))), len(jobs), "scenes"):
            pass
        (aside / RECORD).write_text(json.dumps(request.record(), indent=2) + "\n")
        _move_in_place(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return made


def generate_in_data_root(
    data_root: str,
    *,
    towns: Sequence[str],
    scenes_per_town: int,
    size: Size,
    gsd_m: float,
    seed: int,
    workers: int | None = None,
) -> SampleScenes:
    """Write synthetic scenes into a folder of the data root that is named by the digest of the parameters.

    Args:
        data_root: local folder of all imagery.
        towns: as `generate`, and so are the others.
        scenes_per_town: how many scenes of each town.
        size: of every scene, in pixels.
        gsd_m: ground sample distance in metres a pixel.
        seed: other seeds give other scenes.
        workers: processes; by default one for each CPU core.

    Returns:
        The folders and the names of the scenes.

    Raises:
        ConfigError: As `generate`.
    """
    key = Request(tuple(towns), scenes_per_town, size, float(gsd_m), seed, tiled=False).key
    output = f"{data_root.rstrip('/')}/sample_scenes/{key[:12]}"
    return generate(
        output, towns=towns, scenes_per_town=scenes_per_town, size=size, gsd_m=gsd_m, seed=seed, workers=workers
    )


def _local_folder(output: str) -> Path:
    """Folder on this machine that a path or `file://` URI names."""
    path = output.removeprefix("file://")
    if "://" in path:
        raise ConfigError(f"output: '{output}' is not on this machine; use a local folder and upload it afterwards")
    folder = Path(path).resolve()
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise ConfigError(f"output: '{place}' is a file; use a folder that is new or empty")
    return folder


def _is_made(folder: Path, request: Request, names: Sequence[str]) -> bool:
    """Whether the folder holds just these scenes; refuses a folder that holds anything of other origin."""
    if not folder.exists():
        return False
    found = {path.name for path in folder.iterdir()}
    if not found:
        return False
    foreign = sorted(found - CONTENTS) or sorted(found if RECORD not in found else [])
    if foreign:
        raise ConfigError(
            f"output: '{folder}' holds '{foreign[0]}', which this stage did not make; use an empty folder"
        )
    try:
        same = json.loads((folder / RECORD).read_text()) == request.record()
    except ValueError:
        return False
    files = {f"{name}.tif" for name in names}
    return same and all(files == {path.name for path in (folder / part).glob("*")} for part in ("images", "gt"))


def _written(jobs: list[SceneJob], workers: int) -> Iterator[str]:
    """Names of the scenes as they get ready."""
    if workers == 1:
        for job in jobs:
            yield write_scene(job)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        futures = [pool.submit(write_scene, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _move_in_place(aside: Path, folder: Path) -> None:
    """Put the whole new folder where the old one was, which is removed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        aside.rename(folder)
        return
    old = aside.with_name(f"{aside.name}-old")
    folder.rename(old)
    aside.rename(folder)
    shutil.rmtree(old)
