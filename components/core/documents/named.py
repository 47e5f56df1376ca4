"""Queries and training configs that come with the project, by the names that stand for them wherever one is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core.documents.tutorial import (
    CROP_AUGMENT_QUERY,
    SPLIT_MASKS_QUERY,
    SPLIT_TAGGING_QUERY,
    TRAIN_CONFIG,
)
from components.core.errors import ConfigError

BASE = "base"
"""Key of a config that names the one it is merged over."""


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A query or config that a name stands for.

    Attributes:
        file: Its JSON.
        about: What it is for, in a sentence.
    """

    file: Path
    about: str

    def content(self) -> Any:
        """The parsed document, of the caller's own."""
        return json.loads(self.file.read_text(encoding="utf-8"))


READY_MADE: Mapping[str, NamedDocument] = {
    "split_tagging": NamedDocument(
        SPLIT_TAGGING_QUERY, "The tutorial's first query: tags INRIA's images by town, and for training or testing."
    ),
    "split_blocks": NamedDocument(
        SPLIT_TAGGING_QUERY.with_name("split_blocks.query.json"),
        "Tags georeferenced images, whatever their names, for training or testing by blocks of ground of 400 m, seven "
        "of ten for training; images nearer than 20 m to the other side, and so on neither, are tagged `gap`.",
    ),
    "crop_augment": NamedDocument(
        CROP_AUGMENT_QUERY,
        "The tutorial's second query: windows of 512 px and their mirror images, each of which goes to training or "
        "validation by itself, so that validation sees mirror images of what training has seen.",
    ),
    "crop_augment_by_source": NamedDocument(
        CROP_AUGMENT_QUERY.with_name("crop_augment_by_source.query.json"),
        "The same without that leak: all windows and mirror images of one image go to training, or all to validation.",
    ),
    "crop_augment_by_block": NamedDocument(
        CROP_AUGMENT_QUERY.with_name("crop_augment_by_block.query.json"),
        "The same without that leak, and with few images or one: of each image, blocks of 2048 px go to training, or "
        "all to validation, and windows nearer than 64 px to the other side to neither.",
    ),
    "split_masks": NamedDocument(SPLIT_MASKS_QUERY, "The tutorial's third query: splits masks into objects."),
    "split_masks_confident": NamedDocument(
        SPLIT_MASKS_QUERY.with_name("split_masks_confident.query.json"),
        "The same with the objects alone of which the network is sure: a mean confidence of 0.7 at least.",
    ),
    "split_masks_watershed": NamedDocument(
        SPLIT_MASKS_QUERY.with_name("split_masks_watershed.query.json"),
        "The same, where houses that stand together are parted at the pixels of which the network is less sure.",
    ),
}
"""Queries by name."""

TRAINING_CONFIGS: Mapping[str, NamedDocument] = {
    "tutorial": NamedDocument(TRAIN_CONFIG, "The tutorial's, which runs where none is given."),
    "robust": NamedDocument(
        TRAIN_CONFIG.with_name("train.robust.config.json"),
        "For a model to rely on: steadier over seeds, and more accurate for the same time.",
    ),
}
"""By name."""


def over_base(document: Any, where: str) -> Any:
    """A config merged over the one that its key `base` names; without that key, it is what it was.

    Args:
        document: The parsed config.
        where: What it is, for messages.

    Returns:
        The same without `base`, with all keys of the named one that it lacks, at every depth.

    Raises:
        ConfigError: If there is none of that name.
    """
    if not isinstance(document, dict) or BASE not in document:
        return document
    name = document[BASE]
    if not isinstance(name, str) or name not in TRAINING_CONFIGS:
        raise ConfigError(f"{where}: {BASE}: {name!r} is not known; use one of {', '.join(TRAINING_CONFIGS)}")
    own = {key: value for key, value in document.items() if key != BASE}
    return merged(TRAINING_CONFIGS[name].content(), own)


def merged(document: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A document with another one's values in place of its own, at every depth."""
    result = dict(document)
    for key, value in over.items():
        before = result.get(key)
        result[key] = merged(before, value) if isinstance(before, dict) and isinstance(value, Mapping) else value
    return result
