"""The KFP component: a project of split objects in, footprint layers out."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def publish_footprints(
    project: dsl.Input[dsl.Dataset],
    footprints: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    output_uri: str = "",
    class_title: str = "untitled_dl",
    tolerance_px: float = 1.0,
    tolerance_m: float = 0.0,
    min_area_m2: float = 0.0,
    formats: str = "geoparquet,gpkg,geojson",
    workers: int = 0,
) -> None:
    """Write the objects of a project as polygons in map coordinates, for a GIS to open.

    Args:
        project: Project with the objects, as bitmaps.
        output_uri: Folder or URI prefix that gets a copy of the files; empty for none.
        class_title: Class of the objects.
        tolerance_px: Tolerance of simplification in pixels; 0 keeps the pixels' edges.
        tolerance_m: The same in metres, for scenes with a CRS; 0 to use tolerance_px there too.
        min_area_m2: Smaller objects are left out; needs a CRS, scenes without keep all.
        formats: Any of geoparquet, gpkg and geojson, separated by commas.
        workers: Processes; 0 for one a core.

    Returns:
        footprints: Directory of the layers' files and summary.json.
        metrics: Counts and areas; megabytes read and written.
    """
    from components.core.storage import counted
    from components.publish_footprints.publish_footprints import formats_of_text, publish

    with counted() as moved:
        result = publish(
            project.path,
            footprints.path,
            output_uri=output_uri,
            class_title=class_title,
            tolerance_px=tolerance_px,
            tolerance_m=tolerance_m,
            min_area_m2=min_area_m2,
            formats=formats_of_text(formats),
            workers=workers,
        )
    for name, value in result.scalars().items():
        metrics.log_metric(name, value)
        footprints.metadata[name] = value
    for name, value in moved.megabytes().items():
        metrics.log_metric(name, value)
    for layer in result.layers:
        footprints.metadata[f"{layer.name}_coordinates"] = layer.coordinates
