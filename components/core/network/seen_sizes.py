"""At which sizes a network sees windows, by the scales of an inference config, and which networks see but one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from components.core.documents.inference_modes import WHERE
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.network import smp_names

MULTIPLE_PX = 32
"""Sides of a window at another scale are multiples of it, as every network here takes them."""


def scaled(size: Size, scale: float) -> Size:
    """The size of a network's input at a scale; that of the network itself stays as it is."""
    if scale == 1.0:
        return size
    height, width = (max(round(length * scale / MULTIPLE_PX), 1) * MULTIPLE_PX for length in (size.height, size.width))
    return Size(height, width)


def check_scales_by_name(scales: Sequence[float], architecture: str, encoder: str, size: Size) -> None:
    """See that a network takes windows at all scales, as far as its name tells.

    Args:
        scales: As in the inference config.
        architecture: Of the network.
        encoder: Of the network.
        size: Of the windows that it was trained with.

    Raises:
        ConfigError: If it is one that is known to take windows of one size alone.
    """
    if smp_names.takes_one_size(architecture, encoder):
        for scale, _ in _others(scales, size):
            raise _refused(scale, scales, size, f"{architecture!r} with the encoder {encoder!r} takes no other size")


def check_scales(scales: Sequence[float], size: Size, why_not: Callable[[Size], str]) -> None:
    """See that a network takes windows at all scales.

    Args:
        scales: As in the inference config.
        size: Of the windows that it was trained with.
        why_not: Says why it cannot take windows of a size; nothing where it can.

    Raises:
        ConfigError: If it cannot.
    """
    for scale, seen in _others(scales, size):
        reason = why_not(seen)
        if reason:
            raise _refused(scale, scales, size, reason)


def _others(scales: Sequence[float], size: Size) -> Iterator[tuple[float, Size]]:
    """Scales at which windows have another size than in training, with that size."""
    seen = ((scale, scaled(size, scale)) for scale in scales)
    return ((scale, other) for scale, other in seen if other != size)


def _refused(scale: float, scales: Sequence[float], size: Size, reason: str) -> ConfigError:
    return ConfigError(
        f"{WHERE}: mode.scales: {list(scales)}: at {scale:g} the network would see windows of {scaled(size, scale)} px "
        f"in place of {size} px, and {reason}; use [1.0], or a model of another encoder"
    )
