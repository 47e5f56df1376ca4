"""The KFP component of the sample scenes."""

from typing import NamedTuple

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def sample_scenes(
    data_root: str,
    metrics: dsl.Output[dsl.Metrics],
    towns: str = "austin,chicago,kitsap,tyrol-w,vienna",
    scenes_per_town: int = 6,
    size_px: int = 768,
    gsd_m: float = 0.3,
    seed: int = 0,
) -> NamedTuple("Outputs", [("images_uri", str), ("masks_uri", str)]):  # type: ignore[valid-type]
    """Write synthetic aerial scenes with geo-referencing and building masks into the data root.

    Args:
        data_root: Folder or s3:// prefix of all imagery.
        towns: Names of towns, separated by commas.
        scenes_per_town: Scenes of each town.
        size_px: Height and width of a scene in pixels.
        gsd_m: Ground sample distance in metres a pixel.
        seed: Other seeds give other scenes.

    Returns:
        images_uri: Folder of the imagery.
        masks_uri: Folder of the building masks, with the same names.
        metrics: Megabytes read and written.
    """
    from typing import NamedTuple

    from components.core.geometry import Size
    from components.core.storage import counted
    from components.sample_scenes.sample_scenes import generate_in_data_root

    with counted() as moved:
        made = generate_in_data_root(
            data_root,
            towns=[name.strip() for name in towns.split(",") if name.strip()],
            scenes_per_town=scenes_per_town,
            size=Size(size_px, size_px),
            gsd_m=gsd_m,
            seed=seed,
        )
    for name, value in moved.megabytes().items():
        metrics.log_metric(name, value)
    Outputs = NamedTuple("Outputs", [("images_uri", str), ("masks_uri", str)])
    return Outputs(made.images_uri, made.masks_uri)
