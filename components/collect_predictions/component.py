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
    """Put the parts that were inferred apart together, as if one step had done them all."""
    from components.collect_predictions.step import run

    run(parts, project, predictions, metrics)
