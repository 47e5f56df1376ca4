"""Check all inputs of a detection run together, before it lists imagery or requests a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from components.core import storage
from components.core.catalogue.documents import names_catalogue
from components.core.catalogue.walk import Catalogue
from components.core.collection.confirmation import Confirmation
from components.core.collection.formats import formats_of_text
from components.core.collection.ledger import Collection
from components.core.collection.plan import MAX_SHARDS, SHARD_MEGAPIXELS, DetectionSettings
from components.core.documents import inference, tutorial
from components.core.documents.imagery import WHERE, DetectionImages, bands_kept, load_options
from components.core.errors import ConfigError
from components.core.imagery.bands import bands_of_text
from components.core.models import Runtime
from components.core.network.description import ModelConfig
from components.core.preflight.bands import check_bands_kept
from components.core.preflight.classes import check_needs_no_objects, check_split, predicted
from components.core.preflight.models import check_applies, described_model
from components.core.preflight.named_faults import NamedFaults
from components.core.preflight.places import NamedPlace, askable, check_area, place_for_rasters
from components.core.preflight.queries import imported, read_query_parameter
from components.core.skip_budget import check_max_bad
from components.core.storage import check_writable
from components.core.vectors.files import VectorFile
from components.plan_imagery.capture_date import date_pattern
from components.plan_imagery.layer_facts import check_same_imagery, read_shown
from components.plan_imagery.parameters import REDO_CHANGED, check_footprints, check_numbers
from components.plan_imagery.sources import find_images, no_images


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionInputs:
    """A detection run's parameters.

    Attributes:
        images_uri: Folder or URI prefix; images at any depth below it are scenes.
        output_uri: Folder or URI prefix of the collection, whose ledger says what is done.
        model_uri: Folder or URI prefix of the model, as train_unet wrote it; or a pointer to it, a file that ends in
            .json.
        settings: How scenes are detected and published; documents as JSON text or files, empty for the tutorial's.
        redo: "changed" leaves scenes of another model or other settings alone, "all" does them again.
        shard_megapixels: Most megapixels in a shard.
        max_shards: Most shards of a run; the next run does the rest.
        images_options: How the imagery is read, as JSON text or a file; empty for the defaults.
        data_root: Folder or URI prefix for inference's rasters; empty for the cluster's own (FOOTPRINTS_DATA_ROOT);
            checked here for detect_scenes.
        formats: Further files of the whole layer, of gpkg, geojsonl, fgb and pmtiles, separated by commas; checked
            here for publish_collection.
        join_tiles: Join buildings across the common border of scenes that are tiles of one grid.
        confirm: How many of the next captures of a place have to agree for a change to count, such as 2 of 3; empty
            for changes that count at once; checked here for publish_collection.
        max_bad: How many images may be skipped.
    """

    images_uri: str
    output_uri: str
    model_uri: str
    settings: DetectionSettings
    redo: str = REDO_CHANGED
    shard_megapixels: float = SHARD_MEGAPIXELS
    max_shards: int = MAX_SHARDS
    images_options: str = ""
    data_root: str = ""
    formats: str = ""
    join_tiles: bool = True
    confirm: str = ""
    max_bad: int = 0

    @staticmethod
    def names() -> list[str]:
        """Of the parameters, each of the settings among them."""
        return [
            field.name for field in (*fields(DetectionInputs), *fields(DetectionSettings)) if field.name != "settings"
        ]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> DetectionInputs:
        """From values by the names of `names`."""
        own = {field.name for field in fields(DetectionSettings)}
        settings = DetectionSettings(**{name: value for name, value in values.items() if name in own})
        return cls(settings=settings, **{name: value for name, value in values.items() if name not in own})


def check_inputs(inputs: DetectionInputs, names: Mapping[str, str] | None = None) -> None:
    """Check documents, places and settings, each by itself and against each other.

    Nothing is read but the first image's name, what the model and the layer say of themselves, and the documents;
    nothing is written but a small object below each place in object storage that the run writes to, and removed again.

    Args:
        inputs: What the run is given.
        names: What the user calls the parameters, by their names here; those that are called the same may be left out.

    Raises:
        InputsError: If anything is wrong; it lists all faults.
    """
    faults = NamedFaults({name: name for name in DetectionInputs.names()} | dict(names or {}))
    with faults.of():
        check_numbers(inputs.redo, inputs.shard_megapixels, inputs.max_shards)
    with faults.of():
        check_footprints(inputs.settings)
    options = _check_options(faults, inputs.images_options)
    faults.attempt("bands", bands_of_text, inputs.settings.bands)
    faults.attempt("formats", formats_of_text, inputs.formats)
    faults.attempt("confirm", Confirmation.parse, inputs.confirm)
    faults.attempt("max_bad", check_max_bad, inputs.max_bad)
    kept = bands_kept(inputs.settings.bands, () if options is None else options.assets)
    _check_fit(faults, inputs.settings, kept, _look(faults, inputs, options))
    faults.raise_any()


def _check_options(faults: NamedFaults, source: str) -> DetectionImages | None:
    key = "images_options"
    options = faults.attempt(key, partial(load_options, DetectionImages), source, head=WHERE)
    if options is not None:
        faults.attempt(key, date_pattern, options.captured_pattern)
    return options


def _look(faults: NamedFaults, inputs: DetectionInputs, options: DetectionImages | None) -> ModelConfig | None:
    """Check all places; returns the model's description."""
    to_check = {place.key: place.uri for place in askable(faults, _places(faults, inputs, options))}
    for key, removes in (("output_uri", True), ("data_root", False)):
        if key in to_check:
            faults.attempt(key, partial(check_writable, removes=removes), to_check[key])
    if "images_options" in to_check:
        faults.attempt("images_options", check_area, to_check["images_options"])
    if "images_uri" in to_check:
        output = storage.absolute_uri(inputs.output_uri) if "output_uri" in to_check else ""
        with faults.of("images_uri"):
            _check_images(storage.absolute_uri(inputs.images_uri), output)
    if "model_uri" not in to_check:
        return None
    return faults.attempt("model_uri", partial(described_model, runtime=_runtime(inputs.settings)), inputs.model_uri)


def _runtime(settings: DetectionSettings) -> Runtime:
    """What is to run the network; where the inference config is broken, which is told elsewhere, the default."""
    with suppress(ConfigError):
        return settings.runtime
    return "torch"


def _places(faults: NamedFaults, inputs: DetectionInputs, options: DetectionImages | None) -> list[NamedPlace]:
    named = [NamedPlace(key, getattr(inputs, key)) for key in ("images_uri", "output_uri", "model_uri")]
    if options is not None and options.aoi_uri:
        with faults.of("images_options"):
            named.append(NamedPlace("images_options", VectorFile.parse(options.aoi_uri).uri))
    with faults.of("data_root"):
        named.append(NamedPlace("data_root", place_for_rasters(inputs.data_root)))
    return named


def _check_images(images: str, output: str) -> None:
    """See that there are images, and that the collection, where it is known, is of these."""
    if names_catalogue(images):
        Catalogue(images).first()
    elif next(find_images(images, output), None) is None:
        raise no_images(images)
    if output:
        collection = Collection(output)
        check_same_imagery(collection, read_shown(collection), images)


def _check_fit(faults: NamedFaults, settings: DetectionSettings, kept: str, model: ModelConfig | None) -> None:
    """Follow a project from the images to the buildings; where something is broken, what depends on it is left out."""
    key = "inference_config"
    source = settings.inference_config.strip() or tutorial.INFERENCE_CONFIG
    config = faults.attempt(key, inference.load_config, source, head=inference.WHERE)
    splitting = read_query_parameter(
        faults, "split_masks_query", settings.split_masks_query, tutorial.SPLIT_MASKS_QUERY
    )
    if model is not None:
        with faults.of("bands"):
            check_bands_kept(kept, model.bands, "the model")
    if config is not None:
        faults.attempt(key, check_needs_no_objects, config, head=inference.WHERE)
    if config is None or model is None:
        return
    with faults.of("inference_config", head=inference.WHERE):
        check_applies(config, model)
    predictions = predicted(faults, key, config, imported(), model.class_infos)
    if predictions is not None and splitting is not None and settings.class_title:
        check_split(faults, splitting, predictions, settings.class_title, ("class_title",), "publish_collection")
