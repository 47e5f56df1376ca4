"""The comparison as a page: what was decided, by which conditions, and both models by town."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from components.core.champion import Champion
from components.core.reporting.page import Fact, Section, run_report, write_page
from components.core.reporting.tables import Cell, Column, table
from components.core.reporting.text import share_text, thousands
from components.promote.comparison import ComparedScores, Comparison, TownComparison
from components.promote.promote import Promotion
from components.promote.scores import MEASURES

_NAMES_AND_VALUES = (Column(""), Column("", is_text=True, is_code=True))
_CONDITIONS = (Column("condition", is_text=True), Column("holds", is_text=True))


def write_report(done: Promotion, html: Path | str) -> None:
    """Show a decision.

    Args:
        done: It.
        html: Where the page appears when it is whole.

    Raises:
        StorageError: If the place cannot be written.
    """
    write_page(html, run_report("Promotion", f"{done.sentences()[0]}.", list(_facts(done)), list(_sections(done))))


def _facts(done: Promotion) -> Iterator[Fact]:
    yield Fact("pointer", "moved" if done.is_moved else "not moved")
    for name, scores in done.comparison.overall.measures.items() if done.comparison else ():
        drawn = done.comparison.drawn.get(name) if done.comparison else None
        note = "" if drawn is None else f"{drawn.low:+.3f} to {drawn.high:+.3f} in 95 % of draws of the images"
        yield Fact(f"{MEASURES[name]}, gain", _gain(scores), note)


def _sections(done: Promotion) -> Iterator[Section]:
    if done.checks:
        rows = [(check.text, "yes" if check.holds else "no") for check in done.checks]
        lead = "The pointer is moved where every condition holds."
        yield Section("Conditions", lead, (), table(_CONDITIONS, rows, style="wide"))
    if done.comparison is not None:
        yield _towns(done.comparison)
    models: list[tuple[str, str | Cell]] = [("Pointer", done.config.pointer_uri)]
    if done.before is not None and not done.is_known:
        models.append(("Model in use before", _model(done.before)))
    models.append(("New model", _model(done.named) if done.is_moved or done.is_known else done.model))
    yield Section("Models", "", (), table(_NAMES_AND_VALUES, models, style="about"))


def _towns(comparison: Comparison) -> Section:
    lead = (
        "Both models on the same held-out images, pooled over the images of a town. A gain above 0 speaks for the new "
        "model."
    )
    columns = [Column("town"), Column("images"), Column("buildings")]
    columns += [Column(f"{what}, {whose}") for what in MEASURES.values() for whose in ("in use", "new", "gain")]
    rows = [_row(town) for town in (*comparison.towns, comparison.overall)]
    return Section("By town", lead, (), table(columns, rows, noun="towns"))


def _row(town: TownComparison) -> list[str | Cell]:
    cells: list[str | Cell] = [town.town, thousands(town.images), thousands(town.buildings)]
    for scores in (town.measures[name] for name in MEASURES):
        cells += [share_text(scores.champion), share_text(scores.challenger), _gain(scores)]
    return cells


def _gain(scores: ComparedScores) -> str:
    return "–" if scores.gain is None else f"{scores.gain:+.3f}"


def _model(champion: Champion) -> Cell:
    return Cell(champion.model_uri, f"{champion.model} · promoted {champion.promoted}")
