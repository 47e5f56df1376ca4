"""Remarks on masks: one remark for all masks that share it, with the names of some."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.core.listing import SHOWN, first_names

FULL_SHARE = 0.9
"""A mask with more building than that is probably another way round."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark on a mask.

    Attributes:
        text: Its text; `{values}` stands for the values of all masks that share the remark.
        values: Of this one.
        if_several: Whether it is worth a word only where these masks have more than one value together.
    """

    text: str
    values: tuple[float | str, ...] = ()
    if_several: bool = False


@dataclass(frozen=True, slots=True)
class MaskSummary:
    """What a scene's mask holds.

    Attributes:
        building: Pixels of buildings.
        unlabelled: Unlabelled pixels.
        pixels: All.
        remarks: What the user should know of it.
    """

    building: int
    unlabelled: int
    pixels: int
    remarks: tuple[Remark, ...]

    @property
    def share(self) -> float:
        """Of the labelled pixels, how many are building; 0 where none is labelled."""
        labelled = self.pixels - self.unlabelled
        return self.building / labelled if labelled else 0.0


def log_masks(masks: Mapping[str, MaskSummary]) -> None:
    """Say what is odd about masks.

    Args:
        masks: By the name of the scene.
    """
    _log_remarks((name, remark) for name, mask in masks.items() for remark in mask.remarks)
    full = [name for name, mask in masks.items() if mask.share > FULL_SHARE]
    if full:
        log.warning("%s: more than %.0f %% is building; is it inverted?", _some(full), 100 * FULL_SHARE)
    empty = [name for name, mask in masks.items() if not mask.building]
    if empty:
        log.info("%s: no building", _some(empty))
    gaps = [name for name, mask in masks.items() if mask.unlabelled]
    if gaps:
        share = sum(masks[name].unlabelled for name in gaps) / sum(masks[name].pixels for name in gaps)
        log.info("%s: %.1f %% is not labelled, and ignored by training and evaluation", _some(gaps), 100 * share)


def _log_remarks(remarks: Iterable[tuple[str, Remark]]) -> None:
    """Say each text once, with the names of the scenes that it is about."""
    names: dict[str, list[str]] = {}
    values: dict[str, set[float | str]] = {}
    idle: set[str] = set()
    for name, remark in remarks:
        names.setdefault(remark.text, []).append(name)
        values.setdefault(remark.text, set()).update(remark.values)
        if remark.if_several:
            idle.add(remark.text)
    for text, own in sorted(names.items()):
        if text not in idle or len(values[text]) > 1:
            log.warning("%s: %s", _some(own), text.replace("{values}", _listed(values[text])))


def _some(names: Sequence[str]) -> str:
    noun = "mask" if len(names) == 1 else f"{len(names)} masks"
    return f"{noun} {first_names(names)}"


def _listed(values: Iterable[float | str]) -> str:
    ordered = sorted(values, key=lambda value: (isinstance(value, str), value))
    texts = [value if isinstance(value, str) else f"{value:g}" for value in ordered]
    return ", ".join(texts) if len(texts) <= SHOWN else f"{', '.join(texts[: SHOWN - 1])} … {texts[-1]}"
