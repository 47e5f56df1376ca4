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
    tolerance: str = "1 px",
    regularise: bool = False,
    min_area_m2: float = 0.0,
    formats: str = "geoparquet,gpkg,geojson",
    join_tiles: bool = True,
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Write the objects of a project as polygons in map coordinates, for a GIS to open."""
    options = dict(locals())
    from components.publish_footprints.step import run

    run(**options)
