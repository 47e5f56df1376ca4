"""Synthetic aerial scenes in the shape of the INRIA data set: `images/<town><n>.tif` and `gt/<town><n>.tif`."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2

from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.progress import progress
from components.core.storage import (
    check_writable,
    delete,
    exists,
    is_remote,
    join_uri,
    list_objects,
    parse_uri,
    put_tree,
    read_bytes,
    scratch_folder,
)
from components.core.storage.atomic_directory import staged_directory
from components.sample_scenes.request import Request
from components.sample_scenes.towns import TOWNS
from components.sample_scenes.writing import SceneJob, write_scene

IMAGES, MASKS, RECORD = "images", "gt", "scenes.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SampleScenes:
    """Where the scenes lie: folders of imagery and of masks, and the names that both share."""

    images_uri: str
    masks_uri: str
    names: tuple[str, ...]


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

    The same parameters give the same pixels with any number of workers. Where the scenes of the same parameters lie in
    `output` already, they are left as they are; those of other parameters are replaced.

    Args:
        output: folder or `s3://` prefix that gets `images`, `gt` and a record of the parameters; new, empty, or made
            by this stage.
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
        ConfigError: If a parameter breaks a rule, or `output` is a file or holds something else.
        StorageError: If `output` cannot be written, which is found out before the first scene is drawn.
    """
    request = Request(tuple(towns), scenes_per_town, size, float(gsd_m), seed, tiled)
    count = (os.cpu_count() or 1) if workers is None else workers
    if count < 1:
        raise ConfigError(f"workers: {count} is below 1; use at least 1")
    place = output if is_remote(output) else os.path.realpath(parse_uri(output).path)
    made = SampleScenes(join_uri(place, IMAGES), join_uri(place, MASKS), request.names)
    if _is_made(place, request):
        log.info("%s scenes are in %s already", len(made.names), place)
        return made
    check_writable(place)
    if is_remote(place):
        with scratch_folder("sample_scenes") as folder:
            _fill(folder, request, count)
            delete(join_uri(place, RECORD))
            put_tree(folder, place, last=RECORD)
    else:
        with staged_directory(place) as aside:
            _fill(aside, request, count)
    return made


def generate_in_data_root(
    data_root: str,
    *,
    towns: Sequence[str],
    scenes_per_town: int,
    size: Size,
    gsd_m: float,
    seed: int,
    tiled: bool = False,
    workers: int | None = None,
) -> SampleScenes:
    """Write synthetic scenes into a place of the data root that is named by the digest of the parameters.

    Args:
        data_root: folder or `s3://` prefix of all imagery; the other arguments are those of `generate`.
        towns: names of `towns.TOWNS`.
        scenes_per_town: how many scenes of each town.
        size: of every scene, in pixels.
        gsd_m: ground sample distance in metres a pixel.
        seed: other seeds give other scenes.
        tiled: as of `generate`.
        workers: processes; by default one for each CPU core.

    Returns:
        The folders and the names of the scenes.

    Raises:
        ConfigError: As `generate`.
        StorageError: As `generate`.
    """
    request = Request(tuple(towns), scenes_per_town, size, float(gsd_m), seed, tiled)
    return generate(
        join_uri(data_root, "sample_scenes", request.key[:12]),
        towns=towns,
        scenes_per_town=scenes_per_town,
        size=size,
        gsd_m=gsd_m,
        seed=seed,
        tiled=tiled,
        workers=workers,
    )


def _is_made(place: str, request: Request) -> bool:
    """Whether a place holds just these scenes.

    Raises:
        ConfigError: If it is a file, or holds anything that this stage did not make.
    """
    if exists(place):
        raise ConfigError(f"output: '{place}' is a file; use a folder that is new or empty")
    found = {stored.uri for stored in list_objects(place)}
    if not found:
        return False
    record = join_uri(place, RECORD)
    if record in found and read_bytes(record) == request.record.encode():
        return _files(place, request) <= found
    ours = {join_uri(place, folder, "") for folder in (IMAGES, MASKS)}
    foreign = sorted(uri for uri in found - {record} if not any(uri.startswith(folder) for folder in ours))
    if record not in found:
        foreign = sorted(found - _files(place, request))
    if foreign:
        raise ConfigError(f"output: '{place}' holds '{foreign[0]}', not made by this stage; use an empty folder")
    return False


def _files(place: str, request: Request) -> set[str]:
    """URIs of all scenes and of the record."""
    scenes = {join_uri(place, folder, f"{name}.tif") for folder in (IMAGES, MASKS) for name in request.names}
    return {*scenes, join_uri(place, RECORD)}


def _fill(folder: Path, request: Request, workers: int) -> None:
    """Write all scenes and then their record into an empty folder."""
    for name in (IMAGES, MASKS):
        (folder / name).mkdir()
    jobs = [SceneJob(scene, request.size, request.gsd_m, request.tiled, folder) for scene in request.scenes]
    for name in progress(_written(jobs, min(workers, len(jobs))), len(jobs), "scenes"):
        log.debug("%s is written", name)
    (folder / RECORD).write_text(request.record)


def _written(jobs: list[SceneJob], workers: int) -> Iterator[str]:
    """Names of the scenes as they get ready."""
    if workers == 1:
        yield from map(write_scene, jobs)
        return
    # Fresh processes: a fork would copy the locks of the threads that other libraries have started.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        futures = [pool.submit(write_scene, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)
