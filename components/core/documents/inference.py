"""The inference config: the tutorial's keys with their defaults, and a few of our own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from components.core.documents.inference_modes import (
    ALL_CLASSES,
    MODES,
    WHERE,
    InferenceSettings,
    Mode,
    RoiMode,
    SlidingWindowMode,
)
from components.core.errors import ConfigError
from components.core.faults import Faults
from components.core.models import Runtime
from components.core.settings import check_document, naming_file, read_document

Share = Annotated[float, Field(gt=0, lt=1)]

BEST_THRESHOLD = "best"
"""Instead of a number: what the model found best in validation."""

OTHER_THRESHOLD = 0.5
"""Of classes that a threshold by class does not name."""

__all__ = ["WHERE", "InferenceConfig", "load_config"]


class ModelClasses(InferenceSettings):
    """Which of the model's classes to keep, and what is appended to their titles."""

    save_classes: Literal["__all__"] | list[str] = ALL_CLASSES
    add_suffix: str = "_dl"


class ExistingObjects(InferenceSettings):
    """Which objects of the input to keep, by class, and what is appended to the titles."""

    save_classes: Literal["__all__"] | list[str] = Field(default=[])
    add_suffix: str = ""


class InferenceConfig(InferenceSettings):
    """How a network is applied; every key has a default."""

    mode: Mode = SlidingWindowMode()
    """What of an image goes through the network at once; its keys depend on its `source`."""

    gpu_devices: list[int] = Field(default=[0])
    """GPUs by index on a machine of your own; the first that exists computes, and the CPU where none does. A step on a
    cluster uses the GPU that `node_pools.yaml` places it on, whatever stands here."""

    model_classes: ModelClasses = ModelClasses()
    existing_objects: ExistingObjects = ExistingObjects()

    batch_size: int | None = Field(default=None, ge=1)
    """Windows that go through the network at once; null is 1 on a CPU, and on a GPU what a trial finds fastest, at most
    64. Regions of the other modes, which differ in size, go one by one. Where the memory does not suffice, smaller
    batches are used."""

    threshold: Literal["best"] | Share | dict[str, Share] | None = None
    """Probability above which a pixel may have a class of the model, in steps of 1/254: a number for all but the
    background, or one by class, those that are not named having 0.5. The most probable of these classes counts, and the
    background where there is none. `best` takes what the model found best in validation; null gives each pixel its most
    probable class, which 0.5 does for two classes. Pixels below 0.5 have a confidence below it, too, as
    `min_confidence` sees it."""

    probabilities: bool = True
    """Whether to keep the probability of each class but the background as an 8-bit raster, from which thresholds can be
    changed, and footprints made again, without the network."""

    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format inside the network; auto is bfloat16 where the processor computes in it (a GPU, or a CPU with
    AVX512-BF16 or AMX), else float16 on a GPU and float32 on a CPU."""

    runtime: Runtime = "torch"
    """What runs the network: torch, from the model's `model.safetensors`; or onnx, which is onnxruntime on the CPU, in
    float32, from its `model.onnx`."""

    @field_validator("gpu_devices")
    @classmethod
    def _indices(cls, devices: list[int]) -> list[int]:
        if any(device < 0 for device in devices):
            raise ValueError("device indices must be 0 or more; an empty list infers on the CPU")
        return devices


def load_config(source: str | Path | dict[str, Any] | InferenceConfig) -> InferenceConfig:
    """Merge a user's inference config over the defaults and check it.

    Args:
        source: JSON text, the path of a JSON file, the parsed document, or a config, which is passed through.

    Returns:
        The whole config.

    Raises:
        ConfigError: If it cannot be read, a key is unknown or a value breaks its rule; with the path to the place.
    """
    if isinstance(source, InferenceConfig):
        return source
    with naming_file(source):
        document = source if isinstance(source, dict) else read_document(source, WHERE)
        faults, mode = Faults(), None
        if isinstance(document, Mapping) and "mode" in document:
            with faults.caught():
                mode = _mode(document["mode"])
            document = {key: value for key, value in document.items() if key != "mode"}
        with faults.caught():
            config = check_document(InferenceConfig, document, WHERE)
            _check_runtime(config)
        faults.raise_any()
        whole = config if mode is None else config.model_copy(update={"mode": mode})
        _check_views(whole)
        return whole


def _check_runtime(config: InferenceConfig) -> None:
    if config.runtime == "onnx" and config.precision not in ("auto", "float32"):
        raise ConfigError(
            f"{WHERE}: precision: {config.precision!r} is for torch, and runtime is 'onnx', which computes in float32; "
            "use 'auto' or 'float32', or the runtime 'torch'"
        )


def _check_views(config: InferenceConfig) -> None:
    """See that windows can be seen at other sizes and turned, where that is asked for."""
    faults, mode = Faults(), config.mode
    if config.runtime == "onnx" and mode.scales != [1.0]:
        faults.add(
            f"{WHERE}: mode.scales: {mode.scales} need a network that takes windows of any size, and model.onnx takes "
            "one; use [1.0], or the runtime 'torch'"
        )
    if mode.flips == "eight" and isinstance(mode, SlidingWindowMode) and mode.window.width != mode.window.height:
        faults.add(
            f"{WHERE}: mode.flips: 'eight' turns windows by quarters, and one of {mode.window.size} px does not fit "
            "itself then; use a window of one height and width, or 'both'"
        )
    faults.raise_any()


def _mode(document: Any) -> Mode:
    """Check the mode by itself, so that what is wrong with it is said of the mode that it names."""
    source = document.get("source", next(iter(MODES))) if isinstance(document, Mapping) else next(iter(MODES))
    kind = MODES.get(source) if isinstance(source, str) else None
    if kind is None:
        raise ConfigError(f"{WHERE}: mode.source: {source!r}: is not a mode; use {' or '.join(map(repr, MODES))}")
    mode = check_document(kind, document, WHERE, below="mode")
    faults = Faults()
    if isinstance(mode, SlidingWindowMode):
        for check in (_check_stride, _check_border):
            with faults.caught():
                check(mode)
    if isinstance(mode, RoiMode):
        with faults.caught():
            _check_bounds(mode)
    faults.raise_any()
    return mode


def _check_stride(mode: SlidingWindowMode) -> None:
    window, overlap, faults = mode.window, mode.min_overlap, Faults()
    for axis, lap, side, length in (("x", overlap.x, "width", window.width), ("y", overlap.y, "height", window.height)):
        if lap >= length:
            faults.add(
                f"{WHERE}: mode.min_overlap.{axis}: {lap} leaves no stride for a window {side} of {length}; "
                f"use at most {length - 1}"
            )
    faults.raise_any()


def _check_border(mode: SlidingWindowMode) -> None:
    border, most = mode.blend.discard_border, min(mode.min_overlap.x, mode.min_overlap.y) // 2
    if border > most:
        raise ConfigError(
            f"{WHERE}: mode.blend.discard_border: {border} leaves gaps between windows that overlap by "
            f"{2 * most} px; use at most {most}, or a larger min_overlap"
        )


def _check_bounds(mode: RoiMode) -> None:
    """Refuse shares that leave nothing of any image."""
    faults = Faults()
    for one, other in (("left", "right"), ("top", "bottom")):
        lengths = [getattr(mode.bounds, side) for side in (one, other)]
        if sum(float(length[:-1]) for length in lengths if length.endswith("%")) >= 100:
            faults.add(
                f"{WHERE}: mode.bounds: {one} {lengths[0]} and {other} {lengths[1]} leave nothing of any image; "
                "use shares that add up to less than 100%"
            )
    faults.raise_any()
