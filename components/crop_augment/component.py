"""The KFP component: a tagged project in, training crops out."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def crop_augment(
    project: dsl.Input[dsl.Dataset],
    crops: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    query: str = "",
    seed: int = 0,
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Cut training crops out of tagged images with a DTL query.

    Args:
        project: The tagged project.
        query: DTL query, JSON text; the tutorial's (512 px windows, flips, 95 % for training) where empty.
        seed: Of every random decision; the same seed gives the same result.
        max_bad: How many images may be left out because they are broken.
        workers: Processes; 0 for one a core.

    Returns:
        crops: The crops: rows that refer to windows of the imagery.
        metrics: Items in, items out, items left out; megabytes read and written, and read for the report.
        report: The query as a graph with item counts, and a contact sheet of the result.
    """
    from components.core.storage import counted
    from components.crop_augment.crop_augment import crop_augment as run

    with counted() as moved:
        done = run(
            project.path, crops.path, query=query, report=report.path, seed=seed, max_bad=max_bad, workers=workers
        )
    crops.metadata.update(done.counts())
    for name, value in {**done.metrics(), **moved.megabytes()}.items():
        metrics.log_metric(name, value)
