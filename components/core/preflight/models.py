"""Models and weights that a run starts from or applies."""

from __future__ import annotations

from components.core import storage
from components.core.champion import resolve_model
from components.core.models import CONFIG_FILE, Runtime, check_holds_model
from components.core.network.description import ModelConfig, parse_config


def described_model(uri: str, runtime: Runtime = "torch") -> ModelConfig:
    """What a model's folder says of it, without reading the weights.

    Args:
        uri: The folder, or a pointer to it.
        runtime: What is to run the model.

    Raises:
        DataError: If it holds no model, or one that this code does not know.
        StorageError: If the place cannot be asked.
    """
    folder = resolve_model(uri).uri
    check_holds_model(folder, runtime)
    place = storage.join_uri(folder, CONFIG_FILE)
    return parse_config(storage.read_bytes(place), place)
