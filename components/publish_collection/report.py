"""The page that people read after a run of detection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from components.core.collection.failure_log import MOST_TRIES
from components.core.collection.plan import DetectionReason
from components.core.drift import drift_of_run, is_far
from components.core.imagery_facts import UNLIKE, UNLIKE_LEAD
from components.core.reporting.page import Fact, Section, render, run_report
from components.core.reporting.tables import Cell, Column, table
from components.core.reporting.text import counted_noun, thousands
from components.core.skip_budget import Skipped
from components.publish_collection.summary import (
    Changes,
    DoneScene,
    LayerTotals,
    RunSummary,
    StageTotals,
    stage_totals,
)

if TYPE_CHECKING:
    from components.publish_collection.pictures import ScenePicture

SPACE = "\N{NARROW NO-BREAK SPACE}"
NONE = "–"

DRIFT = {"pixels": "values of pixels", "confidence": "confidences"}
"""What the kinds of distances are of."""

_NAMES_AND_VALUES = (Column(""), Column("", is_text=True, is_code=True))


def run_summary_page(
    summary: RunSummary, pictures: Sequence[ScenePicture] = (), shown_map: Section | None = None
) -> str:
    """Show what a run did.

    Args:
        summary: What the report shows.
        pictures: Of a few of its scenes.
        shown_map: Of its scenes and what became of their buildings; None where there is nothing to show.

    Returns:
        HTML that needs nothing beside itself.
    """
    sections = list(_sections(summary, pictures, shown_map))
    return run_report(f"Detection {summary.name}", _headline(summary), _facts(summary), sections)


def _headline(summary: RunSummary) -> str:
    done, failed = len(summary.scenes), len(summary.failed)
    if not done and not failed:
        return f"Nothing new: {_scenes(summary.up_to_date)} {_are(summary.up_to_date)} up to date{_others(summary)}."
    if not done:
        return f"Nothing was published: {_scenes(failed)} failed."
    if not failed:
        return f"{_scenes(done)} published, none failed."
    return f"{_scenes(done)} published, {_scenes(failed)} failed."


def _others(summary: RunSummary) -> str:
    """What there is besides, where nothing is new."""
    others = {
        "gone": summary.retired,
        "not usable": len(summary.skipped),
        "outside the area of interest": summary.outside,
        "done with another model or settings": summary.waiting,
    }
    return "".join(f", {thousands(count)} {_are(count)} {what}" for what, count in others.items() if count)


def _facts(summary: RunSummary) -> list[Fact]:
    reasons = [f"{thousands(summary.count(why))} {why}" for why in DetectionReason if summary.count(why)]
    published = [
        Fact("scenes published", thousands(len(summary.scenes)), ", ".join(reasons)),
        Fact("imagery", _decimal(sum(scene.megapixels for scene in summary.scenes)), "megapixels"),
        Fact("buildings", thousands(sum(scene.footprints for scene in summary.scenes)), "in these scenes"),
        Fact("their area", *_area(sum(scene.area_m2 for scene in summary.scenes))),
    ]
    others = [
        Fact("failed", thousands(len(summary.failed)), "scenes"),
        Fact("not usable", thousands(len(summary.skipped)), "images"),
        Fact("postponed", thousands(summary.postponed), "images for the next run: this one was full"),
        Fact("outside", thousands(summary.outside), "images do not meet the area of interest, and stay as they are"),
        Fact("retired", thousands(summary.retired), "images are gone"),
        Fact("waiting", thousands(summary.waiting), "done with another model or settings; redo: all does them again"),
    ]
    up_to_date = Fact("up to date", thousands(summary.up_to_date), "scenes done before")
    return [*(published if summary.scenes else ()), up_to_date, *(fact for fact in others if fact.value != "0")]


def _sections(summary: RunSummary, pictures: Sequence[ScenePicture], shown_map: Section | None) -> Iterator[Section]:
    if summary.failed:
        lead = f"Planned scenes that are not published. Later runs try them again, in {MOST_TRIES} runs at most."
        yield _section("Failed", lead, _missing(summary.failed, "scenes"))
    if shown_map is not None:
        yield shown_map
    yield _section("What was done", "", _about(summary))
    if summary.warnings:
        rows = [(text,) for text in summary.warnings]
        yield _section(UNLIKE, UNLIKE_LEAD, table((Column("", is_text=True),), rows))
    drift = drift_of_run([scene.drift for scene in summary.scenes])
    if drift:
        yield _drift(summary, drift)
    if pictures:
        yield _section("A few scenes", "Chosen by name, with the outlines of their buildings.", _cards(pictures))
    if summary.scenes:
        lead = (
            "The largest first. Areas are on the ground; the confidence is the mean over the buildings; new, gone and "
            "changed buildings are against the last detection of the same scene."
        )
        yield _section("Scenes", lead, _scene_table(summary.scenes))
    if summary.skipped:
        lead = "Images that planning skipped: they cannot be used as they are, or failed in several runs."
        yield _section("Not usable", lead, _missing(summary.skipped, "images"))
    totals = stage_totals(summary.stages)
    if any(entry.scenes or entry.skipped for entry in totals):
        lead = (
            "All shards of a stage together. The speed is that of one shard, on average, "
            "without the time that its pod took to start."
        )
        yield _section("Speed", lead, _stage_table(totals))
    lead = f"All footprints of the collection, each building once.{_changes(summary.scenes)}"
    yield _section("The layer", lead, _layer(summary))


def _drift(summary: RunSummary, drift: Mapping[str, float]) -> Section:
    lead = (
        "How far scenes are from what the model learnt from: Jensen–Shannon distances, 0 for the same distribution and "
        "1 for nothing in common; medians over the scenes, whose own are in their table. The limits follow from the "
        "training, whose images differ among themselves, too, the more the smaller they are."
    )
    facts = []
    for kind, value in drift.items():
        limits = sorted({f"{scene.drift_limits[kind]:.2f}" for scene in summary.scenes if kind in scene.drift_limits})
        above = sum(is_far(scene.drift, scene.drift_limits, kind) for scene in summary.scenes)
        shown = "–".join(dict.fromkeys((limits[0], limits[-1]))) if limits else ""
        note = f"limit {shown}, {_scenes(above)} above it" if shown else ""
        facts.append(Fact(DRIFT[kind], f"{value:.2f}", note))
    return Section("Distance from the training", lead, tuple(facts), Markup())


def _section(title: str, lead: str, body: Markup) -> Section:
    return Section(title, lead, (), body)


def _about(summary: RunSummary) -> Markup:
    rows: list[tuple[str, str | Cell]] = [
        ("Images", summary.images_uri),
        ("Collection", summary.output_uri),
        *([("Area of interest", summary.aoi_uri)] if summary.aoi_uri else []),
        ("Model", Cell(summary.model_uri, summary.model)),
        ("Detector", summary.detector),
        *([("Shards", thousands(summary.shards))] if summary.shards else []),
    ]
    return table(_NAMES_AND_VALUES, rows, style="about")


def _cards(pictures: Sequence[ScenePicture]) -> Markup:
    from components.core.reporting.encode import data_uri  # OpenCV, where there is a picture

    cards = [
        {
            "title": picture.key,
            "note": picture.note,
            "images": [(panel.caption, data_uri(panel.pixels)) for panel in picture.panels],
        }
        for picture in pictures
    ]
    return render("cards.html.j2", __package__, cards=cards)


def _scene_table(scenes: Sequence[DoneScene]) -> Markup:
    ordered = sorted(scenes, key=lambda scene: (-scene.size.area, scene.key))
    has_confidence = any(scene.confidence is not None for scene in scenes)
    has_changes = any(scene.changes is not None for scene in scenes)
    kinds = [kind for kind in DRIFT if any(kind in scene.drift for scene in scenes)]
    columns = [
        Column("image, and place of its outputs", is_text=True),
        Column("why"),
        Column("size, px"),
        Column("megapixels"),
        Column("buildings"),
        Column("area, m²"),
        *([Column("confidence")] if has_confidence else []),
        *([Column("new"), Column("gone"), Column("changed")] if has_changes else []),
        *(Column(f"distance, {kind}") for kind in kinds),
    ]
    rows = [_scene_row(scene, has_confidence, has_changes, kinds) for scene in ordered]
    return table(columns, rows, noun="scenes", style="wide")


def _scene_row(scene: DoneScene, has_confidence: bool, has_changes: bool, kinds: Sequence[str]) -> list[str | Cell]:
    row: list[str | Cell] = [
        Cell(scene.key, scene.place),
        scene.why.value,
        str(scene.size),
        _decimal(scene.megapixels),
        thousands(scene.footprints),
        thousands(round(scene.area_m2)),
    ]
    if has_confidence:
        row.append(NONE if scene.confidence is None else f"{scene.confidence:.2f}")
    if has_changes:
        found = scene.changes
        row += [NONE] * 3 if found is None else [thousands(count) for count in (found.new, found.gone, found.changed)]
    return row + [f"{scene.drift[kind]:.2f}" if kind in scene.drift else NONE for kind in kinds]


def _missing(entries: Sequence[Skipped], noun: str) -> Markup:
    columns = [Column(noun.removesuffix("s"), is_text=True), Column("stage", is_text=True), Column("why", is_text=True)]
    ordered = sorted(entries, key=lambda entry: (entry.stage, entry.name))
    return table(columns, [(entry.name, entry.stage, entry.reason) for entry in ordered], noun=noun, style="missing")


def _stage_table(totals: Sequence[StageTotals]) -> Markup:
    titles = ("stage", "shards", "images", "megapixels", "time of all", "slowest shard", "megapixels/s", "skipped")
    rows = [
        (
            entry.stage,
            thousands(entry.runs),
            thousands(entry.scenes),
            _decimal(entry.megapixels),
            _duration(entry.seconds),
            _duration(entry.slowest),
            NONE if entry.speed is None else _significant(entry.speed),
            thousands(entry.skipped),
        )
        for entry in totals
    ]
    return table([Column(title, is_text=title == "stage") for title in titles], rows)


def _layer(summary: RunSummary) -> Markup:
    before, after = summary.before or LayerTotals(0, 0, 0.0), summary.after
    rows = [
        ("scenes", *_then_and_now(before.scenes, after.scenes)),
        ("buildings", *_then_and_now(before.footprints, after.footprints)),
        ("their area, m²", *_then_and_now(round(before.area_m2), round(after.area_m2))),
    ]
    columns = [Column("", is_text=True), Column("before"), Column("now"), Column("difference")]
    return table(columns, rows, style="narrow")


def _changes(scenes: Sequence[DoneScene]) -> str:
    changes = [scene.changes for scene in scenes if scene.changes is not None]
    if not changes:
        return ""
    new, gone, changed = (thousands(sum(getattr(entry, name) for entry in changes)) for name in Changes.__slots__)
    return f" In {_scenes(len(changes))} that had been done before, {new} are new, {gone} gone and {changed} changed."


def _then_and_now(then: int, now: int) -> tuple[str, str, str]:
    sign = "+" if now > then else "−" if now < then else ""
    return thousands(then), thousands(now), f"{sign}{thousands(abs(now - then))}"


def _scenes(count: int) -> str:
    return counted_noun(count, "scene")


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _decimal(value: float) -> str:
    return f"{value:,.1f}".replace(",", SPACE)


def _significant(value: float) -> str:
    return _decimal(value) if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def _area(area_m2: float) -> tuple[str, str]:
    """A number and its unit."""
    return (f"{area_m2 / 1e6:,.2f}".replace(",", SPACE), "km²") if area_m2 >= 1e6 else (thousands(round(area_m2)), "m²")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{SPACE}h {minutes:02d}{SPACE}min" if hours else f"{minutes}{SPACE}min {rest:02d}{SPACE}s"
