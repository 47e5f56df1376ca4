"""The training pipeline: imagery and masks in; a model, its measures and the footprints it finds out."""

from kfp import dsl

from components.collect_predictions.component import collect_predictions
from components.crop_augment.component import crop_augment
from components.evaluate.component import evaluate
from components.import_images.component import import_images
from components.infer_windows.component import infer_windows
from components.plan_shards.component import plan_shards
from components.publish_footprints.component import publish_footprints
from components.sample_scenes.component import sample_scenes
from components.split_masks.component import split_masks
from components.split_tagging.component import split_tagging
from components.train_unet.component import train_unet
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


@dsl.pipeline(name="building-footprints-training")
def training(
    images_uri: str,
    masks_uri: str,
    data_root: str,
    split_tagging_query: str = TUTORIAL.split_tagging,
    train_share: float = 0.0,
    crop_augment_query: str = TUTORIAL.crop_augment,
    train_config: str = TUTORIAL.training,
    encoder_weights: str = "",
    initial_model_uri: str = "",
    inference_config: str = TUTORIAL.inference,
    image_tags: list[str] = ["test"],
    max_shards: int = 1,
    split_masks_query: str = TUTORIAL.split_masks,
    output_uri: str = "",
    max_bad: int = 0,
    seed: int = 0,
    accelerator_type: str = ACCELERATOR_TYPE,
    train_gpus: int = PLACEMENTS["train_unet"].accelerators,
    require_gpus: bool = True,
    gpu_node_selector: dict[str, str] = {},
    gpu_tolerations: list[dict[str, str]] = [],
    storage_secret: str = STORAGE_SECRET,
    storage_settings: str = STORAGE_SETTINGS,
) -> None:
    """Train a building detector on imagery with masks, test it, and publish the footprints that it finds.

    The steps of the tutorial: import, split into training and test images, crop and mirror, train UNetV2, find
    buildings in the test images window by window, split them into objects; then measure and publish.
    """
    cluster = ClusterParameters(accelerator_type, gpu_node_selector, gpu_tolerations, storage_secret, storage_settings)

    imported = import_images(images_uri=images_uri, masks_uri=masks_uri, data_root=data_root, max_bad=max_bad)
    place(imported, "import_images", cluster)

    tagged = split_tagging(
        project=imported.outputs["project"],
        query=split_tagging_query,
        train_share=train_share,
        seed=seed,
        max_bad=max_bad,
    )
    place(tagged, "split_tagging", cluster)

    crops = crop_augment(project=tagged.outputs["tagged"], query=crop_augment_query, seed=seed, max_bad=max_bad)
    place(crops, "crop_augment", cluster)

    trained = train_unet(
        project=crops.outputs["crops"],
        config=train_config,
        encoder_weights=encoder_weights,
        initial_model_uri=initial_model_uri,
        gpus=train_gpus,
        require_gpus=require_gpus,
    )
    place(trained, "train_unet", cluster, accelerators=train_gpus)

    shards = plan_shards(project=tagged.outputs["tagged"], image_tags=image_tags, max_shards=max_shards)
    place(shards, "plan_shards", cluster)

    with dsl.ParallelFor(shards.output) as shard:
        part = infer_windows(
            project=tagged.outputs["tagged"],
            model=trained.outputs["model"],
            data_root=data_root,
            config=inference_config,
            image_tags=image_tags,
            shard=shard,
            max_bad=max_bad,
            gpus=PLACEMENTS["infer_windows"].accelerators,
            require_gpus=require_gpus,
        )
        place(part, "infer_windows", cluster, in_loop=True)

    found = collect_predictions(parts=dsl.Collected(part.outputs["predictions"]), project=tagged.outputs["tagged"])
    place(found, "collect_predictions", cluster)

    split = split_masks(project=found.outputs["predictions"], query=split_masks_query, seed=seed, max_bad=max_bad)
    place(split, "split_masks", cluster)

    measured = evaluate(
        predictions=split.outputs["split"],
        truth=tagged.outputs["tagged"],
        unsplit=found.outputs["predictions"],
        image_tags=image_tags,
        max_bad=max_bad,
    )
    place(measured, "evaluate", cluster)

    published = publish_footprints(project=split.outputs["split"], output_uri=output_uri)
    place(published, "publish_footprints", cluster)


@dsl.pipeline(name="building-footprints-sample-training")
def sample_training(
    data_root: str,
    scenes_per_town: int = 6,
    size_px: int = 1024,
    split_tagging_query: str = TUTORIAL.split_tagging,
    train_share: float = 0.0,
    crop_augment_query: str = TUTORIAL.crop_augment,
    train_config: str = TUTORIAL.training,
    encoder_weights: str = "",
    initial_model_uri: str = "",
    inference_config: str = TUTORIAL.inference,
    image_tags: list[str] = ["test"],
    max_shards: int = 1,
    split_masks_query: str = TUTORIAL.split_masks,
    output_uri: str = "",
    max_bad: int = 0,
    seed: int = 0,
    accelerator_type: str = ACCELERATOR_TYPE,
    train_gpus: int = PLACEMENTS["train_unet"].accelerators,
    require_gpus: bool = True,
    gpu_node_selector: dict[str, str] = {},
    gpu_tolerations: list[dict[str, str]] = [],
    storage_secret: str = STORAGE_SECRET,
    storage_settings: str = STORAGE_SETTINGS,
) -> None:
    """Try the training pipeline with no imagery of one's own: synthetic scenes named and styled like INRIA's towns."""
    cluster = ClusterParameters(accelerator_type, gpu_node_selector, gpu_tolerations, storage_secret, storage_settings)
    scenes = sample_scenes(data_root=data_root, scenes_per_town=scenes_per_town, size_px=size_px, seed=seed)
    place(scenes, "sample_scenes", cluster)
    training(
        images_uri=scenes.outputs["images_uri"],
        masks_uri=scenes.outputs["masks_uri"],
        data_root=data_root,
        split_tagging_query=split_tagging_query,
        train_share=train_share,
        crop_augment_query=crop_augment_query,
        train_config=train_config,
        encoder_weights=encoder_weights,
        initial_model_uri=initial_model_uri,
        inference_config=inference_config,
        image_tags=image_tags,
        max_shards=max_shards,
        split_masks_query=split_masks_query,
        output_uri=output_uri,
        max_bad=max_bad,
        seed=seed,
        accelerator_type=accelerator_type,
        train_gpus=train_gpus,
        require_gpus=require_gpus,
        gpu_node_selector=gpu_node_selector,
        gpu_tolerations=gpu_tolerations,
        storage_secret=storage_secret,
        storage_settings=storage_settings,
    )
