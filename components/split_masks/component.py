"""The KFP component: predictions in, one object a building out."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def split_masks(
    project: dsl.Input[dsl.Dataset],
    split: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    query: str = "",
    seed: int = 0,
    max_bad: int = 0,
    allow_empty: bool = False,
    workers: int = 0,
) -> None:
    """Split predicted masks into separate buildings with a DTL query.

    Args:
        project: The predictions.
        query: DTL query, JSON text; the tutorial's (class untitled_dl) where empty.
        seed: Of every random decision; the same seed gives the same result.
        max_bad: How many images may be left out because they are broken.
        allow_empty: Whether the project may hold no image, or none that is not broken.
        workers: Processes; 0 for one a core.

    Returns:
        split: The project with one object a building.
        metrics: Items in, items out, items left out; megabytes read and written, and read for the report.
        report: The query as a graph with item counts, and a contact sheet of the result.
    """
    from components.core.storage import counted
    from components.split_masks.split_masks import split_masks as run

    with counted() as moved:
        done = run(
            project.path,
            split.path,
            query=query,
            report=report.path,
            seed=seed,
            max_bad=max_bad,
            allow_empty=allow_empty,
            workers=workers,
        )
    split.metadata.update(done.counts())
    for name, value in {**done.metrics(), **moved.megabytes()}.items():
        metrics.log_metric(name, value)
