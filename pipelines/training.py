"""The training pipelines: imagery and masks in; a model, its measures and the footprints it finds out."""

from types import SimpleNamespace
from typing import Any

from kfp import dsl

from components.check_inputs.component import check_inputs
from components.collect_predictions.component import collect_predictions
from components.crop_augment.component import crop_augment
from components.evaluate.component import evaluate
from components.import_images.component import import_images
from components.infer_windows.component import infer_windows
from components.plan_shards.component import plan_shards
from components.promote.component import promote
from components.publish_footprints.component import publish_footprints
from components.sample_scenes.component import sample_scenes
from components.split_masks.component import split_masks
from components.split_tagging.component import split_tagging
from components.train_unet.component import train_unet
from pipelines.placement import gpus_of, place, run_settings
from pipelines.spec_edits import describe_parameters, skip_where_not_given


def _check(given: SimpleNamespace, **images: Any) -> dsl.PipelineTask:
    """See that all that a run is given holds together, before any step costs anything."""
    checked = check_inputs(
        **images,
        data_root=given.output_data_root,
        output_uri=given.output_footprints_uri,
        split_tagging_query=given.split_tagging_query,
        train_share=given.split_tagging_train_share,
        crop_augment_query=given.crop_augment_query,
        train_config=given.train_config,
        initial_model_uri=given.train_initial_model_uri,
        inference_config=given.infer_config,
        image_tags=given.infer_image_tags,
        max_shards=given.shards_max,
        split_masks_query=given.split_masks_query,
        promote_config=given.promote_config,
        max_bad=given.images_max_bad,
    )
    return place(checked, "check_inputs", "Check inputs")


def _import(given: SimpleNamespace, **images: Any) -> dsl.PipelineTask:
    imported = import_images(**images, data_root=given.output_data_root, max_bad=given.images_max_bad)
    return place(imported, "import_images", "Import images")


def _train(given: SimpleNamespace, project: Any) -> None:
    """The steps from the imported project on.

    They stand in each pipeline's own graph: in a pipeline of their own the report and the figures would lie a level
    below what people see first.
    """
    seed, max_bad = given.seed, given.images_max_bad
    tagged = split_tagging(
        project=project,
        query=given.split_tagging_query,
        train_share=given.split_tagging_train_share,
        seed=seed,
        max_bad=max_bad,
    )
    place(tagged, "split_tagging", "Tag training and test images")

    crops = crop_augment(project=tagged.outputs["tagged"], query=given.crop_augment_query, seed=seed, max_bad=max_bad)
    place(crops, "crop_augment", "Cut and mirror crops")

    trained = train_unet(
        project=crops.outputs["crops"],
        config=given.train_config,
        initial_model_uri=given.train_initial_model_uri,
        data_root=given.output_data_root,
        max_bad=max_bad,
        **gpus_of("train_unet"),
    )
    place(trained, "train_unet", "Train the network")

    shards = plan_shards(
        project=tagged.outputs["tagged"], image_tags=given.infer_image_tags, max_shards=given.shards_max
    )
    place(shards, "plan_shards", "Plan shards")

    with dsl.ParallelFor(shards.output, name="Infer each shard") as shard:
        part = infer_windows(
            project=tagged.outputs["tagged"],
            model=trained.outputs["model"],
            data_root=given.output_data_root,
            config=given.infer_config,
            image_tags=given.infer_image_tags,
            shard=shard,
            max_bad=max_bad,
            **gpus_of("infer_windows"),
        )
        place(part, "infer_windows", "Find buildings")

    found = collect_predictions(parts=dsl.Collected(part.outputs["predictions"]), project=tagged.outputs["tagged"])
    place(found, "collect_predictions", "Collect predictions")

    split = split_masks(project=found.outputs["predictions"], query=given.split_masks_query, seed=seed, max_bad=max_bad)
    place(split, "split_masks", "Split into buildings")

    measured = evaluate(
        predictions=split.outputs["split"],
        truth=tagged.outputs["tagged"],
        unsplit=found.outputs["predictions"],
        image_tags=given.infer_image_tags,
        max_bad=max_bad,
    )
    place(measured, "evaluate", "Evaluate: figures and report")

    published = publish_footprints(
        project=split.outputs["split"], output_uri=given.output_footprints_uri, max_bad=max_bad
    )
    place(published, "publish_footprints", "Publish footprints")

    promoted = promote(
        model=trained.outputs["model"],
        evaluation=measured.outputs["evaluation"],
        project=tagged.outputs["tagged"],
        config=given.promote_config,
        data_root=given.output_data_root,
        inference_config=given.infer_config,
        split_masks_query=given.split_masks_query,
        image_tags=given.infer_image_tags,
        seed=seed,
        max_bad=max_bad,
        training_run=dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
        **gpus_of("promote"),
    )
    place(promoted, "promote", "Promote: champion and challenger")


@dsl.pipeline(
    name="building-footprints-training",
    display_name="Train a building detector",
    pipeline_config=run_settings(),
)
def training(
    images_uri: str,
    crop_augment_query: list = [],
    images_bands: str = "",
    images_labels: dict = {},
    images_mask_value: str = "",
    images_masks_uri: str = "",
    images_max_bad: int = 0,
    images_options: dict = {},
    infer_config: dict = {},
    infer_image_tags: list = ["test"],
    output_data_root: str = "",
    output_footprints_uri: str = "",
    promote_config: dict = {},
    seed: int = 0,
    shards_max: int = 1,
    split_masks_query: list = [],
    split_tagging_query: list = [],
    split_tagging_train_share: float = 0.0,
    train_config: dict = {},
    train_initial_model_uri: str = "",
) -> None:
    """Train a building detector on imagery with masks, test it, and publish the footprints that it finds.

    The steps of the tutorial: import, split into training and test images, crop and mirror, train UNetV2, find
    buildings in the test images window by window, split them into objects; then measure and publish.

    Args:
        images_uri: Must be given: folder or URI prefix of images, or of folders images (or img) and gt (or ann, masks);
            or a STAC document.
        crop_augment_query: DTL query that cuts training crops; empty for the tutorial's; ["crop_augment_by_source"] for
            the same with all crops of an image in training, or all in validation.
        images_bands: Numbers of the red, green and blue band, such as 3,2,1, and of further ones to keep; empty to
            go by what the images say.
        images_labels: Vector labels in the place of masks, such as {"labels_uri": "s3://gis/roofs.gpkg"}, with
            label_attribute for classes and labelled_area_uri; empty for masks.
        images_mask_value: Values of masks that are building, such as 1, or 2,3, or #FF0000, or 1,ignore=255; empty for
            all above 0.
        images_masks_uri: Folder or URI prefix of masks; empty where images_uri holds them too.
        images_max_bad: How many images may be skipped because they are broken.
        images_options: How the imagery is read, such as {"allow_unpaired": true} where images without a mask, where
            others have one, show no building, with aoi_uri for an area of interest, and assets of a STAC catalogue;
            empty for the defaults.
        infer_config: The inference config; empty for the tutorial's.
        infer_image_tags: Tags of the images to test, of which an image carries one; empty for all images.
        output_data_root: Folder or URI prefix for rasters; empty for the cluster's own (FOOTPRINTS_DATA_ROOT in the
            ConfigMap footprints-storage).
        output_footprints_uri: Folder or URI prefix that gets a copy of the footprints; empty for none.
        promote_config: Which pointer names the model in use, such as {"pointer_uri": "s3://models/town/current.json"},
            and when the new model takes its place; empty for no promotion.
        seed: Random seed; the same seed gives the same split.
        shards_max: Most steps that inference is spread over, one GPU each.
        split_masks_query: DTL query that splits predicted masks into objects; empty for the tutorial's.
        split_tagging_query: DTL query that tags images for training and testing; empty for the tutorial's, which knows
            INRIA's five towns by name.
        split_tagging_train_share: Above 0, every image is tagged for training with this chance, whatever its name, and
            split_tagging_query stays empty.
        train_config: Training config, merged over the defaults; empty for the tutorial's; {"base": "robust"} for
            that of steadier and more accurate models, over which further keys such as encoder_weights are merged.
        train_initial_model_uri: Folder or URI prefix of a trained model to start from, or a pointer to it; empty for
            none.
    """
    given = SimpleNamespace(**locals())
    images = {
        "images_uri": images_uri,
        "masks_uri": images_masks_uri,
        "bands": images_bands,
        "mask_value": images_mask_value,
        "labels": images_labels,
        "images_options": images_options,
    }
    checked = _check(given, **images)
    imported = _import(given, **images).after(checked)
    _train(given, imported.outputs["project"])


@dsl.pipeline(
    name="building-footprints-sample-training",
    display_name="Try it: train on synthetic scenes",
    pipeline_config=run_settings(),
)
def sample_training(  # noqa: D417  `training` describes the others
    crop_augment_query: list = [],
    images_max_bad: int = 0,
    infer_config: dict = {},
    infer_image_tags: list = ["test"],
    output_data_root: str = "",
    output_footprints_uri: str = "",
    promote_config: dict = {},
    sample_scenes_per_town: int = 6,
    sample_size_px: int = 1024,
    seed: int = 0,
    shards_max: int = 1,
    split_masks_query: list = [],
    split_tagging_query: list = [],
    split_tagging_train_share: float = 0.0,
    train_config: dict = {},
    train_initial_model_uri: str = "",
) -> None:
    """Try the training pipeline with no imagery of one's own: synthetic scenes named and styled like INRIA's towns.

    Args:
        output_data_root: Folder or URI prefix for the scenes and rasters; empty for the cluster's own
            (FOOTPRINTS_DATA_ROOT in the ConfigMap footprints-storage).
        sample_scenes_per_town: Scenes of each of five towns.
        sample_size_px: Height and width of a scene.
        seed: Random seed; other seeds give other scenes.
        split_tagging_query: DTL query that tags images for training and testing; empty for the tutorial's.
    """
    given = SimpleNamespace(**locals())
    checked = _check(given, makes_scenes=True)
    scenes = sample_scenes(
        data_root=output_data_root, scenes_per_town=sample_scenes_per_town, size_px=sample_size_px, seed=seed
    ).after(checked)
    place(scenes, "sample_scenes", "Make sample scenes")
    imported = _import(given, images_uri=scenes.outputs["images_uri"], masks_uri=scenes.outputs["masks_uri"])
    _train(given, imported.outputs["project"])


describe_parameters(training)
describe_parameters(sample_training, like=training)
for pipeline in (training, sample_training):
    skip_where_not_given(pipeline, "promote", "promote_config")
