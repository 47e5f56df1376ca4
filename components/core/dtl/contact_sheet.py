"""A contact sheet: what a project holds, and a sample of its items with their objects laid over them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from components.core.dtl.project_survey import ProjectSurvey, survey_project
from components.core.errors import FootprintsError
from components.core.geometry import Window
from components.core.project import Item, Project, ProjectMeta
from components.core.reporting.encode import Pixels, data_uri
from components.core.reporting.page import Fact, Section, render
from components.core.reporting.text import thousands
from components.core.reporting.view import View, image_pixels, label_figures, tinted
from components.core.scene_errors import scene_errors

THUMBNAIL_PX = 380
"""Longer side: about twice what is seen, for sharp screens."""

LARGEST_READ_PX = 1024
"""Of a larger scene, the middle is shown: its buildings can be seen, and a picture reads megabytes, not the imagery."""

LISTED = 12

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An item made small.

    Attributes:
        name: Of the item.
        tags: Of the item.
        caption: Size and number of objects.
        pixels: (h, w, 3) uint8 RGB; None where they cannot be shown.
        problem: Why not.
    """

    name: str
    tags: tuple[str, ...]
    caption: str
    pixels: Pixels | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """One line of a list of counts.

    Attributes:
        name: What is counted.
        count: How many.
        share: Of the largest count in the list, 0–1.
        color: "#rrggbb" of a class; empty for the accent.
    """

    name: str
    count: int
    share: float
    color: str = ""


@dataclass(frozen=True, slots=True)
class CountList:
    """A list of counts, the largest first.

    Attributes:
        title: Heading.
        counts: The first of them.
        more: How many are left out.
    """

    title: str
    counts: tuple[Count, ...]
    more: int


def contact_sheet(project: Project, count: int = 24, seed: int = 0) -> Section:
    """Show a project: counts, and a sample of items chosen by name.

    An item whose pixels cannot be read is shown as such.

    Args:
        project: The project.
        count: How many items are shown, at most.
        seed: Other seeds choose other items.
    """
    found = survey_project(project, count, seed)
    thumbnails = [thumbnail(project.item(index), found.meta) for index in found.sample]
    objects = sum(found.objects.values())
    facts = (
        Fact("items", thousands(found.items)),
        Fact("objects", thousands(objects), f"{objects / found.items:.1f} an item" if found.items else ""),
        Fact("without objects", thousands(found.empty), "items"),
        Fact("imagery", f"{found.pixels / 1e6:,.1f}".replace(",", "\N{NARROW NO-BREAK SPACE}"), "megapixels"),
    )
    lead = f"Project {found.meta.name}. " + _lead(found)
    body = render(
        "contact_sheet.html.j2",
        __package__,
        lists=_lists(found),
        cells=[(entry, None if entry.pixels is None else data_uri(entry.pixels)) for entry in thumbnails],
    )
    return Section("Contact sheet", lead, facts, body)


def _lead(found: ProjectSurvey) -> str:
    if not found.items:
        return "It holds no items."
    shown = "All items" if len(found.sample) == found.items else f"{len(found.sample)} items, chosen by name,"
    return f"{shown} with their objects in the colours of their classes."


def thumbnail(item: Item, meta: ProjectMeta, largest_px: int = LARGEST_READ_PX) -> Thumbnail:
    """An item made small, with its objects laid over it.

    Args:
        item: The item.
        meta: Classes and their colours.
        largest_px: Of an item with a longer side, the middle is shown.
    """
    window = middle(item, largest_px)
    pixels, problem = _pixels(item, meta, window)
    return Thumbnail(item.name, item.tags, _caption(item, window), pixels, problem)


def _pixels(item: Item, meta: ProjectMeta, window: Window) -> tuple[Pixels | None, str]:
    """What is shown of an item, or why nothing is."""
    if item.image is None:
        return None, "The project holds no imagery of this item."
    view = View.fitting(window, THUMBNAIL_PX)
    try:
        with scene_errors(item.key):
            pixels = image_pixels(item.image, view)
            for known in meta.classes:
                figures = [entry.figure for entry in item.objects if entry.class_title == known.title]
                if figures:
                    pixels = tinted(pixels, label_figures(figures, view) > 0, known.color)
    except FootprintsError as error:
        log.warning("contact sheet: %s: %s", item.key, error)
        return None, "Its pixels cannot be read."
    return pixels, ""


def _caption(item: Item, window: Window) -> str:
    noun = "object" if len(item.objects) == 1 else "objects"
    part = "" if window.size == item.size else ", its middle"
    return f"{item.size} px{part} · {thousands(len(item.objects))} {noun}"


def middle(item: Item, largest_px: int) -> Window:
    """The whole item, or its middle where it is larger than `largest_px`."""
    height, width = min(item.size.height, largest_px), min(item.size.width, largest_px)
    return Window((item.size.height - height) // 2, (item.size.width - width) // 2, height, width)


def _lists(found: ProjectSurvey) -> list[CountList]:
    colors = {known.title: known.color for known in found.meta.classes}
    lists = [
        _count_list("Objects by class", found.objects, colors),
        _count_list("Items by tag", found.tags, {}),
        _count_list("Items by dataset", found.datasets, {}),
    ]
    return [entry for entry in lists if entry.counts]


def _count_list(title: str, counts: Mapping[str, int], colors: Mapping[str, str]) -> CountList:
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    most = max(counts.values(), default=0) or 1
    rows = tuple(Count(name, count, count / most, colors.get(name, "")) for name, count in ranked[:LISTED])
    return CountList(title, rows, max(0, len(ranked) - LISTED))
