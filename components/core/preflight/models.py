"""Models and weights that a run starts from or applies."""

from __future__ import annotations

from components.core import storage
from components.core.champion import resolve_model
from components.core.documents.inference import InferenceConfig
from components.core.documents.predicted import check_knows_thresholds
from components.core.faults import Faults
from components.core.models import CONFIG_FILE, Runtime, check_holds_model
from components.core.network.description import ModelConfig, parse_config
from components.core.network.seen_sizes import check_scales_by_name


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


def check_applies(config: InferenceConfig, model: ModelConfig, who: str = "the model") -> None:
    """See that a model can be applied as an inference config says, but for its classes.

    Args:
        config: The inference config.
        model: What the model says of itself.
        who: The model, for messages.

    Raises:
        ConfigError: If thresholds of its own are asked for and it has none, or scales and it takes windows of one size.
    """
    faults = Faults()
    with faults.caught():
        check_knows_thresholds(config, model, who)
    with faults.caught():
        check_scales_by_name(config.mode.scales, model.architecture, model.encoder, model.size)
    faults.raise_any()
