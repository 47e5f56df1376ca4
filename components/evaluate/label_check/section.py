"""Where labels seem wrong, as a section of the page: figures, scenes that are shifted, and pictures of the surest."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from components.core.errors import FootprintsError
from components.core.figures import Polygon, vertices
from components.core.geometry import Window
from components.core.project import Project
from components.core.reporting import palette
from components.core.reporting.encode import Pixels, data_uri
from components.core.reporting.page import Fact, Section, render
from components.core.reporting.tables import Column, table
from components.core.reporting.text import counted_noun, thousands
from components.core.reporting.view import View, image_pixels, label_figures, tinted
from components.core.scene_errors import scene_errors
from components.evaluate.label_check.check import FILE, LabelCheck, ShiftedScene
from components.evaluate.label_check.doubts import DoubtKind
from components.evaluate.label_check.suggestions import Suggestion

MOST_PICTURES = 6
"""Of a kind."""

AROUND_PX = 40
"""What is shown around a place."""

PICTURE_PX = 360

SMALLEST_PX = 180
"""A smaller picture is enlarged."""

TITLES = {
    DoubtKind.MISSING: "Buildings without a label",
    DoubtKind.UNSUPPORTED: "Labels without a building",
    DoubtKind.SHIFTED: "Labels that stand beside their building",
}

LEGEND = (("labels", palette.TRUTH), ("what is suggested, or the label that nothing bears out", palette.PREDICTION))

log = logging.getLogger(__name__)


def label_section(check: LabelCheck, truth: Project, truth_class: str) -> Section:
    """Show what seems wrong.

    Args:
        check: What was found.
        truth: Project with the labels.
        truth_class: Their class.
    """
    body = _shifted(check.shifted) + Markup().join(_of_kind(kind, check, truth, truth_class) for kind in DoubtKind)
    if not body:
        body = render("empty.html.j2", text="Nothing seems wrong.")
    return Section("Labels to look at", _lead(check), _facts(check), body)


def _lead(check: LabelCheck) -> str:
    lead = (
        "Where the network is sure and the labels say something else, the surest first. Either may be wrong: look "
        "before anything is corrected. "
    )
    if check.has_file:
        lead += (
            f"{FILE} beside metrics.json holds the labels and {counted_noun(len(check.listed), 'suggestion')} for "
            "QGIS; its layer corrected_labels is the labels with those that were accepted. "
        )
    if check.unplaced:
        lead += f"{counted_noun(len(check.unplaced), 'image')} without a georeference can be seen here alone. "
    if check.without_probabilities:
        lead += (
            f"{counted_noun(check.without_probabilities, 'image')} have no probabilities beside them and were judged "
            "by predicted objects alone. "
        )
    return lead.strip()


def _facts(check: LabelCheck) -> tuple[Fact, ...]:
    judged = f"of {counted_noun(check.judged, 'label')} that were judged"
    return (
        Fact("missing", thousands(check.counts[DoubtKind.MISSING]), "buildings without a label"),
        Fact("unsupported", thousands(check.counts[DoubtKind.UNSUPPORTED]), judged),
        Fact("shifted", thousands(check.counts[DoubtKind.SHIFTED]), judged),
        Fact("shifted images", thousands(len(check.shifted)), "all labels moved alike"),
    )


def _shifted(scenes: tuple[ShiftedScene, ...]) -> Markup:
    if not scenes:
        return Markup()
    columns = [
        Column("image", is_text=True),
        Column("labels"),
        Column("should move"),
        Column("east m"),
        Column("north m"),
    ]
    rows = [
        (
            scene.name,
            thousands(scene.labels),
            f"{scene.shift_px.columns:+d} columns, {scene.shift_px.rows:+d} rows",
            *(("–", "–") if scene.shift_m is None else (f"{metres:+.1f}" for metres in scene.shift_m)),
        )
        for scene in scenes
    ]
    return table(columns, rows, noun="images")


def _of_kind(kind: DoubtKind, check: LabelCheck, truth: Project, truth_class: str) -> Markup:
    chosen = [entry for entry in check.listed if entry.kind is kind][:MOST_PICTURES]
    pictures = list(_pictures(chosen, truth, truth_class))
    if not pictures:
        return Markup()
    return render("places.html.j2", __package__, title=TITLES[kind], legend=LEGEND, places=pictures)


def _pictures(chosen: list[Suggestion], truth: Project, truth_class: str) -> Iterator[tuple[str, Markup]]:
    for entry in chosen:
        try:
            with scene_errors(entry.scene):
                yield _caption(entry), data_uri(picture(entry, truth, truth_class))
        except FootprintsError as error:
            log.warning("report: no picture: %s", error)


def _caption(entry: Suggestion) -> str:
    parts = [entry.scene, f"score {entry.score:.2f}"]
    if entry.area_m2 is not None:
        parts.append(f"{entry.area_m2:.0f} m²")
    if entry.kind is DoubtKind.SHIFTED:
        place = entry.shift_px
        moved = f"by {place.columns:+d} columns, {place.rows:+d} rows"
        parts.append(moved if entry.shift_m is None else "by {:+.1f} m east, {:+.1f} m north".format(*entry.shift_m))
    return " · ".join(parts)


def picture(entry: Suggestion, truth: Project, truth_class: str) -> Pixels:
    """The place of a suggestion: imagery, labels, and the suggestion over them.

    Raises:
        DataError: If the imagery cannot be read.
    """
    item = truth.item(entry.item)
    left, top, right, bottom = entry.shape.bounds
    around = Window.of_bounds(
        int(top) - AROUND_PX, int(left) - AROUND_PX, int(bottom) + 1 + AROUND_PX, int(right) + 1 + AROUND_PX
    )
    window = around.intersection(Window.of_size(item.size)) or Window.of_size(item.size)
    view = View.fitting(window, PICTURE_PX)
    size = (view.size.height, view.size.width, 3)
    pixels = np.zeros(size, np.uint8) if item.image is None else image_pixels(item.image, view)
    labels = label_figures((known.figure for known in item.objects if known.class_title == truth_class), view) > 0
    shown = tinted(pixels, labels, palette.TRUTH)
    shown = tinted(shown, label_figures(_polygons(entry), view) > 0, palette.PREDICTION)
    larger = -(-SMALLEST_PX // max(view.size.height, view.size.width))
    return shown.repeat(larger, axis=0).repeat(larger, axis=1)


def _polygons(entry: Suggestion) -> list[Polygon]:
    parts = [entry.shape] if entry.shape.geom_type == "Polygon" else list(entry.shape.geoms)
    return [
        Polygon(
            vertices([point[::-1] for point in part.exterior.coords[:-1]]),
            tuple(vertices([point[::-1] for point in hole.coords[:-1]]) for hole in part.interiors),
            by_centres=True,
        )
        for part in parts
    ]
