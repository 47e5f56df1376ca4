"""What a project holds: counts over all items, and a few of them to look at."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from components.core.hashing import hash_integer
from components.core.project import Project, ProjectMeta


@dataclass(frozen=True, slots=True)
class ProjectSurvey:
    """Counts over a project, and a sample of its items.

    Attributes:
        meta: Name, classes and tags.
        items: Number of items.
        datasets: Items by dataset.
        tags: Items by image tag.
        objects: Objects by class title.
        pixels: Sum of the items' sizes, in pixels.
        empty: Items without an object.
        sample: Indices of some items, ordered by dataset and name.
    """

    meta: ProjectMeta
    items: int
    datasets: Mapping[str, int]
    tags: Mapping[str, int]
    objects: Mapping[str, int]
    pixels: int
    empty: int
    sample: tuple[int, ...]


def survey_project(project: Project, count: int = 24, seed: int = 0) -> ProjectSurvey:
    """Go through a project once; no pixel is read, and no item is kept, for one may have thousands of objects.

    Args:
        project: The project.
        count: How many items the sample has, at most.
        seed: Other seeds choose other items; the choice depends on their names, not on their order.
    """
    datasets, tags, objects = Counter[str](), Counter[str](), Counter[str]()
    tags.update(dict.fromkeys(project.meta.tags_images, 0))
    objects.update(dict.fromkeys(project.meta.titles, 0))
    items = pixels = empty = 0
    chosen: list[tuple[int, int, tuple[str, str]]] = []
    for item in project:
        items += 1
        pixels += item.size.area
        empty += not item.objects
        datasets[item.dataset] += 1
        tags.update(set(item.tags))
        objects.update(entry.class_title for entry in item.objects)
        ranked = (-hash_integer(seed, "contact sheet", item.key), -items, (item.dataset, item.name))
        if len(chosen) < count:
            heapq.heappush(chosen, ranked)
        elif count:
            heapq.heappushpop(chosen, ranked)
    sample = tuple(-number - 1 for _, number, _ in sorted(chosen, key=lambda entry: entry[2]))
    return ProjectSurvey(project.meta, items, datasets, tags, objects, pixels, empty, sample)
