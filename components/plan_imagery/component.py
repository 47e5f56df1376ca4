"""The KFP components: imagery and a collection in, a plan of what is to be done and the names of its shards out."""

from typing import List

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def plan_imagery(
    images_uri: str,
    output_uri: str,
    model_uri: str,
    plan: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    inference_config: str = "",
    split_masks_query: str = "",
    class_title: str = "untitled_dl",
    tolerance_px: float = 1.0,
    tolerance_m: float = 0.0,
    min_area_m2: float = 0.0,
    regularise: bool = False,
    confidence: bool = False,
    redo: str = "changed",
    shard_megapixels: float = 2000.0,
    max_shards: int = 64,
    captured_pattern: str = "",
) -> List[str]:
    """Find the images that are new, changed or to be done again, and spread them over shards, balanced by pixels.

    Args:
        images_uri: Folder or URI prefix; images at any depth below it are scenes.
        output_uri: Folder or URI prefix of the collection, whose ledger says what is done.
        model_uri: Folder or URI prefix of the model, as train_unet wrote it.
        inference_config: The inference config as JSON; empty for the default of infer_windows.
        split_masks_query: DTL query, JSON text; empty for the default of split_masks.
        class_title: Class of the objects that become footprints.
        tolerance_px: Tolerance of simplification in pixels; 0 keeps the pixels' edges.
        tolerance_m: The same in metres; 0 to use tolerance_px.
        min_area_m2: Smaller objects are left out.
        regularise: Whether polygons get right angles.
        confidence: Whether confidence rasters are published.
        redo: What to do about scenes of another model or other settings; changed leaves them, all does them again.
        shard_megapixels: How much one shard should do at most.
        max_shards: At most so many shards, one inference step each.
        captured_pattern: Regular expression that finds the day of capture in the images' keys, with the named groups
            year, month and day; empty for 2026-11-22, 2026_11_22, 20261122 and 2026/11/22, none for none.

    Returns:
        plan: What is to be done, by which shard, and what is to be retired.
        metrics: Counts of images, megapixels and shards; megabytes read and written.
        Output: Names of the shards, 1/n to n/n; none where there is nothing to do.
    """
    from components.core.collection.plan import Settings, shard_names
    from components.core.storage import counted
    from components.plan_imagery.plan_imagery import counts
    from components.plan_imagery.plan_imagery import plan_imagery as run

    settings = Settings(
        inference_config=inference_config,
        split_masks_query=split_masks_query,
        class_title=class_title,
        tolerance_px=tolerance_px,
        tolerance_m=tolerance_m,
        min_area_m2=min_area_m2,
        regularise=regularise,
        confidence=confidence,
    )
    with counted() as moved:
        done = run(
            images_uri,
            output_uri,
            model_uri,
            plan.path,
            settings=settings,
            redo=redo,
            shard_megapixels=shard_megapixels,
            max_shards=int(max_shards),
            captured_pattern=captured_pattern,
        )
    plan.metadata.update(counts(done))
    for name, value in {**counts(done), **moved.megabytes()}.items():
        metrics.log_metric(name, value)
    return shard_names(done.shards)


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def count_shards(shards: List[str]) -> int:
    """Count shards, so that a pipeline can skip what needs one.

    Args:
        shards: Their names, as plan_imagery gives them.

    Returns:
        Output: How many there are.
    """
    return len(shards)
