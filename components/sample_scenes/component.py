"""The KFP component of the sample scenes."""

from typing import NamedTuple

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def sample_scenes(
    metrics: dsl.Output[dsl.Metrics],
    data_root: str = "",
    towns: str = "austin,chicago,kitsap,tyrol-w,vienna",
    scenes_per_town: int = 6,
    size_px: int = 768,
    gsd_m: float = 0.3,
    seed: int = 0,
) -> NamedTuple("Outputs", [("images_uri", str), ("masks_uri", str)]):  # type: ignore[valid-type]
    """Write synthetic aerial scenes with geo-referencing and building masks into the data root."""
    options = dict(locals())
    from components.sample_scenes.step import run

    return run(**options)
