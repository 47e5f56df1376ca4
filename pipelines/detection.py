"""The detection pipeline: imagery below a prefix in; an up-to-date layer of building footprints out."""

from kfp import dsl

from components.import_images.component import import_images
from components.infer_windows.component import infer_windows
from components.plan_imagery.component import count_shards, plan_imagery
from components.publish_collection.component import publish_collection
from components.split_masks.component import split_masks
from pipelines.documents import tutorial_documents
from pipelines.placement import (
    ACCELERATOR_TYPE,
    STORAGE_SECRET,
    STORAGE_SETTINGS,
    ClusterParameters,
    load_placements,
    place,
)

TUTORIAL = tutorial_documents()
PLACEMENTS = load_placements()

EVERY_SCENE = 1_000_000_000
"""Stages leave out what they cannot do; publish_collection compares with the plan, and max_bad counts there."""

ITEM_PIXELS = 1 << 27
"""Scenes of more pixels are annotated in row parts, so that no stage holds the buildings of a large one."""


@dsl.pipeline(name="building-footprints-detection")
def detection(
    images_uri: str,
    model_uri: str,
    output_uri: str,
    data_root: str,
    inference_config: str = TUTORIAL.inference,
    split_masks_query: str = TUTORIAL.split_masks,
    scaling: str = "percentile",
    class_title: str = "untitled_dl",
    tolerance_px: float = 1.0,
    tolerance_m: float = 0.0,
    min_area_m2: float = 0.0,
    regularise: bool = False,
    confidence: bool = False,
    formats: str = "",
    redo: str = "changed",
    shard_megapixels: float = 2000.0,
    max_shards: int = 64,
    captured_pattern: str = "",
    max_bad: int = 0,
    accelerator_type: str = ACCELERATOR_TYPE,
    require_gpus: bool = True,
    gpu_node_selector: dict[str, str] = {},
    gpu_tolerations: list[dict[str, str]] = [],
    storage_secret: str = STORAGE_SECRET,
    storage_settings: str = STORAGE_SETTINGS,
) -> None:
    """Find what is new below a prefix of imagery, detect buildings in it, and keep a footprint layer up to date.

    Made to recur: imagery that was done is passed over, changed imagery is done again, deleted imagery leaves the
    layer. Where nothing is new, no step asks for a GPU.
    """
    cluster = ClusterParameters(accelerator_type, gpu_node_selector, gpu_tolerations, storage_secret, storage_settings)

    def placed(task: dsl.PipelineTask, stage: str, in_loop: bool = False) -> dsl.PipelineTask:
        """Placed on the cluster, and never taken from Kubeflow's cache, which knows no content of a store."""
        return place(task, stage, cluster, in_loop=in_loop).set_caching_options(False)

    planned = plan_imagery(
        images_uri=images_uri,
        output_uri=output_uri,
        model_uri=model_uri,
        inference_config=inference_config,
        split_masks_query=split_masks_query,
        class_title=class_title,
        tolerance_px=tolerance_px,
        tolerance_m=tolerance_m,
        min_area_m2=min_area_m2,
        regularise=regularise,
        confidence=confidence,
        redo=redo,
        shard_megapixels=shard_megapixels,
        max_shards=max_shards,
        captured_pattern=captured_pattern,
    )
    placed(planned, "plan_imagery")
    plan = planned.outputs["plan"]
    shards = count_shards(shards=planned.outputs["Output"])
    placed(shards, "plan_imagery")

    with dsl.If(shards.output > 0, "something-new"):
        with dsl.ParallelFor(planned.outputs["Output"]) as shard:
            imported = import_images(plan=plan, shard=shard, data_root=data_root, scaling=scaling)
            placed(imported, "import_images", in_loop=True)

            found = infer_windows(
                project=imported.outputs["project"],
                model_uri=model_uri,
                data_root=data_root,
                config=inference_config,
                image_tags=[],
                max_item_pixels=ITEM_PIXELS,
                max_bad=EVERY_SCENE,
                allow_empty=True,
                gpus=PLACEMENTS["infer_windows"].accelerators,
                require_gpus=require_gpus,
            )
            placed(found, "infer_windows", in_loop=True)

            split = split_masks(
                project=found.outputs["predictions"],
                query=split_masks_query,
                max_bad=EVERY_SCENE,
                allow_empty=True,
            )
            placed(split, "split_masks", in_loop=True)

        published = publish_collection(
            plan=plan, parts=dsl.Collected(split.outputs["split"]), formats=formats, max_bad=max_bad
        )
        placed(published, "publish_collection")

    with dsl.Else("nothing-new"):
        kept = publish_collection(plan=plan, formats=formats, max_bad=max_bad)
        placed(kept, "publish_collection")
