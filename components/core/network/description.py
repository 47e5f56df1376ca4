"""What a model folder says of its network: all that inference needs to know beside the weights; needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.core.errors import ConfigError, DataError
from components.core.figures import Shape
from components.core.geometry import Size
from components.core.imagery.bands import COLOURS, is_rgb, why_no_bands
from components.core.json_text import parse_json
from components.core.models import CONFIG_FILE
from components.core.network.architectures import DEFAULT_ARCHITECTURE, size_multiple, why_unknown
from components.core.network.encoders import RGB_BANDS, check_size
from components.core.project.meta import ClassInfo

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

FORMAT_VERSION: Final = 1


class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassEntry(_StrictModel):
    """One output channel."""

    title: str
    shape: Shape
    color: str


class SizeEntry(_StrictModel):
    """A size in pixels."""

    height: int
    width: int


class SpecialEntry(_StrictModel):
    """Titles with a meaning of their own."""

    background: str
    neutral: str


class Normalisation(_StrictModel):
    """What the network does to its input: value / 255, minus `mean`, over `std`; in the order of the bands."""

    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    @classmethod
    def of_bands(cls, bands: int) -> Normalisation:
        """Of so many bands: ImageNet's for red, green and blue; the mean of those for any other."""
        others = bands - RGB_BANDS
        return cls(
            mean=IMAGENET_MEAN + (sum(IMAGENET_MEAN) / RGB_BANDS,) * others,
            std=IMAGENET_STD + (sum(IMAGENET_STD) / RGB_BANDS,) * others,
        )


class ModelConfig(_StrictModel):
    """Content of a model's `config.json`: all that inference needs to know.

    Attributes:
        format_version: Version of this folder's layout.
        architecture: Name of an entry of `ARCHITECTURES`, or of a decoder of segmentation_models_pytorch.
        encoder: Name of an encoder that it has.
        classes: Output channels in order, the background first.
        special_classes: Titles of the background and neutral classes.
        input_size: Size that windows are resized to, in pixels.
        bands: Names of the input's bands in order; only written where they are not red, green and blue.
        normalisation: What the network does to its input.
        temperature: What the network's logits are divided by before they become probabilities.
        thresholds: By class, the probability from which on its pixels were found best in validation.
    """

    format_version: Literal[1] = FORMAT_VERSION
    architecture: str = DEFAULT_ARCHITECTURE
    encoder: str
    classes: tuple[ClassEntry, ...]
    special_classes: SpecialEntry
    input_size: SizeEntry
    bands: tuple[str, ...] = Field(COLOURS, exclude_if=is_rgb)
    normalisation: Normalisation = Normalisation()
    temperature: float = Field(1.0, gt=0)
    thresholds: dict[str, Annotated[float, Field(gt=0, lt=1)]] = {}

    @classmethod
    def of(
        cls,
        encoder: str,
        classes: tuple[ClassInfo, ...],
        background: str,
        neutral: str,
        input_size: Size,
        architecture: str = DEFAULT_ARCHITECTURE,
        bands: Sequence[str] = COLOURS,
    ) -> ModelConfig:
        """Describe a network in the terms of the project it learns from."""
        return cls(
            architecture=architecture,
            encoder=encoder,
            classes=tuple(ClassEntry(title=c.title, shape=c.shape, color=c.color) for c in classes),
            special_classes=SpecialEntry(background=background, neutral=neutral),
            input_size=SizeEntry(height=input_size.height, width=input_size.width),
            bands=tuple(bands),
            normalisation=Normalisation.of_bands(len(bands)),
        )

    @property
    def class_infos(self) -> tuple[ClassInfo, ...]:
        """The output channels as classes of a project."""
        return tuple(ClassInfo(entry.title, entry.shape, entry.color) for entry in self.classes)

    @property
    def size(self) -> Size:
        """Size that windows are resized to, in pixels."""
        return Size(self.input_size.height, self.input_size.width)


def read_config(folder: Path) -> ModelConfig:
    """Read and check a model folder's `config.json`.

    Raises:
        DataError: If it is missing, broken, or of a version, architecture or encoder that this code does not know.
    """
    path = folder / CONFIG_FILE
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"model: {path} cannot be read ({error.strerror}); give a folder that train_unet wrote"
        ) from error
    return parse_config(text, str(path))


def parse_config(text: str | bytes, path: str) -> ModelConfig:
    """Check the content of a model folder's `config.json`.

    Args:
        text: Its JSON.
        path: Where it lies, for messages.

    Raises:
        DataError: If it is broken, or of a version, architecture or encoder that this code does not know.
    """
    try:
        content = parse_json(text)
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


def _checked(config: ModelConfig, path: str) -> ModelConfig:
    unknown = why_unknown(config.architecture, config.encoder)
    if unknown:
        raise DataError(f"model: {path}: {unknown}")
    if len(config.classes) < 2 or config.classes[0].title != config.special_classes.background:
        raise DataError(f"model: {path}: classes must be the background, first, and at least one more")
    try:
        check_size(config.size, "input_size", size_multiple(config.architecture))
    except ConfigError as error:
        raise DataError(f"model: {path}: {error}; fetch the model again") from error
    wrong = why_no_bands(config.bands)
    if wrong:
        raise DataError(f"model: {path}: bands: {wrong}; fetch the model again")
    if config.normalisation != Normalisation.of_bands(len(config.bands)):
        raise DataError(
            f"model: {path}: normalisation {config.normalisation} is not what networks here do; train it again"
        )
    return config
