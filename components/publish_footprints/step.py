"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any

from components.core.step import Artifact, Metrics, log_metrics, step
from components.publish_footprints.publish_footprints import formats_of_text, publish


def run(project: Artifact, footprints: Artifact, metrics: Metrics, formats: str, **options: Any) -> None:
    """Run the stage; see `publish`.

    Args:
        project: Project with the objects, as bitmaps.
        footprints: Gets a directory of the layers' files and summary.json.
        metrics: Get counts and areas; megabytes read and written.
        formats: Any of geoparquet, gpkg and geojson, separated by commas.
        options: Of the stage.
    """
    with step() as moved:
        result = publish(project.path, footprints.path, formats=formats_of_text(formats), **options)
    log_metrics(metrics, result.scalars(), moved, footprints)
    for layer in result.layers:
        footprints.metadata[f"{layer.name}_coordinates"] = layer.coordinates
