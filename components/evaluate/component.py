"""The KFP component: predictions and truth in, measures out."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def evaluate(
    predictions: dsl.Input[dsl.Dataset],
    truth: dsl.Input[dsl.Dataset],
    evaluation: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    confusion: dsl.Output[dsl.ClassificationMetrics],
    report: dsl.Output[dsl.HTML],
    unsplit: dsl.Input[dsl.Dataset] = None,
    truth_class: str = "untitled",
    predicted_class: str = "untitled_dl",
    image_tags: list = [],
    group_tags: list = [],
    match_by: str = "image",
    iou_threshold: float = 0.5,
    boundary_px: int = 5,
    boundary_m: float = 0.0,
    allow_unmatched: bool = False,
    label_suggestions: int = 500,
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Compare predicted buildings with the truth: pixels, objects and boundaries, per town and overall."""
    options = dict(locals())
    from components.evaluate.step import run

    run(**options)
