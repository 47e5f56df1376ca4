"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import NamedTuple

from components.core.geometry import Size
from components.core.step import Echo, Metrics, no_echo, step
from components.core.storage import join_uri
from components.core.storage.mounted import data_root_or_default
from components.sample_scenes.sample_scenes import Request, generate


class Outputs(NamedTuple):
    """Where the scenes lie.

    Attributes:
        images_uri: Folder of the imagery.
        masks_uri: Folder of the building masks, with the same names.
    """

    images_uri: str
    masks_uri: str


def run(
    metrics: Metrics,
    data_root: str,
    towns: str,
    scenes_per_town: int,
    size_px: int,
    gsd_m: float,
    seed: int,
    *,
    tiled: bool = False,
    workers: int = 0,
    echo: Echo = no_echo,
) -> Outputs:
    """Run the stage; see `generate`.

    Args:
        metrics: Megabytes read and written.
        data_root: Folder or URI prefix of all imagery; empty for the cluster's own
            (FOOTPRINTS_DATA_ROOT).
        towns: Names of towns, separated by commas.
        scenes_per_town: Scenes of each town.
        size_px: Height and width of a scene in pixels.
        gsd_m: Ground sample distance in metres a pixel.
        seed: Other seeds give other scenes.
        tiled: 512-pixel tiles and compression instead of plain strips.
        workers: Worker processes (0 = one per core).
        echo: Hears how many scenes there are, and where.

    Returns:
        Where the scenes lie.
    """
    with step(metrics):
        names = tuple(name.strip() for name in towns.split(",") if name.strip())
        request = Request(names, scenes_per_town, Size(size_px, size_px), gsd_m, seed, tiled)
        place = join_uri(data_root_or_default(data_root), "sample_scenes", request.key[:12])
        made = generate(place, request, workers or None)
    echo(f"{len(made.names)} scenes: {made.images_uri} and {made.masks_uri}")
    return Outputs(made.images_uri, made.masks_uri)
