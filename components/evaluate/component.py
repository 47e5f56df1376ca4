"""The KFP component: predictions and truth in, measures out."""

from typing import List

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
    image_tags: List[str] = [],
    group_tags: List[str] = [],
    match_by: str = "image",
    iou_threshold: float = 0.5,
    boundary_px: int = 5,
    allow_unmatched: bool = False,
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Compare predicted buildings with the truth: pixels, objects and boundaries, per town and overall.

    Args:
        predictions: Project with the predicted objects.
        truth: Project with the true objects; may hold more images.
        unsplit: The predictions before they were split into objects, for the report.
        truth_class: Class of the true objects.
        predicted_class: Class of the predicted objects.
        image_tags: Only images with one of these tags are evaluated, each of them; empty for all predicted.
        group_tags: Image tags to report by; empty for all but train, val, test and trainval.
        match_by: How images of the two projects are paired: image (same pixels of the same raster) or name.
        iou_threshold: Least IoU of a predicted object with a true one to match.
        boundary_px: Distance of Boundary IoU, in pixels.
        allow_unmatched: Leave out and count images without a partner, instead of an error.
        max_bad: How many images may lack a partner, such as those that inference had to leave out.
        workers: Processes; 0 for one a core.

    Returns:
        evaluation: Directory with metrics.json: all counts and measures, overall, by town and by image.
        metrics: The main figures; megabytes read and written.
        confusion: Pixels of background and building, by truth and prediction.
        report: The table of towns, and scenes beside their truth and predictions.
    """
    from components.core.storage import counted
    from components.evaluate.evaluate import evaluate as run
    from components.evaluate.report import write_report
    from components.evaluate.result import LABELS

    with counted() as moved:
        result = run(
            predictions.path,
            truth.path,
            evaluation.path,
            truth_class=truth_class,
            predicted_class=predicted_class,
            image_tags=image_tags,
            group_tags=group_tags,
            match_by=match_by,
            iou_threshold=iou_threshold,
            boundary_px=boundary_px,
            allow_unmatched=allow_unmatched,
            max_bad=max_bad,
            workers=workers,
        )
        write_report(
            result,
            report.path,
            predictions=predictions.path,
            truth=truth.path,
            unsplit=unsplit.path if unsplit else None,
        )
    for name, value in result.scalars().items():
        metrics.log_metric(name, value)
    for name, value in moved.megabytes().items():
        metrics.log_metric(name, value)
    confusion.log_confusion_matrix(list(LABELS), result.confusion())
