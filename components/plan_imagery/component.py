"""The KFP component: imagery and a collection in, a plan of what is to be done and the names of its shards out."""

from typing import List

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def plan_imagery(
    images_uri: str,
    output_uri: str,
    model_uri: str,
    plan: dsl.Output[dsl.Dataset],
    summary: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    unfinished: dsl.OutputPath(bool),  # type: ignore[valid-type]
    inference_config: dict = {},
    split_masks_query: list = [],
    class_title: str = "untitled_dl",
    tolerance: str = "1 px",
    min_area_m2: float = 0.0,
    regularise: bool = False,
    confidence: bool = False,
    redo: str = "changed",
    shard_megapixels: float = 30000.0,
    max_shards: int = 16,
    images_options: dict = {},
    bands: str = "",
    data_root: str = "",
    formats: str = "",
    join_tiles: bool = True,
    confirm: str = "",
    max_bad: int = 0,
) -> List[str]:
    """Check what the run is given, find images that are new or changed, and spread them over shards."""
    options = dict(locals())
    from components.plan_imagery.step import run

    return run(**options)
