"""What a shard publishes itself, and what it leaves to publication.

A shard finishes every scene whose rows are all its own: they get their files and their marker. Its part, a project on
its way to publication, holds the items of all other scenes: those of which other shards have rows, and those that
could not be finished here and are tried once more there, so that what is wrong with one is named, noted and counted in
one place. Beside them, `finished.json` holds what the report shows of each finished scene.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path

from affine import Affine
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from components.core.collection.collect_parts import collect_parts, scene_of
from components.core.collection.describe import describe_model
from components.core.collection.finish_scene import FinishedScene
from components.core.collection.finish_scenes import finish_scenes, finishing_run, scene_finisher
from components.core.collection.layer.ids import Change
from components.core.collection.ledger import Collection, SceneRecord
from components.core.collection.plan import Plan
from components.core.errors import DataError
from components.core.footprints.records import check_class
from components.core.project import Project, manifest_writer, open_project
from components.core.project.history import StageRun, read_history

log = logging.getLogger(__name__)

FINISHED_FILE = "finished.json"

FINISHING = "finish_scenes"
"""What this part of a shard's work is called in its history."""


class _Entry(BaseModel):
    """A finished scene as the file has it; the plan knows the rest by the marker's name."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    mark: str
    record: SceneRecord
    pixels: str
    transform: tuple[float, float, float, float, float, float]
    change: Change | None
    confidence: float | None


_ENTRIES = TypeAdapter(tuple[_Entry, ...])


@dataclass(frozen=True, slots=True)
class ShardPart:
    """What a shard hands to publication.

    Attributes:
        finished: Scenes that are done.
        project: The items of all others that it has rows of.
        history: What its stages did, and why they left images out.
    """

    finished: tuple[FinishedScene, ...]
    project: Project
    history: tuple[StageRun, ...]


def finish_shard(plan: Plan, split: Path, model: Path, part: Path, *, workers: int = 0) -> int:
    """Finish the scenes that a shard has every row of, and write what is left of it.

    Scenes that have their marker, of an earlier try of the shard or of another run, are left as they are.

    Args:
        plan: Of the run.
        split: The shard's split project.
        model: Folder of the model that detected it: the plan's.
        part: Directory of the part to write; `read_part` reads it.
        workers: Worker processes (0 = one per core).

    Returns:
        How many scenes are finished.

    Raises:
        ConfigError: If the project has no objects of the plan's class.
        DataError: If the project or the model cannot be read.
        StorageError: If the collection cannot be read, or a place cannot be written.
    """
    project = open_project(split)
    check_class(project, plan.settings.class_title)
    describe_model(Collection(plan.output_uri), plan, model)
    finisher = scene_finisher(plan, [project])
    begun = time.perf_counter()
    finished, failures = finish_scenes(finisher, collect_parts(plan, [project], ()).scenes, workers)
    run = finishing_run(FINISHING, finished, time.perf_counter() - begun)
    for failure in failures:
        log.info("%s: publish_collection will try it again: %s", failure.key, failure.skipped.reason)
    write_part(part, project, (*read_history(split), run), finished)
    return len(finished)


def write_part(part: Path, project: Project, history: Iterable[StageRun], finished: Iterable[FinishedScene]) -> None:
    """Write a shard's part.

    Args:
        part: Its directory.
        project: The shard's split project.
        history: What the shard did.
        finished: Scenes of it that are done; the part has the items of all others.
    """
    entries = {scene.mark.scene: _entry(scene) for scene in finished}
    with manifest_writer(part, project.meta) as writer:
        writer.history = tuple(history)
        for index in _others(project, entries):
            writer.add(project.item(index))
    (part / FINISHED_FILE).write_bytes(_ENTRIES.dump_json(tuple(entries.values()), indent=1) + b"\n")


def read_part(part: Path | str, plan: Plan) -> ShardPart:
    """Read a shard's part.

    Raises:
        DataError: If it is not what a shard of this plan wrote.
    """
    file = Path(part) / FINISHED_FILE
    planned = {plan.mark(scene).stem: scene for scene in plan.scenes}
    try:
        entries = _ENTRIES.validate_json(file.read_bytes())
        finished = tuple(
            FinishedScene(
                planned=planned[entry.mark],
                mark=plan.mark(planned[entry.mark]),
                record=entry.record,
                pixels=entry.pixels,
                transform=Affine(*entry.transform),
                change=entry.change,
                confidence=entry.confidence,
            )
            for entry in entries
        )
    except (OSError, ValidationError, KeyError) as error:
        raise DataError(
            f"{file}: is not a shard result of this run ({_why(error)}); run again: finished scenes are not repeated"
        ) from error
    return ShardPart(finished, open_project(part), read_history(part))


def _others(project: Project, finished: Container[str]) -> Iterable[int]:
    return (index for index in range(len(project)) if scene_of(project.label(index))[0] not in finished)


def _entry(scene: FinishedScene) -> _Entry:
    transform = scene.transform
    return _Entry(
        mark=scene.mark.stem,
        record=scene.record,
        pixels=scene.pixels,
        transform=(transform.a, transform.b, transform.c, transform.d, transform.e, transform.f),
        change=scene.change,
        confidence=scene.confidence,
    )


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is not a scene of the plan"
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False, include_context=False)[0]
        return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    return str(error)
