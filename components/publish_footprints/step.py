"""The stage as a step of a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.core.step import Artifact, Echo, Metrics, no_echo, step
from components.publish_footprints.publish_footprints import formats_of_text, publish


def run(
    project: Artifact, footprints: Artifact, metrics: Metrics, formats: str, *, echo: Echo = no_echo, **options: Any
) -> None:
    """Run the stage; see `publish`.

    Args:
        project: Project with the objects, as bitmaps.
        footprints: Output directory with the layers' files and summary.json.
        metrics: Counts and areas; megabytes read and written.
        formats: Any of geoparquet, gpkg, geojson, fgb (FlatGeobuf) and pmtiles (vector tiles, of scenes with a CRS),
            separated by commas.
        echo: Hears of each layer what is in it, and of each of its files where it lies.
        options: Of the stage.
    """
    with step(metrics, footprints) as numbers:
        result = publish(project.path, footprints.path, formats=formats_of_text(formats), **options)
        numbers.update(result.scalars())
    for layer in result.layers:
        footprints.metadata[f"{layer.name}_coordinates"] = layer.coordinates
        area = "" if layer.area_m2 is None else f", {layer.area_m2:,.0f} m²"
        echo(f"{layer.name}: {layer.footprints} footprints{area}, {layer.coordinates}")
        for file in layer.files:
            echo(str(Path(footprints.path) / file))
