"""Training configs that come with the project, by the names that stand for them wherever a config is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core.documents.tutorial import TRAIN_CONFIG
from components.core.errors import ConfigError

BASE = "base"
"""Key of a config that names the one it is merged over."""


@dataclass(frozen=True, slots=True)
class NamedConfig:
    """A training config that a name stands for.

    Attributes:
        file: Its JSON.
        about: What it is for, in a sentence.
    """

    file: Path
    about: str

    def document(self) -> dict[str, Any]:
        """Its content."""
        content: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return content


TRAINING_CONFIGS: Mapping[str, NamedConfig] = {
    "tutorial": NamedConfig(TRAIN_CONFIG, "The tutorial's, which runs where none is given."),
    "robust": NamedConfig(
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
    return merged(TRAINING_CONFIGS[name].document(), own)


def merged(document: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A document with another one's values in place of its own, at every depth."""
    result = dict(document)
    for key, value in over.items():
        before = result.get(key)
        result[key] = merged(before, value) if isinstance(before, dict) and isinstance(value, Mapping) else value
    return result
