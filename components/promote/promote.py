"""Compares a new model with the one in use, and puts it in its place where it is better by the stated rule."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.core import storage
from components.core.champion import (
    SHOWN,
    Champion,
    SeenPointer,
    check_same_classes,
    local_champion,
    read_pointer,
)
from components.core.documents.promotion import PromotionConfig, load_promotion
from components.core.errors import StorageError
from components.core.models import CONFIG_FILE, check_holds_model, model_digest
from components.core.network.description import read_config
from components.promote.comparison import Check, Comparison, checks, compare
from components.promote.scores import ModelScores, read_scores
from components.promote.scoring import Scoring

log = logging.getLogger(__name__)

ROUNDS = 5
"""How often a new model is compared at most, where other runs move the pointer meanwhile."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """What was decided.

    Attributes:
        config: The rule, and the pointer.
        model: Digest of the new model.
        is_moved: Whether the pointer names the new model since this run.
        checks: What the rule asked; none where there was nothing to compare with.
        comparison: Of both models; None where there was no other.
        before: What the pointer named before; None for nothing.
        named: What it names now.
        added: Files that the folder of the model in use has got from that of the new one, which is the same model.
    """

    config: PromotionConfig
    model: str
    is_moved: bool
    checks: tuple[Check, ...]
    comparison: Comparison | None
    before: Champion | None
    named: Champion
    added: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether the new model was in use already, as when the step is tried again."""
        return self.before is not None and self.before.model == self.model

    def sentences(self) -> list[str]:
        """What was decided, and why."""
        uri, name = self.config.pointer_uri, self.model[:SHOWN]
        if self.is_known:
            first = f"{uri} names the model {name} already; nothing to compare"
            return [f"{first}, and its folder has {', '.join(self.added)} now" if self.added else first]
        if self.before is None:
            return [f"{uri} names the model {name}: it named none before, so that there was nothing to compare with"]
        old = self.before.model[:SHOWN]
        first = f"{uri} names the model {name} in the place of {old}"
        if not self.is_moved:
            first = f"{uri} goes on naming {old}: the new model {name} is not better by the rule"
        return [first, *(f"{'yes' if check.holds else 'no '}  {check.text}" for check in self.checks)]

    def scalars(self) -> dict[str, float]:
        """Figures for a table."""
        values: dict[str, float] = {"promoted": float(self.is_moved)}
        for name, scores in self.comparison.overall.measures.items() if self.comparison else ():
            values |= {} if scores.gain is None else {f"{name}_gain": scores.gain}
            drawn = self.comparison.drawn.get(name) if self.comparison else None
            values |= {} if drawn is None else {f"{name}_certainty": drawn.certainty}
        return values

    def as_json(self) -> dict[str, Any]:
        """The decision's file."""
        return {
            "pointer_uri": self.config.pointer_uri,
            "promoted": self.is_moved,
            "sentences": self.sentences(),
            "model": self.model,
            "rule": self.config.rule(),
            "checks": [{"holds": check.holds, "text": check.text} for check in self.checks],
            "comparison": None if self.comparison is None else self.comparison.as_json(),
            "before": None if self.before is None else self.before.model_dump(mode="json"),
            "named": self.named.model_dump(mode="json"),
        }


def promote(
    model: Path | str,
    evaluation: Path | str,
    config: str | Path | Mapping[str, Any],
    scoring: Scoring,
    *,
    training_run: str = "",
) -> Promotion:
    """Compare a new model with the one that a pointer names, and move the pointer if it is better.

    The model in use is tested here, on the images and with the rules of the new model's evaluation; scenes that an
    earlier run inferred with it are not inferred again. A better model is copied to a folder beside the pointer that
    is named by its digest, and the pointer is moved in one step when the copy is whole. Where another run has moved it
    meanwhile, the new model is compared with what it names now. Models that were in use stay where they are. Where the
    pointer names the new model already, its folder gets the files that it lacks, such as a model.onnx.

    Args:
        model: Folder of the new model.
        evaluation: What evaluate wrote of it.
        config: The promotion config: JSON text, a path or the parsed document.
        scoring: How the model in use is tested.
        training_run: Names the run, for the pointer.

    Returns:
        What was decided.

    Raises:
        ConfigError: If the config breaks a rule, or the two models know other classes.
        DataError: If the pointer is none, its model is gone, or the evaluation is of other images or of none.
        StorageError: If a place cannot be read or written, or other runs do not stop moving the pointer.
    """
    settings = load_promotion(config)
    settings = settings.model_copy(update={"pointer_uri": storage.absolute_uri(settings.pointer_uri)})
    folder = Path(model)
    check_holds_model(folder)
    name, scores = model_digest(folder), read_scores(evaluation)
    for _ in range(ROUNDS):
        seen = read_pointer(settings.pointer_uri)
        before = seen.champion
        if before is not None and before.model == name:
            added = _added(folder, seen, before)
            return _said(Promotion(settings, name, False, (), None, before, before, added))
        comparison = None if before is None else _compared(folder, seen, before, scores, scoring)
        found = () if comparison is None else tuple(checks(comparison, settings))
        if before is not None and not all(check.holds for check in found):
            return _said(Promotion(settings, name, False, found, comparison, before, before))
        named = _moved(folder, name, seen, settings, scores, training_run)
        if named is not None:
            return _said(Promotion(settings, name, True, found, comparison, before, named))
        log.info("%s: another run has moved it meanwhile; comparing with what it names now", settings.pointer_uri)
    raise StorageError(
        f"{settings.pointer_uri}: {ROUNDS} times another run moved it while the new model was compared; run again when "
        "fewer trainings end at once"
    )


def _compared(folder: Path, seen: SeenPointer, champion: Champion, scores: ModelScores, scoring: Scoring) -> Comparison:
    with local_champion(seen, champion) as other:
        _check_classes(folder, other, seen.uri)
        return compare(scores, scoring.scores_of(other, scores))


def _check_classes(folder: Path, other: Path, pointer_uri: str) -> None:
    new, old = ([entry.title for entry in read_config(place).classes] for place in (folder, other))
    check_same_classes(new, old, pointer_uri)


def _added(folder: Path, seen: SeenPointer, champion: Champion) -> tuple[str, ...]:
    """Give the folder of the model in use what it lacks of that of the same model; gives the names of the files."""
    names = sorted(file.name for file in folder.iterdir() if file.is_file())
    lacking = tuple(name for name in names if not storage.exists(storage.join_uri(champion.model_uri, name)))
    if lacking:
        with local_champion(seen, champion):  # which is the same model as the pointer says
            for name in lacking:
                storage.put_file(folder / name, storage.join_uri(champion.model_uri, name))
    return lacking


def _moved(
    folder: Path, name: str, seen: SeenPointer, config: PromotionConfig, scores: ModelScores, run: str
) -> Champion | None:
    """What the pointer names now; None where another run has moved it meanwhile, and it stays as that left it."""
    place = storage.join_uri(storage.parent_of(seen.uri), name[:SHOWN])
    storage.put_tree(folder, place, last=CONFIG_FILE)
    champion = Champion(
        model_uri=place,
        model=name,
        promoted=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        run=run,
        rule=config.rule(),
        scores=scores.as_json(),
        predecessors=() if seen.champion is None else seen.champion.as_predecessor(),
    )
    return champion if storage.replace_bytes(seen.uri, champion.as_bytes(), seen.content) else None


def _said(done: Promotion) -> Promotion:
    first, *conditions = done.sentences()
    for sentence in (*conditions, first):  # the last line is what a local run shows
        log.info("%s", sentence)
    return done
