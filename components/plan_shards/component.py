"""The KFP component: a project in, names of shards out."""

from typing import List

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def plan_shards(
    project: dsl.Input[dsl.Dataset],
    image_tags: list = ["test"],
    max_shards: int = 1,
) -> List[str]:
    """Spread the images of a project over shards, balanced by pixels."""
    from components.plan_shards.step import run

    return run(project, image_tags, max_shards)
