"""Which predicted item belongs to which true one: the same pixels, whatever datasets and projects are called."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from components.core.errors import ConfigError, DataError
from components.core.project import Item, Project

MATCH_BY = ("image", "name")
"""How items are paired: by the pixels that they show, or by their own names."""


@dataclass(frozen=True, slots=True)
class ScenePair:
    """One image: where it stands in the two projects, its tags in both."""

    predicted: int
    truth: int
    label: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScenePairing:
    """The pairs in the predictions' order, and the labels of what has no partner."""

    pairs: tuple[ScenePair, ...]
    without_truth: tuple[str, ...]
    without_prediction: tuple[str, ...]


def pair_items(predictions: Project, truth: Project, image_tags: Collection[str], match_by: str) -> ScenePairing:
    """Pair the items of two projects.

    Args:
        predictions: The predictions.
        truth: The truth; may hold more images.
        image_tags: Items that carry one of these in either project are evaluated; empty for all.
        match_by: "image": the same raster and the same pixels of it; "name": the same item name.

    Raises:
        ConfigError: If `match_by` is unknown.
        DataError: If two items of one project show the same image.
    """
    if match_by not in MATCH_BY:
        raise ConfigError(f"match_by: {match_by!r} is not one of {', '.join(MATCH_BY)}")
    true_items = _by_identity(truth, match_by)
    pairs, without_truth, seen = [], [], set()
    for identity, (index, label, tags) in _by_identity(predictions, match_by).items():
        partner = true_items.get(identity)
        all_tags = tuple(dict.fromkeys((*(partner[2] if partner else ()), *tags)))
        if not _chosen(all_tags, image_tags):
            continue
        if partner is None:
            without_truth.append(label)
        else:
            seen.add(identity)
            pairs.append(ScenePair(index, partner[0], partner[1], all_tags))
    left = [label for key, (_, label, tags) in true_items.items() if key not in seen and _chosen(tags, image_tags)]
    return ScenePairing(tuple(pairs), tuple(without_truth), tuple(left))


def _chosen(tags: Iterable[str], wanted: Collection[str]) -> bool:
    return not wanted or any(tag in wanted for tag in tags)


def _by_identity(project: Project, match_by: str) -> dict[object, tuple[int, str, tuple[str, ...]]]:
    found: dict[object, tuple[int, str, tuple[str, ...]]] = {}
    for index, item in enumerate(project):
        identity = _identity(item, project, match_by)
        if identity in found:
            raise DataError(
                f"{project.place}: items {found[identity][1]!r} and {item.key!r} show the same image; an image is "
                "evaluated once, keep one of them"
            )
        found[identity] = (index, item.key, item.tags)
    return found


def _identity(item: Item, project: Project, match_by: str) -> object:
    if match_by == "name":
        return item.name
    if item.image is None:
        raise DataError(
            f"{project.place}: item {item.key!r} names no image to be matched by; add the image, or match by name "
            "(match_by: name)"
        )
    return item.image.uri, item.image.recipe
