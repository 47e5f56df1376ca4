"""Whether the queries and configs of a training run fit each other, from the imported images to the buildings."""

from __future__ import annotations

import logging

from components.check_inputs.documents import TrainingDocuments
from components.check_inputs.inputs import TrainingInputs
from components.check_inputs.places import PlacesFound
from components.core.champion import check_same_classes
from components.core.documents import inference, promotion
from components.core.documents.imagery import bands_kept
from components.core.documents.inference import InferenceConfig
from components.core.documents.start import check_start
from components.core.documents.training import ALL_ITEMS, WHERE, TrainConfig
from components.core.dtl.possible import Possible
from components.core.errors import ConfigError
from components.core.figures import AREA_SHAPES, Shape
from components.core.imagery.bands import is_rgb
from components.core.models import ONNX_FILE
from components.core.network.classes import model_classes
from components.core.network.description import ModelConfig
from components.core.network.seen_sizes import check_scales_by_name
from components.core.preflight.bands import check_bands_kept
from components.core.preflight.classes import BUILDINGS, check_class, check_split, predicted, warn_of_other_windows
from components.core.preflight.models import check_applies
from components.core.preflight.named_faults import NamedFaults
from components.core.preflight.queries import CLASS_TITLE, check_tagged, imported, passed
from components.core.project import ClassInfo

IN_USE = "the model in use"

log = logging.getLogger(__name__)


def check_fit(faults: NamedFaults, inputs: TrainingInputs, documents: TrainingDocuments, found: PlacesFound) -> None:
    """Follow a project from stage to stage; where a document is broken, what depends on it is left out.

    Args:
        faults: Get what does not fit.
        inputs: The run's parameters.
        documents: The queries and configs.
        found: Names of the images, the initial model, and the one that the pointer names.
    """
    cropping, splitting = documents.cropping, documents.splitting
    tagged = _tagged(faults, inputs, documents, found)
    crops = None
    if tagged is not None and cropping is not None:
        followed = passed(faults, cropping, tagged)
        crops = None if followed is None else followed.result
    classes = None
    kept = bands_kept(inputs.bands, () if documents.options is None else documents.options.assets)
    if documents.training is not None:
        _check_bands(faults, inputs, documents.training, kept)
        classes = _learnt(faults, inputs, documents.training, crops)
        _check_initial(faults, inputs, documents.training, classes, found)
    if found.champion is not None:
        _check_champion(faults, inputs, documents, found.champion, classes, kept)
    if documents.inference is None:
        return
    if documents.training is not None:
        _check_applied(faults, documents.training, documents.inference)
    if cropping is not None:
        warn_of_other_windows(cropping.query, documents.inference)
    if tagged is None or classes is None:
        return
    predictions = predicted(faults, "inference_config", documents.inference, tagged, classes)
    if predictions is not None and splitting is not None:
        keys = ("inference_config", splitting.key)
        check_split(faults, splitting, predictions, BUILDINGS, keys, "evaluate and publish_footprints")


def _tagged(
    faults: NamedFaults, inputs: TrainingInputs, documents: TrainingDocuments, found: PlacesFound
) -> Possible | None:
    if documents.tagging is None or (inputs.labels and (documents.labels is None or documents.labels.label_attribute)):
        return None  # which classes there are, the labels' attribute says
    shape = Shape.POLYGON if inputs.labels else Shape.BITMAP
    followed = passed(faults, documents.tagging, imported(found.names, shape))
    if followed is None or followed.result is None:
        return None
    with faults.of(documents.tagging.key):
        check_class(followed.meta, CLASS_TITLE, "evaluate", AREA_SHAPES)
    if inputs.image_tags:
        giver = faults.name(documents.tagging.key)
        with faults.of("image_tags"):
            check_tagged(followed.result, inputs.image_tags, "image_tags", giver)
    return followed.result


def _learnt(
    faults: NamedFaults, inputs: TrainingInputs, config: TrainConfig, crops: Possible | None
) -> tuple[ClassInfo, ...] | None:
    """The model's classes, in the order of its channels."""
    if crops is None:
        return None
    tags, giver = config.dataset_tags, faults.name("crop_augment_query")
    for phase, tag in (("train", tags.train), ("val", tags.val)):
        if tag != ALL_ITEMS:
            with faults.of("train_config", head=WHERE):
                check_tagged(crops, [tag], f"{WHERE}: dataset_tags.{phase}", giver)
    special = config.special_classes
    with faults.of("crop_augment_query", "train_config"):
        return model_classes(crops.meta.classes, special.background, special.neutral)
    return None


def _check_bands(faults: NamedFaults, inputs: TrainingInputs, config: TrainConfig, kept: str) -> None:
    if inputs.makes_scenes and not is_rgb(config.bands):
        with faults.of("train_config", head=WHERE):
            raise ConfigError(f"{WHERE}: bands: {config.bands} are more than the run's own scenes have; give imagery")
    with faults.of("bands"):
        check_bands_kept(kept, config.bands, faults.name("train_config"))


def _check_champion(
    faults: NamedFaults,
    inputs: TrainingInputs,
    documents: TrainingDocuments,
    champion: ModelConfig,
    classes: tuple[ClassInfo, ...] | None,
    kept: str,
) -> None:
    """See that the model in use can be tested on what the new one is tested on, and in the same way."""
    if documents.promotion is not None and classes is not None:
        with faults.of("promote_config", head=promotion.WHERE):
            check_same_classes(
                [entry.title for entry in classes],
                [entry.title for entry in champion.classes],
                f"{promotion.WHERE}: pointer_uri: {documents.promotion.pointer_uri}",
            )
    if documents.inference is not None:
        with faults.of("inference_config", "promote_config", head=inference.WHERE):
            check_applies(documents.inference, champion, IN_USE)
    if inputs.makes_scenes and not is_rgb(champion.bands):
        with faults.of("promote_config", head=promotion.WHERE):
            raise ConfigError(
                f"{promotion.WHERE}: pointer_uri: {IN_USE} sees {list(champion.bands)}, more than the run's "
                " own scenes have; give imagery, or another pointer"
            )
    with faults.of("bands"):
        check_bands_kept(kept, champion.bands, IN_USE)
    if documents.training is not None and not (
        is_rgb(champion.bands) or champion.bands == tuple(documents.training.bands)
    ):
        log.warning(
            "%s: %s sees the bands %s, and %s names %s: images need those of both, or both cannot be compared",
            faults.name("promote_config"),
            IN_USE,
            ", ".join(champion.bands),
            faults.name("train_config"),
            ", ".join(documents.training.bands),
        )


def _check_applied(faults: NamedFaults, training: TrainConfig, config: InferenceConfig) -> None:
    """See that the training gives what the inference is to run."""
    with faults.of("inference_config", "train_config", head=inference.WHERE):
        size = training.input_size.size
        check_scales_by_name(config.mode.scales, training.architecture, training.encoder, size)
    if not training.onnx and config.runtime == "onnx":
        with faults.of("train_config", "inference_config"):
            raise ConfigError(
                f"onnx is false, so that the model gets no {ONNX_FILE}, which the inference's runtime 'onnx' runs; use "
                "true, or the runtime 'torch'"
            )


def _check_initial(
    faults: NamedFaults,
    inputs: TrainingInputs,
    config: TrainConfig,
    classes: tuple[ClassInfo, ...] | None,
    found: PlacesFound,
) -> None:
    """A model that is named and could not be read is a fault of its own, noted before."""
    if inputs.initial_model_uri and found.initial is None:
        return
    titles = None if classes is None else [entry.title for entry in classes]
    with faults.of("train_config", head=WHERE):
        check_start(config, titles, found.initial)
