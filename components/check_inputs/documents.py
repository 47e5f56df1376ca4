"""The queries and configs of a training run, each by itself."""

from __future__ import annotations

from dataclasses import dataclass

from components.check_inputs.inputs import TrainingInputs
from components.core.documents import imagery, inference, labels, promotion, training, tutorial
from components.core.documents.imagery import TrainingImages, load_options
from components.core.documents.inference import InferenceConfig
from components.core.documents.labels import LabelsConfig, load_labels
from components.core.documents.promotion import PromotionConfig
from components.core.documents.share import check_share_alone, share_query
from components.core.documents.training import TrainConfig
from components.core.preflight.named_faults import NamedFaults
from components.core.preflight.queries import QueryParameter, read_query_parameter


@dataclass(frozen=True, slots=True)
class TrainingDocuments:
    """What could be read; None where a document is broken, and where there is no promotion.

    Attributes:
        tagging: Query that tags images; that of a share where one is given.
        cropping: Query that cuts crops.
        training: Training config.
        inference: Inference config.
        splitting: Query that splits masks.
        promotion: Promotion config.
        labels: Labels config; None, too, for masks.
        options: How the imagery is read.
    """

    tagging: QueryParameter | None
    cropping: QueryParameter | None
    training: TrainConfig | None
    inference: InferenceConfig | None
    splitting: QueryParameter | None
    promotion: PromotionConfig | None
    labels: LabelsConfig | None
    options: TrainingImages | None


def read_documents(faults: NamedFaults, inputs: TrainingInputs) -> TrainingDocuments:
    """Read all documents, and note what is wrong with each."""
    crops = read_query_parameter(faults, "crop_augment_query", inputs.crop_augment_query, tutorial.CROP_AUGMENT_QUERY)
    split = read_query_parameter(faults, "split_masks_query", inputs.split_masks_query, tutorial.SPLIT_MASKS_QUERY)
    return TrainingDocuments(
        _tagging(faults, inputs),
        crops,
        _training(faults, inputs),
        _inference(faults, inputs),
        split,
        _promotion(faults, inputs),
        _labels(faults, inputs),
        _options(faults, inputs),
    )


def _tagging(faults: NamedFaults, inputs: TrainingInputs) -> QueryParameter | None:
    key, given = "split_tagging_query", inputs.split_tagging_query
    with faults.of("train_share"):
        check_share_alone(inputs.train_share, given)
    if inputs.train_share and not given:
        with faults.of("train_share"):
            return read_query_parameter(faults, "train_share", share_query(inputs.train_share), "")
        return None
    advice = f"give a query whose patterns match these images, or {faults.name('train_share')}"
    return read_query_parameter(faults, key, given, tutorial.SPLIT_TAGGING_QUERY, advice)


def _training(faults: NamedFaults, inputs: TrainingInputs) -> TrainConfig | None:
    with faults.of("train_config", head=training.WHERE):
        return training.load_config(inputs.train_config or tutorial.TRAIN_CONFIG)
    return None


def _inference(faults: NamedFaults, inputs: TrainingInputs) -> InferenceConfig | None:
    with faults.of("inference_config", head=inference.WHERE):
        return inference.load_config(inputs.inference_config or tutorial.INFERENCE_CONFIG)
    return None


def _promotion(faults: NamedFaults, inputs: TrainingInputs) -> PromotionConfig | None:
    if inputs.promote_config:
        with faults.of("promote_config", head=promotion.WHERE):
            return promotion.load_promotion(inputs.promote_config)
    return None


def _labels(faults: NamedFaults, inputs: TrainingInputs) -> LabelsConfig | None:
    if inputs.labels:
        with faults.of("labels", head=labels.WHERE):
            return load_labels(inputs.labels)
    return None


def _options(faults: NamedFaults, inputs: TrainingInputs) -> TrainingImages | None:
    with faults.of("images_options", head=imagery.WHERE):
        return load_options(TrainingImages, inputs.images_options)
    return None
