"""Which scenes are shown beside their truth and predictions, found in the projects of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from components.core.figures import Figure
from components.core.hashing import hash_integer
from components.core.imagery import Recipe
from components.core.project import ImageRef, Item, Project


@dataclass(frozen=True, slots=True)
class ComparedScene:
    """A scene with what is known and what was predicted.

    Attributes:
        name: Of the item.
        town: The tag that it was chosen for; empty where there are none.
        image: Its pixels.
        truth: Annotated figures.
        predicted: Predicted figures before splitting.
        split: Predicted figures after splitting, one an object; None where nothing was split.
    """

    name: str
    town: str
    image: ImageRef
    truth: tuple[Figure, ...]
    predicted: tuple[Figure, ...]
    split: tuple[Figure, ...] | None = None


_Pixels = tuple[str, Recipe]


def compared_scenes(
    truth: Project,
    predicted: Project,
    split: Project | None,
    true_classes: Collection[str],
    predicted_classes: Collection[str],
    towns: Sequence[str] = (),
    per_town: int = 1,
    seed: int = 0,
) -> list[ComparedScene]:
    """Choose scenes of every town, and pair them across projects by the pixels that they show.

    Args:
        truth: Annotated items.
        predicted: Items with predictions.
        split: The same with a figure an object; None where nothing was split.
        true_classes: Classes of the truth.
        predicted_classes: Classes of the predictions, in both projects.
        towns: Image tags, one a town; without any, all items are one town.
        per_town: How many scenes of each.
        seed: Other seeds choose other scenes; the choice depends on their names, not on their order.

    Returns:
        Scenes by town, in the order of `towns`; a town without a prediction is left out.
    """
    chosen: dict[str, list[Item]] = {}
    for town in towns or ("",):
        fitting = (item for item in predicted if item.image and (not town or town in item.tags))
        chosen[town] = sorted(fitting, key=lambda item: hash_integer(seed, "panels", item.key))[:per_town]
    wanted = {_pixels(item) for items in chosen.values() for item in items}
    true_items, split_items = _by_pixels(truth, wanted), _by_pixels(split or (), wanted)
    return [
        ComparedScene(
            name=item.name,
            town=town,
            image=item.image,
            truth=_figures(true_items.get(_pixels(item)), true_classes),
            predicted=_figures(item, predicted_classes),
            split=None if split is None else _figures(split_items.get(_pixels(item)), predicted_classes),
        )
        for town, items in chosen.items()
        for item in items
        if item.image is not None
    ]


def _pixels(item: Item) -> _Pixels | None:
    return None if item.image is None else (item.image.uri, item.image.recipe)


def _by_pixels(items: Iterable[Item], wanted: Collection[_Pixels | None]) -> dict[_Pixels | None, Item]:
    return {_pixels(item): item for item in items if item.image is not None and _pixels(item) in wanted}


def _figures(item: Item | None, classes: Collection[str]) -> tuple[Figure, ...]:
    return tuple(entry.figure for entry in item.objects if entry.class_title in classes) if item else ()
