"""The KFP component: a project in, a project tagged for training and testing out."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def split_tagging(
    project: dsl.Input[dsl.Dataset],
    tagged: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    query: str = "",
    train_share: float = 0.0,
    project_name: str = "INRIA",
    seed: int = 0,
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Tag every image for training or testing with a DTL query.

    Args:
        project: The imported project.
        query: DTL query, JSON text; the tutorial's, which tags INRIA's five towns, where empty.
        train_share: Above 0, every image is tagged trainval with this chance, else test, whatever its name; leave
            query empty then.
        project_name: Name of the imported project, for train_share.
        seed: Of every random decision; the same seed gives the same split.
        max_bad: How many images may be left out because they are broken.
        workers: Processes; 0 for one a core.

    Returns:
        tagged: The tagged project.
        metrics: Items in, items out, items left out; megabytes read and written, and read for the report.
        report: The query as a graph with item counts, and a contact sheet of the result.
    """
    from components.core.storage import counted
    from components.split_tagging.split_tagging import split_tagging as run

    with counted() as moved:
        done = run(
            project.path,
            tagged.path,
            query=query,
            train_share=train_share,
            project_name=project_name,
            report=report.path,
            seed=seed,
            max_bad=max_bad,
            workers=workers,
        )
    tagged.metadata.update(done.counts())
    for name, value in {**done.metrics(), **moved.megabytes()}.items():
        metrics.log_metric(name, value)
