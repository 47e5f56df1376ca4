"""A trained model as a folder: weights, all that inference needs to know, metrics and where the data came from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file

from components.core.errors import ConfigError, DataError
from components.core.models import CONFIG_FILE, WEIGHTS_FILE
from components.core.network.architectures import architecture_spec
from components.core.network.description import ModelConfig, read_config
from components.core.network.segmentation import SegmentationNetwork
from components.core.network.weights import check_finite, load_checked, read_state
from components.core.storage import exists, join_uri, list_objects, name_of, not_written, parse_uri
from components.core.storage.atomic_directory import staged_directory
from components.core.storage.probing import PROBE


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model read from its folder.

    Attributes:
        network: On the CPU, float32, in evaluation mode.
        config: What the folder says of it.
    """

    network: SegmentationNetwork
    config: ModelConfig


def check_model_place(place: Path | str) -> None:
    """See, before a long training, that a model may be written to a folder or prefix.

    Raises:
        DataError: If something stands there that is neither empty nor an older model.
        StorageError: If the place cannot be asked.
    """
    if _holds_something(place) and not exists(join_uri(place, CONFIG_FILE)):
        raise DataError(f"model folder: {place} holds something that is not a model; give a new or empty folder")


def _holds_something(place: Path | str) -> bool:
    uri = parse_uri(place)
    if uri.is_remote:
        return any(name_of(found.uri) != PROBE for found in list_objects(place))
    return uri.path.exists() and (not uri.path.is_dir() or any(uri.path.iterdir()))


def save_model(
    folder: Path,
    network: SegmentationNetwork,
    config: ModelConfig,
    documents: Mapping[str, Any],
    write_more: Callable[[Path], None] | None = None,
) -> None:
    """Write a model folder; it appears only when whole and replaces an older model there.

    Args:
        folder: Where to.
        network: The trained network, on any device.
        config: Its description.
        documents: Further JSON files by name, such as `metrics.json`.
        write_more: Writes further files into the folder before it appears.

    Raises:
        DataError: If a weight is not finite, or `folder` holds something that is not a model.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    check_finite(state, "the trained network")
    check_model_place(folder)
    with staged_directory(folder) as fresh:
        try:
            save_file(state, fresh / WEIGHTS_FILE)
        except SafetensorError as error:
            raise not_written(folder / WEIGHTS_FILE, folder.parent, error) from error
        (fresh / WEIGHTS_FILE).chmod(0o644)  # safetensors writes for the owner alone; a later step may be another user
        _write_json(fresh / CONFIG_FILE, config.model_dump(mode="json"))
        for name, document in documents.items():
            _write_json(fresh / name, document)
        if write_more is not None:
            write_more(fresh)


def load_model(folder: Path) -> LoadedModel:
    """Read a model folder.

    Args:
        folder: As `save_model` wrote it.

    Returns:
        The network, ready for inference, and its description.

    Raises:
        DataError: If a file is missing or broken, of another version, or weights do not fit or are not finite.
    """
    config = read_config(folder)
    network = _built(config, str(folder / CONFIG_FILE))
    load_checked(network, read_state(folder / WEIGHTS_FILE), str(folder / WEIGHTS_FILE))
    return LoadedModel(network.eval(), config)


def _built(config: ModelConfig, path: str) -> SegmentationNetwork:
    """Its weights are random; nothing is fetched."""
    try:
        return architecture_spec(config.architecture).build(len(config.classes), config.encoder, len(config.bands))
    except ConfigError as error:
        raise DataError(f"model: {path}: {error}; use the release that wrote it") from error


def _write_json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
