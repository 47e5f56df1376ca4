"""A trained model as a folder: weights, all that inference needs to know, metrics and where the data came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.torch import save_file

from components.core.errors import DataError
from components.core.figures import Shape
from components.core.geometry import Size
from components.core.models import CONFIG_FILE, WEIGHTS_FILE
from components.core.network.encoders import ENCODERS
from components.core.network.unetv2 import IMAGENET_MEAN, IMAGENET_STD, UNetV2
from components.core.network.weights import check_finite, load_checked, read_state
from components.core.project.meta import ClassInfo
from components.core.staging import staged_directory

FORMAT_VERSION: Final = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassEntry(_Strict):
    """One output channel."""

    title: str
    shape: Shape
    color: str


class SizeEntry(_Strict):
    """A size in pixels."""

    height: int
    width: int


class SpecialEntry(_Strict):
    """Titles with a meaning of their own."""

    background: str
    neutral: str


class Normalisation(_Strict):
    """What the network does to its input: value / 255, minus `mean`, over `std`; RGB order."""

    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


class ModelConfig(_Strict):
    """Content of a model's `config.json`: all that inference needs to know.

    Attributes:
        format_version: Version of this folder's layout.
        architecture: Always UNetV2.
        encoder: Name of an entry of `ENCODERS`.
        classes: Output channels in order, the background first.
        special_classes: Titles of the background and neutral classes.
        input_size: Size that windows are resized to, in pixels.
        normalisation: What the network does to its input.
    """

    format_version: Literal[1] = FORMAT_VERSION
    architecture: Literal["UNetV2"] = "UNetV2"
    encoder: str
    classes: tuple[ClassEntry, ...]
    special_classes: SpecialEntry
    input_size: SizeEntry
    normalisation: Normalisation = Normalisation()

    @classmethod
    def of(
        cls, encoder: str, classes: tuple[ClassInfo, ...], background: str, neutral: str, input_size: Size
    ) -> ModelConfig:
        """Describe a network in the terms of the project it learns from."""
        return cls(
            encoder=encoder,
            classes=tuple(ClassEntry(title=c.title, shape=c.shape, color=c.color) for c in classes),
            special_classes=SpecialEntry(background=background, neutral=neutral),
            input_size=SizeEntry(height=input_size.height, width=input_size.width),
        )

    @property
    def class_infos(self) -> tuple[ClassInfo, ...]:
        """The output channels as classes of a project."""
        return tuple(ClassInfo(entry.title, entry.shape, entry.color) for entry in self.classes)

    @property
    def size(self) -> Size:
        """Size that windows are resized to, in pixels."""
        return Size(self.input_size.height, self.input_size.width)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model read from its folder.

    Attributes:
        network: On the CPU, float32, in evaluation mode.
        config: What the folder says of it.
    """

    network: UNetV2
    config: ModelConfig


def check_model_place(folder: Path) -> None:
    """See, before a long training, that a model may be written to a folder.

    Raises:
        DataError: If something stands there that is neither empty nor an older model.
    """
    if folder.exists() and not (folder / CONFIG_FILE).exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"model folder: {folder} holds something that is no model; give a new or empty folder")


def save_model(folder: Path, network: UNetV2, config: ModelConfig, documents: Mapping[str, Any]) -> None:
    """Write a model folder; it appears only when whole and replaces an older model there.

    Args:
        folder: Where to.
        network: The trained network, on any device.
        config: Its description.
        documents: Further JSON files by name, such as `metrics.json`.

    Raises:
        DataError: If a weight is not finite, or `folder` holds something that is no model.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    check_finite(state, "the trained network")
    check_model_place(folder)
    with staged_directory(folder) as fresh:
        save_file(state, fresh / WEIGHTS_FILE)
        (fresh / WEIGHTS_FILE).chmod(0o644)  # safetensors writes for the owner alone; a later step may be another user
        _write_json(fresh / CONFIG_FILE, config.model_dump(mode="json"))
        for name, document in documents.items():
            _write_json(fresh / name, document)


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
    network = UNetV2(len(config.classes), config.encoder)
    load_checked(network, read_state(folder / WEIGHTS_FILE), str(folder / WEIGHTS_FILE))
    return LoadedModel(network.eval(), config)


def read_config(folder: Path) -> ModelConfig:
    """Read and check a model folder's `config.json`.

    Raises:
        DataError: If it is missing, broken, or of a version or encoder that this code does not know.
    """
    path = folder / CONFIG_FILE
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise DataError(
            f"model: {path} cannot be read ({error.strerror}); give a folder that train_unet wrote"
        ) from error
    except ValueError as error:
        raise DataError(f"model: {path} is not JSON ({error}); fetch the model again") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise DataError(
            f"model: {path}: format_version is {version!r}, this code reads {FORMAT_VERSION}; "
            "train the model again or use the release that wrote it"
        )
    try:
        config = ModelConfig.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise DataError(f"model: {path}: {problems}; fetch the model again") from error
    return _checked(config, path)


def _checked(config: ModelConfig, path: Path) -> ModelConfig:
    if config.encoder not in ENCODERS:
        raise DataError(f"model: {path}: encoder {config.encoder!r} is none of {', '.join(ENCODERS)}")
    if len(config.classes) < 2 or config.classes[0].title != config.special_classes.background:
        raise DataError(f"model: {path}: classes must be the background, first, and at least one more")
    if config.normalisation != Normalisation():
        raise DataError(f"model: {path}: normalisation {config.normalisation} is not what UNetV2 does; train it again")
    return config


def _write_json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
