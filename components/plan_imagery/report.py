"""What people read of a plan while its shards are at work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from components.core import storage
from components.core.collection.plan import DetectionReason, Plan
from components.core.imagery_facts import UNLIKE, UNLIKE_LEAD
from components.core.reporting.page import Fact, Section, run_report
from components.core.reporting.tables import Cell, Column, table
from components.core.reporting.text import counted_noun, thousands

SHOWN = 200
"""How many scenes and skipped images the page names; the plan names all."""

MEGA = 1e6

_NAMES_AND_VALUES = (Column(""), Column("", is_text=True, is_code=True))
_SCENES = (Column("image", is_text=True), Column("why", is_text=True), Column("size, px"), Column("shards"))
_SKIPPED = (Column("image", is_text=True), Column("why not", is_text=True))


def write_plan_report(plan: Plan, report: Path | str, summary: Path | str) -> None:
    """Write a page and a JSON file of what a run is about to do.

    Args:
        plan: With something to detect.
        report: HTML file to write.
        summary: JSON file to write.

    Raises:
        StorageError: If a place cannot be written.
    """
    sections = list(_sections(plan))
    page = run_report(f"Plan of {plan.output_uri}", f"{_sentence(plan)}.", _facts(plan), sections)
    storage.write_bytes(report, page.encode())
    content = {"sentence": _sentence(plan), "places": {"collection": plan.output_uri}}
    storage.write_bytes(summary, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def _sentence(plan: Plan) -> str:
    remade = len(plan.remade)
    unseen, shards = counted_noun(len(plan.scenes) - remade, "scene"), counted_noun(plan.shards, "shard")
    work = [f"{unseen} to be detected in {shards}"] if plan.shards else []
    work += [f"{counted_noun(remade, 'scene')} to be made again without the network"] if remade else []
    later = f", {counted_noun(plan.postponed, 'image')} left to the next run" if plan.postponed else ""
    return f"{', '.join(work)}{later}; the last step of the run reports the results"


def _facts(plan: Plan) -> list[Fact]:
    whys = [scene.why for scene in plan.scenes]
    reasons = ", ".join(f"{thousands(whys.count(why))} {why}" for why in DetectionReason if why in whys)
    megapixels = sum(scene.size.area for scene in plan.scenes if not scene.remade_from) / MEGA
    others = [
        Fact("without the network", thousands(len(plan.remade)), "scenes, from what it said of them before"),
        Fact("not usable", thousands(len(plan.skipped)), "images"),
        Fact("outside", thousands(plan.outside), "images do not meet the area of interest, and stay as they are"),
        Fact("postponed", thousands(plan.postponed), "images for the next run, as this one is full"),
        Fact("to be retired", thousands(len(plan.retired)), "images are gone"),
        Fact("waiting", thousands(plan.waiting), "done with another model or settings"),
    ]
    return [
        Fact("scenes to do", thousands(len(plan.scenes)), reasons),
        Fact("imagery", f"{megapixels:,.1f}", f"megapixels in {counted_noun(plan.shards, 'shard')}"),
        Fact("up to date", thousands(plan.done), "scenes done before"),
        *(fact for fact in others if fact.value != "0"),
    ]


def _sections(plan: Plan) -> Iterator[Section]:
    rows: list[tuple[str, str | Cell]] = [
        ("Images", plan.images_uri),
        ("Collection", plan.output_uri),
        *([("Area of interest", plan.aoi_uri)] if plan.aoi_uri else []),
        *([("Pointer to the model", plan.pointer_uri)] if plan.pointer_uri else []),
        ("Model", Cell(plan.model_uri, plan.model)),
        ("Detector", plan.detector),
    ]
    yield Section("Planned work", "", (), table(_NAMES_AND_VALUES, rows, style="about"))
    if plan.warnings:
        yield Section(UNLIKE, UNLIKE_LEAD, (), table((Column("", is_text=True),), [(text,) for text in plan.warnings]))
    scenes = [
        (
            scene.key,
            scene.why.value,
            f"{scene.size.height} × {scene.size.width}",
            ", ".join(str(part.shard) for part in scene.parts) or "none: to be made again",
        )
        for scene in plan.scenes[:SHOWN]
    ]
    yield Section("Scenes", _of_all(len(plan.scenes), "scenes"), (), table(_SCENES, scenes))
    if plan.skipped:
        skipped = [(entry.name, entry.reason) for entry in plan.skipped[:SHOWN]]
        lead = f"Images that this run cannot use. {_of_all(len(plan.skipped), 'images')}".strip()
        yield Section("Not usable", lead, (), table(_SKIPPED, skipped))


def _of_all(count: int, noun: str) -> str:
    return f"The first {SHOWN} of {thousands(count)} {noun}." if count > SHOWN else ""
