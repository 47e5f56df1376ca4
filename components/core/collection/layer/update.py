"""The layer brought up to date with the ledger, by as few partitions as that takes.

`layer.json` says what each partition was made from. Before a file is touched, the entries of all that will be are
taken out of it, and noted is where they lie; entries come back when their files are there. So a run that is killed
anywhere leaves a `layer.json` whose entries are true, and the next one sees from it and the ledger what is left to do.
The finished layer depends on the ledger alone.

Of two updates at once, the one that ends last finds that `layer.json` is not what it wrote there, or that another has
begun since; see `claims`. Its files and the other's may be mixed, so that it takes its own entries out again, and
leaves them to another update.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from components.core import storage
from components.core.collection.confirmation import Confirmation
from components.core.collection.layer.candidates import Alive
from components.core.collection.layer.claims import UpdateClaim
from components.core.collection.layer.confirming import Confirming
from components.core.collection.layer.duplicates import DecidedLaterError, Shown, find_duplicates
from components.core.collection.layer.index import (
    Bounds,
    CollectionLayer,
    ImageGrid,
    Partition,
    around,
    is_layer,
    layer_or_none,
    write_layer,
)
from components.core.collection.layer.joins import Joins, LayerJoiner, SceneHalves
from components.core.collection.layer.journal import LayerJournal
from components.core.collection.layer.partitions import (
    LostPartitionError,
    digests_of,
    read_alive,
    read_decided,
    read_halves,
    scenes_with_partition,
    write_partition,
)
from components.core.collection.layer.scenes import LayerScene, flat, moment_of
from components.core.collection.ledger import Collection, Mark
from components.core.errors import DataError, StorageError
from components.core.progress import progress

log = logging.getLogger(__name__)

CHECKPOINT_PARTITIONS = 1000
"""`layer.json` is written after this many partitions, so that a killed run need not repeat them."""

EVERYWHERE: Bounds = (-180.0, -90.0, 180.0, 90.0)


@dataclass(frozen=True, slots=True)
class LayerUpdate:
    """What an update did.

    Attributes:
        layer: The layer as it is now; unsettled where another update was at it meanwhile, and it has to be done again.
        rewritten: Scenes whose partitions were written.
        removed: Scenes whose partitions were deleted.
    """

    layer: CollectionLayer
    rewritten: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be done.

    Attributes:
        kept: The layer without what is to be written or deleted.
        written: Scenes to be written, and what is decided of their footprints.
        joins: What scenes have of buildings that several tiles show.
        joiner: Makes these buildings whole.
        removed: Scenes whose files are to be deleted.
        former: Bounds of partitions that are to be replaced or deleted, where they are known.
        there: Scenes that have files.
    """

    kept: CollectionLayer
    written: dict[LayerScene, Shown]
    joins: dict[str, Joins]
    joiner: LayerJoiner
    removed: set[str]
    former: dict[str, Bounds]
    there: set[str]


def update_layer(
    collection: Collection,
    images_uri: str,
    marks: Iterable[Mark],
    *,
    join_tiles: bool = True,
    confirm: Confirmation | None = None,
    checkpoint: int = CHECKPOINT_PARTITIONS,
) -> LayerUpdate:
    """Have the layer show what the ledger says; nothing is written where it does already.

    Args:
        collection: Where the ledger, the scenes and the layer are.
        images_uri: Prefix of the imagery.
        marks: Those of the ledger that make the layer, one a scene.
        join_tiles: Whether buildings that the borders of tiles cut are joined; see `joins`.
        confirm: How many of the next captures have to agree for a change to count; None for none.
        checkpoint: After how many partitions `layer.json` is written.

    Returns:
        What was done.

    Raises:
        ValueError: If two marks are of one scene.
        DataError: If a marker or a scene's footprints are broken.
        StorageError: If a place cannot be read or written.
    """
    wanted = _by_scene(marks)
    known = layer_or_none(collection)
    goal = CollectionLayer(images_uri, join_tiles, confirm="" if confirm is None else str(confirm))
    work = _work_or_more(collection, goal, wanted, known)
    if work.written or work.removed:
        claim = UpdateClaim(collection)
        latest = layer_or_none(collection)
        if latest != known:
            work = _work_or_more(collection, goal, wanted, latest)
        layer = _carried_out(collection, work, checkpoint)
        write_layer(collection, layer)
        if claim.is_shared():
            claim.renew()
            layer = _without_own(collection, work)
            write_layer(collection, layer)
        claim.end()
    else:
        layer = work.kept
        if layer != known:
            write_layer(collection, layer)
    rewritten = sorted(scene.mark.scene for scene in work.written)
    return LayerUpdate(layer, tuple(rewritten), tuple(sorted(work.removed)))


def _by_scene(marks: Iterable[Mark]) -> dict[str, Mark]:
    wanted: dict[str, Mark] = {}
    for mark in sorted(marks):
        if mark.scene in wanted:
            raise ValueError(f"{mark.stem}: the layer has {wanted[mark.scene].stem} of this scene; choose one of them")
        wanted[mark.scene] = mark
    return wanted


def _work_or_more(
    collection: Collection, goal: CollectionLayer, wanted: dict[str, Mark], known: CollectionLayer | None
) -> _Work:
    """What is to be done for a layer like `goal`; partitions that turn out to be lost are rebuilt."""
    while True:
        try:
            return _work(collection, goal, wanted, known)
        except LostPartitionError as lost:
            assert known is not None
            log.warning("%s: this partition is being rebuilt: %s", collection.partition(lost.scene), lost)
            left = {name: part for name, part in known.partitions.items() if name != lost.scene}
            known = replace(known, partitions=left, unsettled=(*known.unsettled, known.partitions[lost.scene].bounds))


def _work(
    collection: Collection, goal: CollectionLayer, wanted: dict[str, Mark], known: CollectionLayer | None
) -> _Work:
    before = known or CollectionLayer()
    partitions = before.partitions
    sure = known is not None and not before.unsettled
    there = set(partitions) if sure else set(scenes_with_partition(collection))
    scenes = {scene: _scene(collection, mark, before) for scene, mark in wanted.items()}
    changed = {scene for scene, mark in wanted.items() if _mark_in(before, scene) != mark.stem}
    leaving = {name: part for name, part in partitions.items() if name in changed or name not in wanted}
    former = {name: part.bounds for name, part in leaving.items()}
    areas = sorted({*before.unsettled, *former.values()})

    def decided_since(since: float) -> dict[str, Shown]:
        shown = {
            name: scene
            for name, scene in scenes.items()
            if name in changed or scene.moment >= since or partitions[name].shows_anything_from(since)
        }

        def read(name: str) -> Alive:
            return read_alive(collection, scenes[name], None if name in changed else partitions[name], since)

        return find_duplicates(shown, changed, areas, since, read)

    since = _since([scenes[name] for name in changed], leaving.values(), before)
    try:
        decided = decided_since(since)
    except DecidedLaterError:
        decided = decided_since(-math.inf)
    left = dict(decided)
    if goal.confirm or before.confirm:
        _confirm(collection, goal, before, scenes, changed, areas, left)
    stale = {name for name, found in left.items() if name in changed or not _is_as_decided(partitions[name], found)}
    joiner = LayerJoiner(scenes if goal.join_tiles else {}, partial(_halves, collection, partitions, left))
    staying = {name: part for name, part in partitions.items() if name in wanted}
    joins = _joins(joiner, goal, staying, before.join_tiles, stale, areas)
    stale |= {name for name, found in joins.items() if name in staying and staying[name].joins != found.digest}
    kept = {name: part for name, part in staying.items() if name not in stale}
    noted = {*areas, *(scenes[name].bounds for name in stale)} if stale or there - set(wanted) else ()
    return _Work(
        replace(goal, partitions=kept, unsettled=tuple(sorted(noted))),
        {scenes[name]: _left(collection, partitions, left, name) for name in stale},
        joins,
        joiner,
        there - set(wanted),
        former,
        there,
    )


def _joins(
    joiner: LayerJoiner,
    goal: CollectionLayer,
    before: Mapping[str, Partition],
    was_joined: bool,
    stale: set[str],
    areas: Sequence[Bounds],
) -> dict[str, Joins]:
    """What scenes have of buildings that several tiles show, for every scene where that may have changed."""
    joined = {name for name, part in before.items() if part.joins}
    if not goal.join_tiles:
        return dict.fromkeys(joined, Joins())
    return joiner.find(stale if was_joined else joiner.scenes, areas, joined)


def _is_as_decided(part: Partition, decided: Shown) -> bool:
    return (part.dropped, part.sightings, part.withheld_rows) == digests_of(decided)


def _confirm(
    collection: Collection,
    goal: CollectionLayer,
    before: CollectionLayer,
    scenes: Mapping[str, LayerScene],
    changed: set[str],
    areas: Sequence[Bounds],
    left: dict[str, Shown],
) -> None:
    """Decide what is withheld of all scenes where that may have changed."""
    confirmation = Confirmation.parse(goal.confirm)
    if confirmation is None:
        names = (name for name in scenes if name in left or before.partitions[name].withheld)
        left |= {name: _left(collection, before.partitions, left, name)._replace(withheld=()) for name in names}
        return
    confirming = Confirming(collection, scenes, confirmation)
    around = confirming.around({*changed, *left}, areas) if goal.confirm == before.confirm else set(scenes)
    for name in sorted(around):
        part = before.partitions.get(name)
        if name in changed or name in left or part is None or part.footprints or part.withheld or part.joins:
            decided = _left(collection, before.partitions, left, name)
            left[name] = decided._replace(withheld=confirming.withheld(name, decided))


def _left(collection: Collection, partitions: Mapping[str, Partition], left: dict[str, Shown], name: str) -> Shown:
    """What is decided of a scene; noted in `left`, since its partition may be replaced while others look at it."""
    if name not in left:
        left[name] = read_decided(collection, partitions[name])
    return left[name]


def _halves(
    collection: Collection, partitions: Mapping[str, Partition], left: dict[str, Shown], scene: LayerScene
) -> SceneHalves:
    return read_halves(collection, scene, _left(collection, partitions, left, scene.mark.scene))


def _since(changed: Iterable[LayerScene], leaving: Iterable[Partition], before: CollectionLayer) -> float:
    """The first moment at which anything changes; all of time where an update did not come to its end."""
    leaving = tuple(leaving)
    last = max((part.last_dropped for part in leaving if part.last_dropped is not None), default=-math.inf)
    if before.unsettled or any(last >= moment_of(part.captured) for part in leaving):
        return -math.inf
    moments = [scene.moment for scene in changed] + [moment_of(part.captured) for part in leaving]
    return min(moments, default=math.inf)


def _mark_in(layer: CollectionLayer, scene: str) -> str | None:
    part = layer.partitions.get(scene)
    return None if part is None else part.mark


def _scene(collection: Collection, mark: Mark, layer: CollectionLayer) -> LayerScene:
    """A scene as `layer.json` knows it, or as its marker says."""
    part = layer.partitions.get(mark.scene)
    if part is not None and part.mark == mark.stem:
        return LayerScene.of(part)
    record = collection.read(mark)
    return LayerScene(mark, record.bounds, record.captured, ImageGrid.of(record))


def _carried_out(collection: Collection, work: _Work, checkpoint: int) -> CollectionLayer:
    """Write and delete files, from west to east, and give the finished layer.

    Where that fails since another update has retired what this one reads, files of both may be mixed, too.
    """
    layer = replace(work.kept, partitions=dict(work.kept.partitions))
    written = write_layer(collection, layer)
    todo = _orphans(work)
    journal = LayerJournal(collection)
    journal.begin({name: (bounds, name in work.there) for bounds, name, _ in todo})
    try:
        for count, (_, name, scene) in enumerate(progress(todo, len(todo), "partitions of the layer"), 1):
            journal.keep(name)
            part = _replaced(collection, work, name, scene)
            if part is not None:
                layer.partitions[part.scene] = part
            if count % checkpoint == 0:
                written = write_layer(collection, layer)
    except (DataError, StorageError):
        if not is_layer(collection, written):
            write_layer(collection, _without_own(collection, work))
        raise
    finished = replace(layer, unsettled=())
    return finished if is_layer(collection, written, finished.as_json()) else _without_own(collection, work)


def _replaced(collection: Collection, work: _Work, name: str, scene: LayerScene | None) -> Partition | None:
    """Write the file of a scene, or delete it; what `layer.json` says of one that is written."""
    if scene is None:
        storage.delete(collection.partition(name))
        return None
    joins = work.joins.get(name, Joins())
    return write_partition(collection, scene, work.written[scene], joins, work.joiner.rows(joins))


def _without_own(collection: Collection, work: _Work) -> CollectionLayer:
    """What another update says meanwhile, without the partitions that both may have written."""
    theirs = layer_or_none(collection) or replace(work.kept, partitions={}, unsettled=())
    own = {scene.mark.scene for scene in work.written} | work.removed
    kept = {name: part for name, part in theirs.partitions.items() if name not in own}
    return replace(theirs, partitions=kept, unsettled=tuple(sorted({*theirs.unsettled, *work.kept.unsettled})))


def _orphans(work: _Work) -> list[tuple[Bounds, str, LayerScene | None]]:
    """What is to be written or deleted from west to east, with the bounds of what was and will be there."""
    todo: list[tuple[Bounds, str, LayerScene | None]] = [
        (work.former.get(name, EVERYWHERE), name, None) for name in work.removed
    ]
    for scene in work.written:
        name = scene.mark.scene
        todo.append((around(flat(scene.bounds), flat(work.former.get(name, scene.bounds))), name, scene))
    return sorted(todo, key=lambda entry: (flat(entry[0])[0], entry[1]))
