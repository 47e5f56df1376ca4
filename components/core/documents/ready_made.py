"""Queries that are ready to be used, by the names that stand for them wherever a query is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.core.documents.tutorial import CROP_AUGMENT_QUERY, SPLIT_MASKS_QUERY, SPLIT_TAGGING_QUERY


@dataclass(frozen=True, slots=True)
class ReadyMadeQuery:
    """A query that a name stands for.

    Attributes:
        file: Its JSON.
        about: What it does, in a sentence.
    """

    file: Path
    about: str


READY_MADE: Mapping[str, ReadyMadeQuery] = {
    "split_tagging": ReadyMadeQuery(
        SPLIT_TAGGING_QUERY, "The tutorial's first query: tags INRIA's images by town, and for training or testing."
    ),
    "crop_augment": ReadyMadeQuery(
        CROP_AUGMENT_QUERY,
        "The tutorial's second query: windows of 512 px and their mirror images, each of which goes to training or "
        "validation by itself, so that validation sees mirror images of what training has seen.",
    ),
    "crop_augment_by_source": ReadyMadeQuery(
        CROP_AUGMENT_QUERY.with_name("crop_augment_by_source.query.json"),
        "The same without that leak: all windows and mirror images of one image go to training, or all to validation.",
    ),
    "split_masks": ReadyMadeQuery(SPLIT_MASKS_QUERY, "The tutorial's third query: splits masks into objects."),
    "split_masks_confident": ReadyMadeQuery(
        SPLIT_MASKS_QUERY.with_name("split_masks_confident.query.json"),
        "The same with the objects alone of which the network is sure: a mean confidence of 0.7 at least.",
    ),
}
"""By name."""


def names_in_words() -> str:
    """The names, for a message."""
    return ", ".join(READY_MADE)
