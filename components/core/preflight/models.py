"""Models and weights that a run starts from or applies."""

from __future__ import annotations

from components.core import storage
from components.core.models import CONFIG_FILE, Runtime, check_holds_model
from components.core.network.description import ModelConfig, parse_config


def described_model(uri: str, runtime: Runtime = "torch") -> ModelConfig:
    """What a model's folder says of it, without reading the weights.

    Args:
        uri: The folder or prefix.
        runtime: What is to run the model.

    Raises:
        DataError: If it holds no model, or one that this code does not know.
        StorageError: If the place cannot be asked.
    """
    check_holds_model(uri, runtime)
    place = storage.join_uri(uri, CONFIG_FILE)
    return parse_config(storage.read_bytes(place), place)
