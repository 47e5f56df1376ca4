"""The KFP shim calls the stage and logs its figures."""

from __future__ import annotations

from pathlib import Path

from kfp import dsl

from components.publish_footprints.component import publish_footprints
from components.publish_footprints.publish_footprints import publish
from tests.components.publish_footprints.test_publish import project, scene


def artifact(kind: type[dsl.Artifact], path: Path) -> dsl.Artifact:
    return kind(name=path.name, uri=str(path), metadata={})


def test_the_component_logs_counts_and_says_what_the_coordinates_are(tmp_path: Path) -> None:
    source = project(tmp_path, scene("austin1", 1), scene("plain", 2, None, None))
    footprints, metrics = artifact(dsl.Dataset, tmp_path / "footprints"), artifact(dsl.Metrics, tmp_path / "metrics")
    publish_footprints.python_func(
        project=artifact(dsl.Dataset, source),
        footprints=footprints,
        metrics=metrics,
        formats="gpkg, geojson",
        workers=1,
    )
    figures = publish(source, tmp_path / "again", workers=1).scalars()
    assert metrics.metadata.items() >= figures.items()
    assert metrics.metadata["local_written_mb"] > 0
    assert footprints.metadata["footprints"] == figures["footprints"]
    assert footprints.metadata["footprints_pixels_coordinates"].startswith("pixels")
    assert sorted(path.suffix for path in (tmp_path / "footprints").glob("footprints.*")) == [".geojson", ".gpkg"]
