"""The KFP component: inferred parts in, one project out."""

from typing import List

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def collect_predictions(
    parts: dsl.Input[List[dsl.Dataset]],
    project: dsl.Input[dsl.Dataset],
    predictions: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Put the parts that were inferred apart together, as if one step had done them all.

    Args:
        parts: The inferred parts.
        project: The project whose images were looked at; its order is kept.

    Returns:
        predictions: One project of what was found.
        metrics: Number of scenes; megabytes read and written.
    """
    from components.collect_predictions.collect_predictions import collect_predictions as run
    from components.core.storage import counted

    with counted() as moved:
        scenes = run([part.path for part in parts], project.path, predictions.path)
    predictions.metadata["scenes"] = scenes
    for name, value in {"scenes": scenes, **moved.megabytes()}.items():
        metrics.log_metric(name, value)
