"""What the runs are given: tiny scenes, a tiny network and one epoch, so that pods' starts are most of the time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipelines.documents import RunDocuments, laptop_documents, tutorial_query

TRAINING_SCENES_PER_TOWN = 2
TRAINING_SEED = 3
"""With it there are scenes to train on, and two at least to test."""

SIZE_PX = 256
WINDOW_PX = 128
OVERLAP_PX = 32
NETWORK_PX = 64

SHARDS = 2
SCENES = 3
FIRST_SEED, SECOND_SEED = 7, 8
"""Of the scenes that detection finds, and of the one that takes the place of the first."""

SHARD_MEGAPIXELS = 0.1
"""Three scenes of 256 px have 0.197 megapixels: two shards."""


def small_documents() -> RunDocuments:
    """The laptop's queries and configs, smaller still."""
    documents = laptop_documents()
    window = {"width": WINDOW_PX, "height": WINDOW_PX}
    for layer in documents.crop_augment:
        if layer["action"] == "sliding_window":
            layer["settings"]["window"] = window
    documents.training.update(input_size={"width": NETWORK_PX, "height": NETWORK_PX}, epochs=1)
    documents.inference["mode"] |= {"window": window, "min_overlap": {"x": OVERLAP_PX, "y": OVERLAP_PX}}
    return replace(documents, split_masks=tutorial_query("split_masks"))  # one epoch may leave it sure of nothing


def training_arguments(place: str) -> dict[str, Any]:
    """Of `sample_training`; everything that it writes lies below the place, but for artifacts."""
    documents = small_documents()
    return {
        "sample_scenes_per_town": TRAINING_SCENES_PER_TOWN,
        "sample_size_px": SIZE_PX,
        "seed": TRAINING_SEED,
        "shards_max": SHARDS,
        "split_tagging_query": documents.split_tagging,
        "crop_augment_query": documents.crop_augment,
        "train_config": documents.training,
        "infer_config": documents.inference,
        "output_data_root": f"{place}/training",
        "output_footprints_uri": f"{place}/footprints",
        "promote_config": {"pointer_uri": f"{place}/models/current.json"},
    }


def detection_arguments(place: str, model_uri: str) -> dict[str, Any]:
    """Of `detection`, on the scenes that `preparing` put there."""
    return {
        "images_uri": f"{place}/imagery/images",
        "model_uri": model_uri,
        "output_uri": f"{place}/collection",
        "output_data_root": f"{place}/detection",
        "infer_config": small_documents().inference,
        "shards_megapixels": SHARD_MEGAPIXELS,
    }


def preparing_arguments(place: str, data_root: str) -> dict[str, Any]:
    """Of `preparing`."""
    return {
        "place_uri": place,
        "data_root": data_root,
        "scenes": SCENES,
        "size_px": SIZE_PX,
        "seed": FIRST_SEED,
    }
