"""Scene, truth and prediction side by side, and the prediction before and after splitting into objects."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from components.core.errors import FootprintsError
from components.core.figures import Figure
from components.core.geometry import Window
from components.core.reporting import palette
from components.core.reporting.detail import DETAIL_PX, Panel, busiest_window
from components.core.reporting.encode import Pixels, data_uri
from components.core.reporting.page import Section, render
from components.core.reporting.palette import rgb
from components.core.reporting.text import share_text, thousands
from components.core.reporting.view import View, framed, image_pixels, label_figures, tinted
from components.core.scene_errors import scene_errors
from components.evaluate.compared_scenes import ComparedScene
from components.evaluate.object_colors import object_colors

PANEL_PX = 640
"""Longer side of a panel."""

OVERVIEW_PX = 640
MASK_SHARE = 0.8
OBJECT_SHARE = 0.85

LEGEND = (
    ("truth; in the difference: missed", palette.TRUTH),
    ("prediction; in the difference: false", palette.PREDICTION),
    ("truth and prediction agree", palette.BOTH),
)

BoolPixels = npt.NDArray[np.bool_]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SceneRow:
    """The panels of one scene, with their captions."""

    scene: ComparedScene
    note: str
    panels: tuple[Panel, ...]


def prediction_panels(scenes: Iterable[ComparedScene]) -> Section:
    """Show scenes with truth, prediction, their difference, and the prediction before and after splitting.

    Of a large scene the part with the most outlines is shown, and the whole of it small.

    Args:
        scenes: In the order shown; those whose pixels cannot be read are left out.
    """
    rows = [row for row in map(_row_if_readable, scenes) if row is not None]
    images = [(row, [(panel.caption, data_uri(panel.pixels)) for panel in row.panels]) for row in rows]
    body = (
        render("panels.html.j2", __package__, rows=images, legend=LEGEND)
        if rows
        else render("empty.html.j2", text="No scene has a prediction.")
    )
    lead = (
        "Truth and prediction are drawn over the scene, their difference over grey. After splitting, every object "
        "has a colour that its neighbours do not have."
    )
    return Section("Predictions", lead, (), body)


def _row_if_readable(scene: ComparedScene) -> SceneRow | None:
    try:
        with scene_errors(scene.name):
            return scene_row(scene)
    except FootprintsError as error:
        log.warning("report: no picture: %s", error)
        return None


def scene_row(scene: ComparedScene) -> SceneRow:
    """Draw the panels of one scene.

    Raises:
        DataError: If its pixels cannot be read.
    """
    whole = Window.of_size(scene.image.recipe.size)
    if max(whole.height, whole.width) <= DETAIL_PX:
        return SceneRow(scene, f"{whole.size} px", tuple(_detail_panels(scene, whole, "")))
    view = View.fitting(whole, OVERVIEW_PX)
    truth, predicted = _mask(scene.truth, view), _mask(scene.predicted, view)
    window = busiest_window(truth | predicted, view)
    pixels = image_pixels(scene.image, view)
    difference = difference_pixels(pixels, truth, predicted)
    panels = [
        Panel("whole scene, with the part shown", framed(pixels, view, window)),
        Panel("whole scene, difference", framed(difference, view, window)),
        *_detail_panels(scene, window, " in this part"),
    ]
    note = f"{whole.size} px · part shown, the one with the most outlines: {window}"
    return SceneRow(scene, note, tuple(panels))


def _detail_panels(scene: ComparedScene, window: Window, where: str) -> list[Panel]:
    view, exact = View.fitting(window, PANEL_PX), View(window, window.size)
    pixels = image_pixels(scene.image, view)
    truth, predicted = _mask(scene.truth, view), _mask(scene.predicted, view)
    iou = share_text(_iou(_mask(scene.truth, exact), _mask(scene.predicted, exact)))
    background = quiet(pixels)
    panels = [
        Panel("scene", pixels),
        Panel("truth", tinted(pixels, truth, palette.TRUTH)),
        Panel("prediction", tinted(pixels, predicted, palette.PREDICTION)),
        Panel(f"difference: IoU {iou}{where}", difference_pixels(pixels, truth, predicted)),
        Panel("before splitting", tinted(background, predicted, palette.PREDICTION, MASK_SHARE)),
    ]
    if scene.split is not None:
        count = len(set(np.unique(label_figures(scene.split, exact)).tolist()) - {0})
        labels = label_figures(scene.split, view)
        panels.append(Panel(f"after splitting: {thousands(count)} objects{where}", object_pixels(background, labels)))
    return panels


def _mask(figures: Sequence[Figure], view: View) -> BoolPixels:
    return label_figures(figures, view) > 0


def _iou(truth: BoolPixels, predicted: BoolPixels) -> float | None:
    union = np.count_nonzero(truth | predicted)
    return np.count_nonzero(truth & predicted) / union if union else None


def quiet(pixels: Pixels, lightness: float = 0.55) -> Pixels:
    """Imagery as a pale grey background, so that colours laid over it stand out.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        lightness: How far it is moved to white, 0–1.

    Returns:
        (h, w, 3) uint8 RGB, new.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    pale = (grey * (1 - lightness) + 255 * lightness + 0.5).astype(np.uint8)
    return np.repeat(pale[:, :, None], 3, axis=2)


def difference_pixels(pixels: Pixels, truth: BoolPixels, predicted: BoolPixels) -> Pixels:
    """Where truth and prediction agree and where either stands alone, over pale grey imagery.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        truth: (h, w) bool.
        predicted: (h, w) bool.

    Returns:
        (h, w, 3) uint8 RGB, new.
    """
    result = quiet(pixels)
    for mask, color in (
        (truth & predicted, palette.BOTH),
        (truth & ~predicted, palette.TRUTH),
        (predicted & ~truth, palette.PREDICTION),
    ):
        result[mask] = (result[mask] * (1 - MASK_SHARE) + rgb(color).as_array() * MASK_SHARE + 0.5).astype(np.uint8)
    return result


def object_pixels(background: Pixels, labels: npt.NDArray[np.int32]) -> Pixels:
    """Objects in colours that differ between neighbours, with thin light seams where they touch.

    Args:
        background: (h, w, 3) uint8 RGB.
        labels: (h, w) int32, 0 for the background.

    Returns:
        (h, w, 3) uint8 RGB, new.
    """
    inside = labels > 0
    colors = object_colors(labels).astype(np.float32)
    blended = background * (1 - OBJECT_SHARE) + colors * OBJECT_SHARE + 0.5
    result = np.where(inside[:, :, None], blended.astype(np.uint8), background)
    seams = np.zeros_like(inside)
    seams[:, 1:] |= inside[:, 1:] & inside[:, :-1] & (labels[:, 1:] != labels[:, :-1])
    seams[1:] |= inside[1:] & inside[:-1] & (labels[1:] != labels[:-1])
    result[seams] = 255
    return result
