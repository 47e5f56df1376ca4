"""The layer and the ledger brought together, whatever other runs do to both meanwhile."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import SystemRandom

from components.core.collection.confirmation import Confirmation
from components.core.collection.layer.update import LayerUpdate, update_layer
from components.core.collection.ledger import Collection, Mark
from components.core.collection.plan import Plan
from components.core.errors import DataError, StorageError
from components.core.progress import progress

log = logging.getLogger(__name__)

ROUNDS = 6
"""How often the layer is brought up to date at most, where other runs change the ledger or the layer meanwhile."""

THREADS = 16


def reconcile(
    collection: Collection,
    plan: Plan,
    done: Mapping[str, Mark],
    join_tiles: bool = True,
    confirm: Confirmation | None = None,
) -> LayerUpdate:
    """Have the layer show what the ledger says, and retire what it shows no more.

    Both are done again where another run has changed the ledger or the layer meanwhile, after a while that differs
    from run to run. Where that goes on, the layer is left to the other run, or to the next one.

    Args:
        collection: It.
        plan: Says what is retired.
        done: The marks of this run by scene; other marks of these scenes are retired, unless another run, which did
            the scene again, has retired that of this one meanwhile.
        join_tiles: Whether buildings that the borders of tiles cut are joined.
        confirm: How many of the next captures have to agree for a change to count; None for none.

    Returns:
        All updates as one.

    Raises:
        DataError: If a marker or a scene's footprints are broken.
        StorageError: If a place cannot be read or written.
    """
    total: LayerUpdate | None = None
    retired = set(plan.retired)
    for number in range(ROUNDS):
        began = time.monotonic()
        marks = set(collection.marks())
        there = {scene: mark for scene, mark in done.items() if mark in marks}
        leaving = {mark for mark in marks if mark in retired or mark != there.get(mark.scene, mark)}
        chosen = _one_a_scene(marks - retired, there, plan.detector)
        update = _updated(collection, plan.images_uri, chosen, marks, join_tiles, confirm, is_last=number == ROUNDS - 1)
        if update is not None:
            total = update if total is None else _joined(total, update)
        if update is not None and not update.layer.unsettled:
            _retire(collection, leaving)
            touched = leaving or update.rewritten or update.removed
            if not touched or set(collection.marks()) == marks - leaving:
                break
        log.info("another run is changing the collection; updating the layer again")
        time.sleep(SystemRandom().uniform(0, 2**number) * (time.monotonic() - began))
    else:
        log.warning("concurrent runs keep updating the collection; they or the next run will update the layer")
    _end_retiring(collection)
    assert total is not None
    return total


def _one_a_scene(marks: Iterable[Mark], done: Mapping[str, Mark], detector: str) -> dict[str, Mark]:
    """The marks that make the layer: those of this run, else of its detector, else the last by name."""
    chosen: dict[str, Mark] = {}
    for mark in sorted(marks, key=lambda mark: (mark == done.get(mark.scene), mark.detector == detector, mark)):
        chosen[mark.scene] = mark
    return chosen


def _updated(
    collection: Collection,
    images_uri: str,
    chosen: Mapping[str, Mark],
    marks: set[Mark],
    join_tiles: bool,
    confirm: Confirmation | None,
    is_last: bool,
) -> LayerUpdate | None:
    """What an update did; None where it missed what another run has retired since the ledger was listed."""
    try:
        return update_layer(collection, images_uri, chosen.values(), join_tiles=join_tiles, confirm=confirm)
    except (DataError, StorageError):
        if is_last or marks <= set(collection.marks()):
            raise
        return None


def _joined(first: LayerUpdate, second: LayerUpdate) -> LayerUpdate:
    """Two updates in a row as one."""
    return replace(
        second,
        rewritten=tuple(sorted({*first.rewritten, *second.rewritten})),
        removed=tuple(sorted({*first.removed, *second.removed})),
    )


def _retire(collection: Collection, marks: Iterable[Mark]) -> None:
    todo = sorted(marks)
    if todo:
        with ThreadPoolExecutor(THREADS, "retire") as pool:
            for _ in progress(pool.map(collection.retire, todo), len(todo), "detections retired"):
                pass


def _end_retiring(collection: Collection) -> None:
    """Delete what killed runs left of detections that they were about to delete."""
    half = set(collection.half_retired())
    if half:
        back = half.intersection(collection.marks())
        for mark in back:
            collection.keep(mark)
        _retire(collection, half - back)
