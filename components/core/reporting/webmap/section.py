"""A map as the section of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup

from components.core.reporting.encode import data_uri
from components.core.reporting.page import Section, render
from components.core.reporting.text import counted_noun, thousands
from components.core.reporting.webmap.content import MapContent, MapScene, extent_of
from components.core.reporting.webmap.encoding import STEPS_PER_PIXEL, encode_map, script_json
from components.core.reporting.webmap.leaflet import leaflet_script, leaflet_style
from components.core.reporting.webmap.pictures import picture_uris
from components.core.reporting.webmap.planes import Box, PlaneKind
from components.core.reporting.webmap.still import still_picture

PICTURE_BYTES = 6_000_000
BUILDING_BYTES = 4_500_000
"""What imagery, and outlines with their rows, take of a page at most, as text, over all its maps. With Leaflet and a
still picture, maps add less than 12 MB to a page."""

MOST_BUILDINGS = 20_000
"""Drawn in a page."""

MOST_SCENES = 48
"""Shown in a page."""

ROOM_SHARE = 0.35
"""Scenes that are no farther from each other than this share of the larger one's side are one place."""

LEAD = "Pan and zoom; click a building, or go through them by the arrows, and its row is shown. "


@dataclass(frozen=True, slots=True)
class _Place:
    """Scenes near each other: their box, and how many buildings are there."""

    box: Box
    scenes: tuple[MapScene, ...]

    @property
    def name(self) -> str:
        first, *others = (scene.name for scene in self.scenes)
        return first if not others else f"{first} and {counted_noun(len(others), 'scene')} beside it"


def map_section(title: str, lead: str, maps: Sequence[MapContent]) -> Section | None:
    """Make the section of a page.

    Args:
        title: Its heading.
        lead: What is seen, in a sentence or two.
        maps: One a plane; those without a scene to show are left out.

    Returns:
        The section; None where no map shows anything.
    """
    shown = [content for content in maps if any(extent_of(scene) is not None for scene in content.scenes)]
    if not shown:
        return None
    bodies = [_body(content, f"map-{number}", len(shown)) for number, content in enumerate(shown, start=1)]
    return Section(
        title=title,
        lead=LEAD + lead,
        facts=(),
        body=Markup().join(bodies),
        styles=(leaflet_style(), str(render("map.css.j2", __package__))),
        scripts=(leaflet_script(), _script()),
    )


def _body(content: MapContent, name: str, maps: int) -> Markup:
    encoded = encode_map(content, BUILDING_BYTES // maps)
    drawn = encoded.content
    places = _places(drawn)
    first = max(range(len(places)), key=lambda index: (sum(scene.total for scene in places[index].scenes), -index))
    whole = Box.around([place.box for place in places])
    is_one = len(places) == 1
    entries = [] if is_one else [("everything", whole)]
    entries += [(place.name, place.box) for place in places]
    inner = [scene for scene in drawn.scenes if extent_of(scene) is not None]
    if len(inner) > len(places):
        entries += [(scene.name, box) for scene in inner if (box := extent_of(scene)) is not None]
    data: dict[str, Any] = {
        "title": content.title,
        "steps": STEPS_PER_PIXEL,
        "extent": _bounds(whole),
        "start": _bounds(places[first].box),
        "places": [{"name": name, "bounds": _bounds(box)} for name, box in entries],
        "first": first if is_one else first + 1,
        "pictures": _pictures(drawn, PICTURE_BYTES // maps),
    }
    text = script_json(data)[:-1] + Markup(",") + encoded.text[1:]
    return render(
        "map.html.j2",
        __package__,
        id=name,
        title=content.title if maps > 1 else "",
        kinds=_legend(drawn),
        has_imagery=bool(data["pictures"]),
        notes=[*content.notes, *_sampled(drawn)],
        still=data_uri(still_picture(drawn, places[first].box)),
        still_of=places[first].name,
        still_alt=f"{places[first].name} with the outlines of its buildings",
        data=text,
    )


def _pictures(content: MapContent, most_bytes: int) -> list[dict[str, Any]]:
    texts = picture_uris([scene.picture for scene in content.scenes], most_bytes)
    return [
        {"uri": text, "bounds": _bounds(scene.picture.box)}
        for scene, text in zip(content.scenes, texts, strict=True)
        if scene.picture is not None and text
    ]


def _legend(content: MapContent) -> list[tuple[Any, int, int]]:
    """Kinds that there are, with how many are drawn of how many."""
    entries = [entry for scene in content.scenes for entry in scene.buildings]
    found = []
    for kind in content.kinds:
        own = [entry for entry in entries if entry.kind == kind.key]
        total = sum(entry.total for entry in own)
        if total:
            found.append((kind, sum(len(entry.shapes) for entry in own), total))
    return found


def _sampled(content: MapContent) -> list[str]:
    counted = content.counted()
    drawn, total = sum(len(entry.shapes) for entry in counted), sum(entry.total for entry in counted)
    if drawn == total:
        return []
    share = f"{thousands(drawn)} of {thousands(total)} buildings are drawn"
    return [
        f"{share}: a sample that is even over scenes, kinds and places, in which kinds with few buildings are whole."
    ]


def _places(content: MapContent) -> list[_Place]:
    """Scenes in groups of neighbours, in the order of each group's first scene."""
    on_ground = content.plane is PlaneKind.GROUND
    groups: list[_Place] = []
    for scene in content.scenes:
        box = extent_of(scene)
        if box is None:
            continue
        near = [group for group in groups if on_ground and _is_near(group, box)]
        left = [group for group in groups if group not in near]
        joined = _Place(
            Box.around([*(group.box for group in near), box]),
            (*(other for group in near for other in group.scenes), scene),
        )
        groups = [*left, joined]
    order = {id(scene): number for number, scene in enumerate(content.scenes)}
    return sorted(groups, key=lambda group: min(order[id(scene)] for scene in group.scenes))


def _is_near(group: _Place, box: Box) -> bool:
    side = max(box.width, box.height)
    boxes = [found for scene in group.scenes if (found := extent_of(scene)) is not None]
    return any(box.meets(other, ROOM_SHARE * max(side, other.width, other.height)) for other in boxes)


def _bounds(box: Box) -> list[float]:
    return [round(value, 3) for value in (box.west, box.south, box.east, box.north)]


@cache
def _script() -> str:
    return resources.files(__package__).joinpath("templates", "map.js").read_text(encoding="utf-8")
