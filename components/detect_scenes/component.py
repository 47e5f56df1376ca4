"""The KFP component: a plan in, what one of its shards found out."""

from kfp import dsl

from components.base_images import GPU_IMAGE


@dsl.component(base_image=GPU_IMAGE, install_kfp_package=False)
def detect_scenes(
    plan: dsl.Input[dsl.Dataset],
    shard: str,
    metrics: dsl.Output[dsl.Metrics],
    data_root: str = "",
    scaling: str = "percentile",
    workers: int = 0,
    gpus: int = 0,
    require_gpus: bool = False,
) -> None:
    """Detect the buildings of one shard: import its images, run the network, split the masks."""
    options = dict(locals())
    from components.detect_scenes.step import run

    run(**options)
