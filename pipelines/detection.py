"""The detection pipeline: imagery below a prefix in; an up-to-date layer of building footprints out."""

from kfp import dsl

from components.core.collection.plan import MAX_SHARDS, SHARD_MEGAPIXELS
from components.detect_scenes.component import detect_scenes
from components.plan_imagery.component import plan_imagery
from components.publish_collection.component import publish_collection
from pipelines.placement import gpus_of, place, run_settings
from pipelines.spec_edits import describe_parameters, skip_unless


@dsl.pipeline(
    name="building-footprints-detection",
    display_name="Detect buildings in new imagery",
    pipeline_config=run_settings(),
)
def detection(
    images_uri: str,
    model_uri: str,
    output_uri: str,
    footprints_class_title: str = "untitled_dl",
    footprints_confidence: bool = False,
    footprints_confirm: str = "",
    footprints_formats: str = "",
    footprints_join_tiles: bool = True,
    footprints_min_area_m2: float = 0.0,
    footprints_regularise: bool = False,
    footprints_tolerance: str = "1 px",
    images_bands: str = "",
    images_max_bad: int = 0,
    images_options: dict = {},
    images_redo: str = "changed",
    infer_config: dict = {},
    output_data_root: str = "",
    shards_max: int = MAX_SHARDS,
    shards_megapixels: float = SHARD_MEGAPIXELS,
    split_masks_query: list = [],
) -> None:
    """Find what is new below a prefix of imagery, detect buildings in it, and keep a footprint layer up to date.

    Made to recur: finished imagery is skipped, changed imagery is detected again, deleted imagery leaves the
    layer. Where nothing is new, no step asks for a GPU; nor where other settings than the network's change, such as a
    tolerance, a threshold or the query that splits masks.

    Args:
        images_uri: Must be given: folder or URI prefix, below which images at any depth are scenes; or a STAC document.
        model_uri: Must be given: folder or URI prefix of a model, as the training pipeline's model artifact or a copy;
            or a pointer that promotions move, a file that ends in .json.
        output_uri: Must be given: folder or URI prefix of the collection, the layer and all that belongs to it.
        footprints_class_title: Class of the query's objects that become footprints; it cannot be empty.
        footprints_confidence: Whether to publish confidence rasters beside the masks.
        footprints_confirm: How many of the next captures of a place have to agree for a change to count, such as 2 of
            3; empty for changes that count at once.
        footprints_formats: Further files of the whole layer, of gpkg, geojsonl, fgb (FlatGeobuf) and pmtiles
            (vector tiles), separated by commas; empty for GeoParquet alone.
        footprints_join_tiles: Whether to join buildings that the common borders of images cut, where these are tiles of
            one grid.
        footprints_min_area_m2: Area below which a building is dropped; 0 keeps all.
        footprints_regularise: Whether to give outlines right angles and ones of 45°, and make round ones circles.
        footprints_tolerance: Tolerance of simplification, in pixels or metres, such as 1 px or 0.5 m; 0 keeps the
            pixels' edges.
        images_bands: Numbers of the red, green and blue band, such as 3,2,1, and of further ones to keep; empty to
            go by what the images say.
        images_max_bad: How many images may be skipped before the run counts as failed; the others are published.
        images_options: How the imagery is read, such as {"aoi_uri": "s3://gis/town.gpkg"} for an area of interest, with
            assets of a STAC catalogue, scaling, and captured_pattern; empty for the defaults.
        images_redo: What to do about scenes of another model or other settings; changed leaves them, all detects
            them again.
        infer_config: The inference config; empty for the tutorial's.
        output_data_root: Folder or URI prefix for inference's rasters; empty for the cluster's own
            (FOOTPRINTS_DATA_ROOT in the ConfigMap footprints-storage).
        shards_max: Most shards in a run, one GPU step each; the next run continues with the rest.
        shards_megapixels: Most megapixels in a shard.
        split_masks_query: DTL query that splits predicted masks into objects; empty for the tutorial's.
    """
    planned = plan_imagery(
        images_uri=images_uri,
        output_uri=output_uri,
        model_uri=model_uri,
        inference_config=infer_config,
        split_masks_query=split_masks_query,
        class_title=footprints_class_title,
        tolerance=footprints_tolerance,
        min_area_m2=footprints_min_area_m2,
        regularise=footprints_regularise,
        confidence=footprints_confidence,
        redo=images_redo,
        shard_megapixels=shards_megapixels,
        max_shards=shards_max,
        images_options=images_options,
        bands=images_bands,
        data_root=output_data_root,
        formats=footprints_formats,
        join_tiles=footprints_join_tiles,
        confirm=footprints_confirm,
        max_bad=images_max_bad,
    )
    place(planned, "plan_imagery", "Plan: what is new")

    with dsl.ParallelFor(planned.outputs["Output"], name="Detect each shard") as shard:
        detected = detect_scenes(
            plan=planned.outputs["plan"],
            shard=shard,
            data_root=output_data_root,
            **gpus_of("detect_scenes"),
        )
        place(detected, "detect_scenes", "Detect buildings")

    published = publish_collection(
        plan=planned.outputs["plan"],
        formats=footprints_formats,
        join_tiles=footprints_join_tiles,
        confirm=footprints_confirm,
        max_bad=images_max_bad,
    ).after(detected)
    place(published, "publish_collection", "Publish: layer and report")


describe_parameters(detection)
skip_unless(detection, "publish-collection", "plan-imagery", "unfinished")
