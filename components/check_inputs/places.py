"""The places of a training run: what is read is there, and what is written can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.check_inputs.documents import TrainingDocuments
from components.check_inputs.inputs import TrainingInputs
from components.core.champion import read_pointer
from components.core.documents.inference import InferenceConfig
from components.core.documents.labels import WHERE as WHERE_LABELS
from components.core.documents.labels import LabelsConfig
from components.core.documents.training import WHERE, TrainConfig
from components.core.errors import ConfigError
from components.core.imagery.pairs import MASK_FOLDERS, find_pairs
from components.core.listing import first_names
from components.core.models import check_holds_model
from components.core.network.architectures import check_weights, names_weights
from components.core.network.description import ModelConfig
from components.core.network.encoders import IMAGENET, NO_WEIGHTS
from components.core.preflight.models import described_model
from components.core.preflight.named_faults import NamedFaults
from components.core.preflight.places import NamedPlace, askable, check_area, check_file, place_for_rasters
from components.core.storage import check_file_writable, check_writable
from components.core.vectors.files import VectorFile
from components.core.vectors.pairing import find_labels

LABELS = "labels"
"""The parameter that names the labels."""

OPTIONS = "images_options"
"""The parameter that has the area of interest."""

POINTER = "promote_config"
"""The parameter that names the pointer."""


@dataclass(frozen=True, slots=True)
class PlacesFound:
    """What lies at the places.

    Attributes:
        names: Of the images; None where they are not known.
        initial: What the initial model says of itself; None where there is none, or it is not known.
        champion: What the model says of itself that the pointer of the promotion names; the same.
    """

    names: tuple[str, ...] | None = None
    initial: ModelConfig | None = None
    champion: ModelConfig | None = None


def look(faults: NamedFaults, inputs: TrainingInputs, documents: TrainingDocuments) -> PlacesFound:
    """Check all places.

    Args:
        faults: Get what is wrong.
        inputs: Name the places.
        documents: The training config, which may name one, the promotion config, which names the pointer, and the
            labels config.
    """
    promotion = documents.promotion
    further = [_weights_file(faults, inputs, documents.training)]
    further.append(None if promotion is None else NamedPlace(POINTER, promotion.pointer_uri))
    weights, _ = further
    with faults.of(LABELS, head=WHERE_LABELS):
        further += _label_places(documents.labels)
    if documents.options is not None and documents.options.aoi_uri:
        with faults.of(OPTIONS):
            further.append(NamedPlace(OPTIONS, VectorFile.parse(documents.options.aoi_uri).uri))
    to_check = {place.key: place.uri for place in askable(faults, _places(faults, inputs, further))}
    if OPTIONS in to_check:
        faults.attempt(OPTIONS, check_area, to_check[OPTIONS])
    names = _names_of_images(faults, to_check, inputs, documents) if "images_uri" in to_check else None
    initial = None
    if "initial_model_uri" in to_check:
        initial = faults.attempt("initial_model_uri", described_model, inputs.initial_model_uri)
    if weights is not None and weights.key in to_check:
        faults.attempt(weights.key, check_file, weights.uri)
    for key in ("data_root", "output_uri"):
        if key in to_check:
            faults.attempt(key, check_writable, to_check[key])
    champion = _champion(faults, to_check[POINTER], documents.inference) if POINTER in to_check else None
    return PlacesFound(names, initial, champion)


def _champion(faults: NamedFaults, pointer_uri: str, config: InferenceConfig | None) -> ModelConfig | None:
    """What the model says of itself that a pointer names; None where there is no pointer yet."""
    with faults.of(POINTER):
        check_file_writable(pointer_uri)
        named = read_pointer(pointer_uri).champion
        if named is None:
            return None
        described = described_model(named.model_uri)
        if config is not None:
            with faults.of(POINTER, "inference_config"):
                check_holds_model(named.model_uri, config.runtime)
        return described
    return None


def _places(faults: NamedFaults, inputs: TrainingInputs, further: Sequence[NamedPlace | None]) -> list[NamedPlace]:
    named = [
        NamedPlace(key, getattr(inputs, key))
        for key in ("images_uri", "masks_uri", "initial_model_uri", "output_uri")
        if getattr(inputs, key)
    ]
    if not (inputs.images_uri or inputs.makes_scenes):
        with faults.of("images_uri"):
            raise ConfigError("is empty; give a folder or URI prefix of images")
    with faults.of("data_root"):
        named.append(NamedPlace("data_root", place_for_rasters(inputs.data_root)))
    return named + [place for place in further if place is not None]


def _weights_file(faults: NamedFaults, inputs: TrainingInputs, config: TrainConfig | None) -> NamedPlace | None:
    """Where the encoder's weights lie, if a file holds them; an initial model brings its own."""
    given = inputs.encoder_weights or ("" if config is None else config.encoder_weights)
    key = "encoder_weights" if inputs.encoder_weights else "train_config"
    if inputs.initial_model_uri or given in ("", NO_WEIGHTS):
        return None
    if not (given == IMAGENET if config is None else names_weights(config.architecture, given)):
        return NamedPlace(key, given)
    if config is not None:
        with faults.of(key, head=WHERE):
            try:
                check_weights(config.architecture, config.encoder, given)
            except ConfigError as error:
                raise (error if inputs.encoder_weights else ConfigError(f"{WHERE}: {error}")) from error
    return None


def _label_places(labels: LabelsConfig | None) -> list[NamedPlace]:
    if labels is None:
        return []
    given = (labels.labels_uri, labels.labelled_area_uri)
    return [NamedPlace(LABELS, VectorFile.parse(uri).uri) for uri in given if uri]


def _names_of_images(
    faults: NamedFaults, to_check: dict[str, str], inputs: TrainingInputs, documents: TrainingDocuments
) -> tuple[str, ...] | None:
    labels = documents.labels
    assets = () if documents.options is None else documents.options.assets
    if inputs.labels:
        with faults.of("images_uri"):
            pairing = find_pairs(inputs.images_uri, without_masks=True, assets=assets)
            names = tuple(pair.name for pair in pairing.pairs)
            if labels is not None and LABELS in to_check:
                with faults.of(LABELS, head=WHERE_LABELS):
                    _check_labels(faults, inputs, documents, labels, names)
            return names
        return None
    with faults.of(*(key for key in ("images_uri", "masks_uri") if key in to_check)):
        found = find_pairs(inputs.images_uri, to_check.get("masks_uri", ""), assets=assets)
        if not found.has_masks:
            faults.say(
                ("masks_uri",),
                f"is empty, and {inputs.images_uri} holds no folder {' or '.join(MASK_FOLDERS)}: no image has a mask; "
                "give the masks that the training learns from",
            )
        _check_unpaired(faults, inputs, documents, found.unpaired_images, len(found.pairs), "mask")
        return tuple(pair.name for pair in found.pairs)
    return None


def _check_labels(
    faults: NamedFaults,
    inputs: TrainingInputs,
    documents: TrainingDocuments,
    labels: LabelsConfig,
    names: tuple[str, ...],
) -> None:
    """See that the files are there, and that images have theirs where each has one."""
    place = find_labels(labels.labels_uri, names)
    files = [place] if isinstance(place, VectorFile) else []
    for file in (*files, *(VectorFile.parse(uri) for uri in (labels.labelled_area_uri,) if uri)):
        check_file(file.uri)
    if isinstance(place, dict):
        unpaired = [name for name in names if name not in place]
        _check_unpaired(faults, inputs, documents, unpaired, len(names), "file of labels")


def _check_unpaired(
    faults: NamedFaults,
    inputs: TrainingInputs,
    documents: TrainingDocuments,
    unpaired: Sequence[str],
    images: int,
    noun: str,
) -> None:
    options = documents.options
    if len(unpaired) <= max(inputs.max_bad, 0) or options is None or options.allow_unpaired:
        return
    if options.aoi_uri:
        return  # only whoever opens the images knows which of them lie in the area
    faults.say(
        (OPTIONS,),
        f"allow_unpaired: is not set, and {len(unpaired)} of {images} images have no {noun} of their name "
        f"({first_names(unpaired)}); give them, set it where images without a {noun} show no building, or skip "
        f"them with {faults.name('max_bad')} {len(unpaired)}",
    )
