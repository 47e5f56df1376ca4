"""The map of a run of detection: its scenes, and what became of their buildings."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from affine import Affine

from components.core import storage
from components.core.collection.finish_scene import FinishedScene
from components.core.collection.layer.changes import ChangeKind
from components.core.collection.layer.tables import read_columns
from components.core.collection.ledger import Collection
from components.core.errors import DataError, StorageError
from components.core.footprints.geography import Geometries, PixelGrid
from components.core.footprints.records import GEOMETRY
from components.core.footprints.vector_files import BATCH_ROWS, geometries_of
from components.core.hashing import hash_integer
from components.core.project import ImageRef
from components.core.reporting import palette
from components.core.reporting.page import Section
from components.core.reporting.text import counted_noun, thousands
from components.core.reporting.webmap.content import DrawnBuildings, MapContent, MapKind, MapScene, Value
from components.core.reporting.webmap.pictures import picture_tasks, read_pictures
from components.core.reporting.webmap.planes import GroundPlace, PlaneKind, ground_shapes
from components.core.reporting.webmap.sampling import fair_shares, spread
from components.core.reporting.webmap.section import MOST_BUILDINGS, MOST_SCENES, map_section
from components.core.scene_errors import scene_errors

KEPT, BEFORE = "kept", "before"

KINDS = (
    MapKind(KEPT, "as before", palette.KEPT, fill=0.1, note="The layer showed it before this run, and shows it now."),
    MapKind(ChangeKind.NEW, "new", palette.BOTH, fill=0.3, note="The layer shows it now, and did not before."),
    MapKind(ChangeKind.MOVED, "moved", palette.MOVED, note="Another scene shows it now, under another id."),
    MapKind(
        BEFORE,
        "outline before",
        palette.BEFORE,
        fill=0.0,
        is_dashed=True,
        is_echo=True,
        note="Of a building that changed or moved.",
    ),
    MapKind(ChangeKind.CHANGED, "changed", palette.CHANGED, fill=0.3, note="The layer shows it with another outline."),
    MapKind(
        ChangeKind.UNCOVERED,
        "not looked at",
        palette.MUTED,
        fill=0.15,
        is_dashed=True,
        note="No scene shows its ground any more.",
    ),
    MapKind(ChangeKind.GONE, "gone", palette.PREDICTION, fill=0.3, note="Its ground was looked at, and it is no more."),
)
"""In the legend's order; what is drawn last lies above."""

_SHOWN_NOW = (ChangeKind.NEW, ChangeKind.MOVED, ChangeKind.CHANGED)
_COLUMNS = ("id", "class", "area_m2", "confidence", "source", "captured", "first_seen", "model", "status", GEOMETRY)
_OF_CHANGES = ("id", "class", "area_m2", "source", "captured")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Source:
    """An image whose buildings are shown.

    Attributes:
        key: Of the image.
        finished: What this run did with it; None where it did another that overlaps it, or the image is gone.
        place: Where it lies; None where that is not known.
    """

    key: str
    finished: FinishedScene | None
    place: GroundPlace | None


@dataclass(frozen=True, slots=True)
class _Kind:
    """The buildings of one kind in one scene, with the columns `_COLUMNS`."""

    key: str
    rows: pa.Table


def detection_map(
    finished: Sequence[FinishedScene],
    changes: str,
    collection: Collection,
    *,
    is_settled: bool = True,
    workers: int = 0,
) -> Section | None:
    """Show what a run found: its scenes with the buildings of the layer, and what became of those before.

    Scenes in which something changed come first, then others by their names.

    Args:
        finished: Scenes that the run did.
        changes: URI of what it changed, as Parquet; empty where nothing changed.
        collection: Whose layer they are in.
        is_settled: Whether the layer shows them already.
        workers: Worker processes (0 = one per core). The map does not depend on it.

    Returns:
        The section; None where there is nothing to show.

    Raises:
        DataError: If the changes cannot be read.
        StorageError: If they are not there.
    """
    with storage.scratch_folder("map") as folder:
        file = folder / "changes.parquet"
        if changes:
            storage.get_file(changes, file)
        counts = _counts(file) if changes else {}
        everything = _sources(finished, counts)
        shown = [source for source in everything if source.place is None or source.place.is_on_map]
        chosen = shown[:MOST_SCENES]
        rows = _rows_of({source.key for source in chosen}, file) if changes else {}
    expected = [_expected(source, counts.get(source.key, Counter())) for source in chosen]
    shares = fair_shares(expected, MOST_BUILDINGS)
    pictures = _pictures(chosen, workers)
    scenes = tuple(
        MapScene(source.key, source.place, pictures.get(source.key), _buildings(source, rows, collection, share))
        for source, share in sorted(zip(chosen, shares, strict=True), key=lambda entry: entry[0].key)
    )
    notes = _notes(len(chosen), len(shown), len(everything) - len(shown), is_settled)
    lead = "What became of the buildings since the run before, over the imagery of this run."
    return map_section("Map", lead, [MapContent(PlaneKind.GROUND, "Detection", _kinds(changes), scenes, notes)])


def _counts(changes: Path) -> dict[str, Counter[str]]:
    """How many changes of each kind an image has."""
    found: dict[str, Counter[str]] = {}
    for rows in _batches(changes, ["kind", "source", "source_before"]):
        table = pa.table({"kind": rows["kind"], "key": _keys(rows), "one": pa.array(np.ones(rows.num_rows, np.int64))})
        for entry in table.group_by(["kind", "key"]).aggregate([("one", "sum")]).to_pylist():
            found.setdefault(entry["key"], Counter())[entry["kind"]] += entry["one_sum"]
    return found


def _rows_of(keys: set[str], changes: Path) -> dict[str, pa.Table]:
    """The changes of some images."""
    wanted = pa.array(sorted(keys), pa.string())
    found: dict[str, list[pa.Table]] = {}
    for rows in _batches(changes, None):
        own = _keys(rows)
        some = pa.Table.from_batches([rows]).append_column("key", own).filter(pc.is_in(own, value_set=wanted))
        for key in pc.unique(some["key"]).to_pylist():
            found.setdefault(key, []).append(some.filter(pc.equal(some["key"], key)))
    return {key: pa.concat_tables(tables).combine_chunks() for key, tables in found.items()}


def _batches(changes: Path, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(changes) as file:
        yield from file.iter_batches(BATCH_ROWS, columns=columns)


def _keys(rows: pa.RecordBatch) -> pa.Array:
    """The image that shows a building, or showed it."""
    return pc.coalesce(rows["source"], rows["source_before"])


def _sources(finished: Sequence[FinishedScene], counts: Mapping[str, Counter[str]]) -> list[_Source]:
    """Images by how much changed in them, then by name."""
    by_key = {scene.record.key: scene for scene in finished}

    def changed(key: str) -> int:
        scene, own = by_key.get(key), counts.get(key, Counter())
        is_first = scene is not None and scene.change is None
        return own.total() - (own[ChangeKind.NEW] if is_first else 0)

    keys = sorted({*by_key, *counts}, key=lambda key: (-changed(key), hash_integer(0, "map", key)))
    return [_Source(key, by_key.get(key), _place(by_key.get(key))) for key in keys]


def _place(scene: FinishedScene | None) -> GroundPlace | None:
    if scene is None or scene.transform == Affine.identity():
        return None
    return GroundPlace(PixelGrid(scene.record.crs, scene.transform), scene.planned.size)


def _expected(source: _Source, changes: Counter[str]) -> int:
    """About how many buildings of an image can be drawn."""
    here = sum(changes[kind] for kind in _SHOWN_NOW)
    return max(here, source.finished.record.footprints if source.finished else 0) + changes.total() - here


def _pictures(sources: Sequence[_Source], workers: int) -> dict[str, Any]:
    images = [
        (
            source.key,
            ImageRef.whole(source.finished.pixels or source.finished.planned.uri, source.place.size),
            source.place,
        )
        for source in sources
        if source.finished is not None and source.place is not None
    ]
    found = read_pictures(picture_tasks(images), workers)
    return dict(zip((key for key, _, _ in images), found, strict=True))


def _buildings(
    source: _Source, changes: Mapping[str, pa.Table], collection: Collection, share: int
) -> tuple[DrawnBuildings, ...]:
    """What is drawn of an image; nothing where its part of the layer cannot be read, which is logged."""
    try:
        with scene_errors(source.key):
            own = changes.get(source.key)
            kinds = [*_shown(source, own, collection), *_shown_no_more(own)]
            return tuple(_drawn(source, kinds, own, share))
    except (DataError, StorageError) as error:
        log.warning("report: no buildings on the map: %s", error)
        return ()


def _shown(source: _Source, changes: pa.Table | None, collection: Collection) -> Iterator[_Kind]:
    """What the layer shows of an image, by kind."""
    present = _present(source, changes, collection)
    if present is None:
        return
    kinds = {} if changes is None else dict(zip(changes["id"].to_pylist(), changes["kind"].to_pylist(), strict=True))
    own = np.array([kinds.get(name, KEPT) for name in present["id"].to_pylist()], dtype=object)
    for key in (KEPT, *_SHOWN_NOW):
        yield _Kind(key, present.filter(pa.array(own == key)))


def _present(source: _Source, changes: pa.Table | None, collection: Collection) -> pa.Table | None:
    """The buildings of an image in the layer; of one that this run did not do, those that changed."""
    if source.finished is not None:
        place = collection.partition(source.finished.mark.scene)
        if not storage.exists(place):
            return None
        try:
            return read_columns(place, _COLUMNS)
        except (pa.ArrowException, ValueError) as error:
            raise DataError(f"{place}: is not a partition of the layer ({error})") from error
    if changes is None:
        return None
    return _as_rows(changes.filter(pc.is_in(changes["kind"], value_set=pa.array(list(_SHOWN_NOW)))), "")


def _shown_no_more(changes: pa.Table | None) -> Iterator[_Kind]:
    for key in (ChangeKind.UNCOVERED, ChangeKind.GONE):
        if changes is not None:
            yield _Kind(key, _as_rows(changes.filter(pc.equal(changes["kind"], key.value)), "_before"))


def _as_rows(changes: pa.Table, suffix: str) -> pa.Table:
    """Changes as buildings, which have columns more."""
    nothing = pa.nulls(changes.num_rows)
    columns = {name: changes[f"{name}{suffix}"] for name in _OF_CHANGES}
    columns |= {
        "confidence": nothing.cast(pa.float64()),
        **dict.fromkeys(("first_seen", "model", "status"), nothing.cast(pa.string())),
        GEOMETRY: changes[GEOMETRY],
    }
    return pa.table({name: columns[name] for name in _COLUMNS})


def _drawn(source: _Source, kinds: Sequence[_Kind], changes: pa.Table | None, share: int) -> Iterator[DrawnBuildings]:
    to_plane = _to_plane(source, kinds)
    shares = fair_shares([kind.rows.num_rows for kind in kinds], share)
    moved: list[tuple[Geometries, list[dict[str, Value]]]] = []
    for kind, some in zip(kinds, shares, strict=True):
        count = kind.rows.num_rows
        confidence = kind.rows["confidence"].to_numpy().astype(np.float64)
        chosen = kind.rows.take(pa.array(spread(count, some, confidence)))
        rows = [_told(row) for row in chosen.drop_columns([GEOMETRY]).to_pylist()]
        if kind.key in (ChangeKind.CHANGED, ChangeKind.MOVED) and changes is not None:
            moved.append(_with_past(rows, chosen["id"].to_pylist(), changes))
        yield DrawnBuildings(kind.key, count, to_plane(geometries_of(chosen)), rows)
    total = sum(kind.rows.num_rows for kind in kinds if kind.key in (ChangeKind.CHANGED, ChangeKind.MOVED))
    if total:
        shapes = to_plane(np.concatenate([entry[0] for entry in moved]))
        yield DrawnBuildings(BEFORE, total, shapes, [row for entry in moved for row in entry[1]])


def _to_plane(source: _Source, kinds: Sequence[_Kind]) -> Callable[[Geometries], Geometries]:
    """Around the image's middle; around its first building, for all kinds alike, where its place is not known."""
    if source.place is not None:
        return source.place.shapes_of_degrees
    first = next((geometries_of(kind.rows.slice(0, 1))[0] for kind in kinds if kind.rows.num_rows), None)
    middle = 0.0 if first is None else float(first.bounds[0])
    return lambda shapes: ground_shapes(shapes, middle)


def _told(row: Mapping[str, Any]) -> dict[str, Value]:
    """A row of the layer as people read it."""
    area, confidence = row["area_m2"], row["confidence"]
    return {
        "id": row["id"],
        "class": row["class"],
        "area, m²": None if area is None else round(area, 1),
        "confidence": None if confidence is None or confidence != confidence else round(confidence, 3),
        "image": row["source"],
        "captured": row["captured"] or None,
        "first seen": row["first_seen"] or None,
        "model": row["model"],
        "outline": row["status"] or None,
    }


def _with_past(
    rows: Sequence[dict[str, Value]], ids: Sequence[str], changes: pa.Table
) -> tuple[Geometries, list[dict[str, Value]]]:
    """Add what buildings were before to their rows; gives their outlines then, and the same rows."""
    places = {name: place for place, name in enumerate(changes["id"].to_pylist())}
    past = changes.take(pa.array([places[name] for name in ids], pa.int64()))
    for row, before in zip(rows, past.drop_columns([GEOMETRY, "geometry_before"]).to_pylist(), strict=True):
        if before["id_before"] != row["id"]:
            row["id before"] = before["id_before"]
        row["area before, m²"] = None if before["area_m2_before"] is None else round(before["area_m2_before"], 1)
        if before["source_before"] != row["image"]:
            row["image before"] = before["source_before"]
        row["captured before"] = before["captured_before"] or None
        row["overlap with before"] = None if before["overlap"] is None else round(before["overlap"], 3)
    return geometries_of(pa.table({GEOMETRY: past["geometry_before"]})), list(rows)


def _kinds(changes: str) -> tuple[MapKind, ...]:
    """Where no change is told, as when an update that was killed has told all of it, the first kind has other words."""
    if changes:
        return KINDS
    return (
        replace(KINDS[0], title="in the layer", note="The layer shows it; this run tells of no change."),
        *KINDS[1:],
    )


def _notes(chosen: int, shown: int, polar: int, is_settled: bool) -> tuple[str, ...]:
    notes = []
    if chosen < shown:
        notes.append(
            f"{thousands(chosen)} of {thousands(shown)} scenes are shown: those in which most changed, then others by "
            "their names; the counts beside the kinds are of these."
        )
    if polar:
        notes.append(
            f"{counted_noun(polar, 'scene')} {'lies' if polar == 1 else 'lie'} too near to a pole for the map."
        )
    if not is_settled:
        notes.append("Another run is updating the layer: what changed is not told before it is done.")
    return tuple(notes)
