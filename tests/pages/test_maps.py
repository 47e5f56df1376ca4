"""Maps of reports in a real browser: what is seen, what a click shows, and that nothing is asked of a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import shapely

from components.core.geometry import Size
from components.core.project import open_project
from components.core.reporting.page import run_report
from components.core.reporting.webmap.content import DrawnBuildings, MapContent
from components.core.reporting.webmap.planes import PlaneKind
from components.core.reporting.webmap.section import map_section
from components.evaluate.evaluate import evaluate
from components.evaluate.map_section import evaluation_map
from tests.components.core.reporting.webmap.contents import BEFORE, towns
from tests.components.core.reporting.webmap.test_section import HOSTILE
from tests.components.evaluate.test_map_section import PLACE, write_projects
from tests.pages.devtools import DESKTOP, PHONE, OpenPage, chromium

pytestmark = pytest.mark.pages


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenPage]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser: OpenPage) -> Iterator[OpenPage]:
    """A browser that complained of nothing, and asked for nothing, when the test is over."""
    browser.requests.clear()
    browser.faults.clear()
    browser.resize(DESKTOP)
    yield browser
    assert not browser.faults and not browser.requests


def written(file: Path, *maps: MapContent) -> Path:
    """A report of maps alone."""
    found = map_section("Map", "What is seen.", maps)
    assert found is not None
    file.write_text(run_report("Report", "", (), [found]), encoding="utf-8")
    return file


def show(page: OpenPage, file: Path) -> None:
    """Open a page, and bring its first map into view."""
    page.open(file)
    assert page.value("document.querySelector('[data-map]').dataset.ready") == "true"
    page.value("document.querySelector('.webmap').scrollIntoView()")
    page.value("Promise.all([...document.images].map(image => image.decode().catch(() => 0)))")
    page.drawn()


def seen(page: OpenPage, tmp_path: Path) -> np.ndarray:
    """(h, w, 3) uint8 RGB: the map as it is seen."""
    page.screenshot(tmp_path / "seen.png")
    whole = cv2.cvtColor(cv2.imread(str(tmp_path / "seen.png")), cv2.COLOR_BGR2RGB)
    left, top, width, height = box_of(page, "[data-part=map]")
    return whole[max(round(top), 0) : round(top + height), round(left) : round(left + width)]


def box_of(page: OpenPage, selector: str) -> list[float]:
    """Left, top, width and height of the first such element, in px of the window."""
    found: list[float] = page.value(
        "(box => [box.left, box.top, box.width, box.height])"
        f"(document.querySelector('{selector}').getBoundingClientRect())"
    )
    return found


def popup(page: OpenPage) -> dict[str, str]:
    """Titles and values of the row that is shown; empty where there is none."""
    rows = "[...document.querySelectorAll('.leaflet-popup tr')]"
    return dict(page.value(f"{rows}.map(row => [...row.children].map(cell => cell.textContent))"))


def share_of(pixels: np.ndarray, color: str) -> float:
    """How much of a picture is of about a colour."""
    wanted = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)])
    return float((np.abs(pixels.astype(int) - wanted).max(axis=2) < 24).mean())


def toggle(page: OpenPage, kind: str) -> None:
    page.value(f"document.querySelector('input[data-kind=\"{kind}\"]').click()")
    page.drawn()


def steps(page: OpenPage, name: str = "next") -> None:
    page.value(f"document.querySelector('[data-part={name}]').click()")
    page.drawn()


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_imagery_and_outlines_are_seen_and_can_be_hidden(page: OpenPage, tmp_path: Path, size: tuple[int, int]) -> None:
    page.resize(size)
    show(page, written(tmp_path / "report.html", towns(["west", "east"], Size(300, 300), new=30, gone=10)))

    everything = seen(page, tmp_path)
    assert share_of(everything, "#009e73") > 0.001 and share_of(everything, "#d55e00") > 0.0005
    assert page.value("document.documentElement.scrollWidth <= window.innerWidth")
    toggle(page, "new")
    without = seen(page, tmp_path)
    assert share_of(without, "#009e73") < share_of(everything, "#009e73") / 4
    assert share_of(without, "#d55e00") > 0.0005
    blank = share_of(without, "#e6eaee")
    toggle(page, "imagery")
    assert share_of(seen(page, tmp_path), "#e6eaee") > blank + 0.2
    toggle(page, "new")
    assert share_of(seen(page, tmp_path), "#009e73") > 0.001
    assert page.value("document.querySelector('[data-part=still]').hidden")


def test_a_click_shows_the_row_of_the_building_that_is_there(page: OpenPage, tmp_path: Path) -> None:
    predicted, truth = write_projects(tmp_path, {HOSTILE[:40].replace("/", "_"): PLACE})
    found = evaluation_map(evaluate(predicted, truth, workers=1), open_project(predicted), open_project(truth), 1)
    assert found is not None
    file = tmp_path / "report.html"
    file.write_text(run_report("Evaluation", "", (), [found]), encoding="utf-8")
    show(page, file)
    box = box_of(page, ".leaflet-image-layer")

    def click(row: int, column: int) -> dict[str, str]:
        page.press("Escape")
        page.click(box[0] + column * box[2] / 260, box[1] + row * box[3] / 200)
        return popup(page)

    false = click(75, 215)
    assert false["row, column"] == "60, 200" and false["class"] == "untitled_dl" and false["area, px"] == "900"
    page.value("document.querySelector('.leaflet-popup-close-button').click()")
    show(page, file)
    missed = click(160, 210)
    assert missed["row, column"] == "150, 200" and missed["class"] == "untitled" and "IoU of the match" not in missed
    assert missed["image"].startswith("ds/<_script>")
    show(page, file)
    assert click(100, 50) == {}


def test_buildings_are_reached_by_the_keyboard_alone(page: OpenPage, tmp_path: Path) -> None:
    show(page, written(tmp_path / "report.html", towns(["west", "east"])))
    page.value("document.querySelector('[data-part=next]').focus()")

    found = []
    for _ in range(8):
        page.press("Enter")
        found.append(popup(page)["id"])

    assert found[:2] == ["west/gone-0", "east/gone-0"] and len(set(found)) == 8
    assert page.value("document.querySelector('[data-part=position]').textContent") == "building 8 of 8"
    toggle(page, "gone")
    page.press("Enter")
    steps(page)
    assert popup(page)["id"].partition("/")[2].startswith("new-")
    toggle(page, "new")
    assert popup(page) == {}


def test_a_click_on_an_outline_before_is_of_no_building_that_the_arrows_reach(page: OpenPage, tmp_path: Path) -> None:
    """Such an outline is of a building that is counted already, as it is now."""
    content = towns(["west"], new=2, gone=0)
    (west,) = content.scenes
    assert west.place is not None
    shapes = west.place.shapes(shapely.box(np.array([10, 130]), 10, np.array([40, 150]), 40))
    row = {"id": "outline", "class": "building"}
    before = DrawnBuildings(BEFORE.key, 1, west.place.shapes(np.array([shapely.box(70, 90, 110, 115)])), [row])
    new = replace(west.buildings[0], shapes=shapes)
    show(page, written(tmp_path / "report.html", replace(content, scenes=(replace(west, buildings=(before, new)),))))

    def position() -> str:
        return str(page.value("document.querySelector('[data-part=position]').textContent"))

    def click_outline() -> None:
        page.press("Escape")
        left, top, width, height = box_of(page, ".leaflet-image-layer")
        page.click(left + 90 / 160 * width, top + 102.5 / 120 * height)
        page.drawn()
        assert popup(page)["id"] == "outline"

    assert position() == "2 buildings"
    click_outline()
    assert position() == "2 buildings"
    steps(page)
    assert popup(page)["id"] == "west/new-0" and position() == "building 1 of 2"
    page.value("document.querySelector('.leaflet-popup-close-button').click()")
    page.value(
        "(list => { list.value = '0'; list.dispatchEvent(new Event('change')); })"
        "(document.querySelector('.webmap-goto select'))"
    )
    page.drawn()
    click_outline()
    assert position() == "2 buildings"
    steps(page)
    assert popup(page)["id"] == "west/new-1" and position() == "building 2 of 2"


def test_places_far_apart_are_reached(page: OpenPage, tmp_path: Path) -> None:
    names = [f"town {number}" for number in range(6)]
    show(page, written(tmp_path / "report.html", towns(names)))
    options = page.value("[...document.querySelectorAll('.webmap-goto option')].map(option => option.textContent)")
    assert options == ["everything", *names]

    def middles() -> list[Any]:
        return page.value(
            "[...document.querySelectorAll('.leaflet-image-layer')].map(image => image.getBoundingClientRect())"
            ".map(box => [(box.left + box.right) / 2, (box.top + box.bottom) / 2])"
        )  # type: ignore[no-any-return]

    left, top, width, height = box_of(page, "[data-part=map]")
    for number in (5, 2):
        page.value(
            f"(list => {{ list.value = '{number + 1}'; list.dispatchEvent(new Event('change')); }})"
            "(document.querySelector('.webmap-goto select'))"
        )
        page.drawn()
        assert np.abs(np.array(middles()[number]) - (left + width / 2, top + height / 2)).max() < 3


def test_no_name_runs_anything(page: OpenPage, tmp_path: Path) -> None:
    show(page, written(tmp_path / "report.html", towns([HOSTILE, '<img src=x onerror="window.bad=1">'])))
    steps(page)
    assert popup(page)["image"] == f"{HOSTILE}/gone"
    assert page.value("window.bad === undefined && document.querySelectorAll('.leaflet-popup img').length === 0")


def test_in_a_frame_that_may_run_scripts_and_nothing_else_the_map_works(page: OpenPage, tmp_path: Path) -> None:
    """As Kubeflow shows a report."""
    inner = written(tmp_path / "report.html", towns(["west"])).read_text(encoding="utf-8")
    escaped = json.dumps(inner).replace("</", "<\\/")
    outer = tmp_path / "kubeflow.html"
    outer.write_text(
        "<!DOCTYPE html><meta charset='utf-8'><iframe sandbox='allow-scripts' width='1000' height='900'></iframe>"
        "<script>const frame = document.querySelector('iframe');"
        "window.loaded = new Promise(done => { frame.onload = () => done(1); });"
        f"frame.srcdoc = {escaped};</script>",
        encoding="utf-8",
    )
    page.open(outer)
    page.value("window.loaded")
    page.drawn()
    page.screenshot(tmp_path / "frame.png")
    pixels = cv2.cvtColor(cv2.imread(str(tmp_path / "frame.png")), cv2.COLOR_BGR2RGB)
    assert share_of(pixels, "#e6eaee") > 0.1  # the ground of the map, which only a script shows


def test_without_scripts_a_still_picture_is_seen_with_a_sentence(page: OpenPage, tmp_path: Path) -> None:
    page.open(written(tmp_path / "report.html", towns(["west", "east"])), scripts=False)
    page.screenshot(tmp_path / "still.png", whole=True)
    pixels = cv2.cvtColor(cv2.imread(str(tmp_path / "still.png")), cv2.COLOR_BGR2RGB)
    assert share_of(pixels, "#009e73") > 0.0005
    page.open(tmp_path / "report.html")


def test_two_maps_of_a_page_go_their_own_ways(page: OpenPage, tmp_path: Path) -> None:
    ground = towns(["west", "east"])
    file = written(tmp_path / "report.html", MapContent(PlaneKind.GROUND, "A", ground.kinds, ground.scenes), ground)
    show(page, file)
    steps(page)
    assert popup(page)["id"] == "west/gone-0"
    assert page.value("[...document.querySelectorAll('[data-map]')].map(map => map.dataset.ready)") == ["true", "true"]
    assert page.value("document.querySelectorAll('#map-2 .leaflet-popup').length") == 0
