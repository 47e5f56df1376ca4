"""The KFP component: a project in, the names of its shards out."""

from typing import List

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def plan_shards(
    project: dsl.Input[dsl.Dataset],
    image_tags: List[str] = ["test"],
    max_shards: int = 1,
) -> List[str]:
    """Spread the images of a project over shards, balanced by pixels.

    Args:
        project: The project whose images are looked at.
        image_tags: Images that carry one of these tags are taken; all images where the list is empty.
        max_shards: At most so many shards, one inference step each.

    Returns:
        Output: Names of the shards, 1/n to n/n.
    """
    from components.plan_shards.plan_shards import plan_shards as run

    return run(project.path, image_tags=image_tags, max_shards=int(max_shards))
