"""The KFP component: a plan in; the scenes of one of its shards detected and finished."""

from kfp import dsl

from components.base_images import GPU_IMAGE


@dsl.component(base_image=GPU_IMAGE, install_kfp_package=False)
def detect_scenes(
    plan: dsl.Input[dsl.Dataset],
    shard: str,
    metrics: dsl.Output[dsl.Metrics],
    data_root: str = "",
    workers: int = 0,
    gpus: int = 0,
) -> None:
    """Detect the buildings of one shard: import its images, run the network, split the masks, finish its scenes."""
    options = dict(locals())
    from components.detect_scenes.step import run

    run(**options)
