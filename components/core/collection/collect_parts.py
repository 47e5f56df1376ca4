"""Which items make which planned scene, and what became of scenes that no items make."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from components.core.collection.plan import Plan, PlannedScene
from components.core.project import Project
from components.core.project.history import StageRun
from components.core.skip_budget import Skipped

_PART = re.compile(r"(?P<scene>.+)__r(?P<top>[0-9]{7,})")

UNKNOWN = "its shard reported neither a result nor an error; see the log of the shard's steps"


@dataclass(frozen=True, slots=True, order=True)
class ItemRows:
    """Where an item is, and which rows of its scene it shows.

    Attributes:
        top: First row in the scene.
        height: Number of rows.
        project: Index of the project.
        item: Index in the project.
    """

    top: int
    height: int
    project: int
    item: int


@dataclass(frozen=True, slots=True)
class CompleteScene:
    """A planned scene all of whose rows were done.

    Attributes:
        planned: What the plan says of it.
        places: Its items, from the top down.
    """

    planned: PlannedScene
    places: tuple[ItemRows, ...]


@dataclass(frozen=True, slots=True)
class SceneFailure:
    """A planned scene that was not done.

    Attributes:
        skipped: The image's key, relative to the imagery's prefix; which stage skipped it, and why.
        is_lasting: Whether the image is to blame, as far as can be known, and not passing trouble.
    """

    skipped: Skipped
    is_lasting: bool = True

    @property
    def key(self) -> str:
        """Of the image."""
        return self.skipped.name


@dataclass(frozen=True, slots=True)
class CollectedScenes:
    """The planned scenes by what became of them."""

    scenes: tuple[CompleteScene, ...]
    failures: tuple[SceneFailure, ...]


def collect_parts(
    plan: Plan, projects: Sequence[Project], history: Iterable[StageRun], finished: Container[str] = ()
) -> CollectedScenes:
    """Find the items of every planned scene that is to be finished.

    Args:
        plan: What was to be done.
        projects: What the shards gave; items are named by scene, or by scene and first row.
        history: Of all projects; says why images were skipped.
        finished: Ids of scenes that are finished, and so neither scenes nor failures.

    Returns:
        Scenes in the plan's order, and failures: the plan's own first.
    """
    found = _places_by_scene(projects)
    reasons = {scene_of(entry.name)[0]: (entry.reason, run.stage) for run in history for entry in run.skipped}
    scenes: list[CompleteScene] = []
    failures = [SceneFailure(Skipped(entry.name, entry.reason, "plan_imagery")) for entry in plan.skipped]
    for scene in plan.scenes:
        if scene.id in finished:
            continue
        places = tuple(sorted(found.get(scene.id, [])))
        if _cover(places, scene.size.height):
            scenes.append(CompleteScene(scene, places))
        else:
            failures.append(
                SceneFailure(Skipped(scene.key, *reasons[scene.id]))
                if scene.id in reasons
                else SceneFailure(Skipped(scene.key, UNKNOWN, "publish_collection"), is_lasting=False)
            )
    return CollectedScenes(tuple(scenes), tuple(failures))


def _places_by_scene(projects: Sequence[Project]) -> dict[str, list[ItemRows]]:
    found: dict[str, list[ItemRows]] = {}
    for number, project in enumerate(projects):
        for index, size in enumerate(project.item_sizes()):
            scene, top = scene_of(project.label(index))
            found.setdefault(scene, []).append(ItemRows(top, size.height, number, index))
    return found


def scene_of(label: str) -> tuple[str, int]:
    """Scene and first row of an item by its label or name."""
    name = label.rpartition("/")[2]
    part = _PART.fullmatch(name)
    return (name, 0) if part is None else (part["scene"], int(part["top"]))


def _cover(places: Sequence[ItemRows], height: int) -> bool:
    """Whether items show every row of a scene once."""
    bottom = 0
    for place in places:
        if place.top != bottom:
            return False
        bottom += place.height
    return bottom == height
