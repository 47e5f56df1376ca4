"""The KFP shim calls the stage and logs its figures."""

from __future__ import annotations

from pathlib import Path

from kfp import dsl

from components.evaluate.component import evaluate
from components.evaluate.evaluate import evaluate as run
from tests.components.evaluate.test_evaluate import Projects


def artifact(kind: type[dsl.Artifact], path: Path) -> dsl.Artifact:
    return kind(name=path.name, uri=str(path), metadata={})


def test_the_component_logs_metrics_and_the_confusion_matrix(tmp_path: Path) -> None:
    projects = Projects(tmp_path)
    metrics, confusion = artifact(dsl.Metrics, tmp_path / "m"), artifact(dsl.ClassificationMetrics, tmp_path / "c")
    evaluate.python_func(
        predictions=artifact(dsl.Dataset, projects.predictions),
        truth=artifact(dsl.Dataset, projects.truth),
        evaluation=artifact(dsl.Artifact, tmp_path / "evaluation"),
        metrics=metrics,
        confusion=confusion,
        report=artifact(dsl.HTML, tmp_path / "report.html"),
        image_tags=["test"],
        group_tags=["austin", "vienna"],
        workers=1,
    )
    result = run(projects.predictions, projects.truth, workers=1)
    assert metrics.metadata.items() >= result.scalars().items()
    assert metrics.metadata["local_read_mb"] > 0
    matrix = confusion.metadata["confusionMatrix"]
    assert [spec["displayName"] for spec in matrix["annotationSpecs"]] == ["background", "building"]
    assert [row["row"] for row in matrix["rows"]] == result.confusion()
    assert (tmp_path / "evaluation" / "metrics.json").is_file()
