"""The project manifest: `meta.json` and Parquet parts, one row an item."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.errors import DataError
from components.core.figures import Bitmap, InlineMask
from components.core.geometry import Size
from components.core.project.history import StageRun, write_history
from components.core.project.item import Item
from components.core.project.meta import ProjectMeta
from components.core.project.rows import (
    OPERATIONS,
    SCHEMA,
    SCHEMA_WITH_OPERATIONS,
    Row,
    item_of_row,
    row_of_item,
)
from components.core.storage import CountedFile
from components.core.storage.atomic_directory import staged_directory

FORMAT = "footprints-project"
VERSION, VERSION_WITH_OPERATIONS = 1, 2
"""A release that knows no operations would show other pixels, and must not read a project with such."""

META_FILE = "meta.json"

PART_ROWS = 250_000
GROUP_ROWS = 1_024
GROUP_OBJECTS = 16_384
"""A row group is closed at either count, so that reading one item never loads much more."""

GROUP_BYTES = 1 << 27
"""And at so many bytes of masks: those of scenes that were scaled or turned are whole."""

KEPT_ITEMS = 16_384
KEPT_OBJECTS = 8
"""So many items, each of a few objects whose pixels lie elsewhere, are kept as they are for reading them again."""

KEPT_BYTES = 256 * 1024 * 1024
"""Row groups kept for reading items in any order: those of a training of a million crops, and little of a pod."""

CHUNK_BYTES = 1 << 20
"""How much of a part is read at once for the digest."""


class ManifestProject:
    """A project read from its manifest; opening reads the parts' footers alone."""

    def __init__(self, directory: Path, meta: dict[str, Any]) -> None:
        if meta.get("version") not in (VERSION, VERSION_WITH_OPERATIONS):
            raise DataError(
                f"{directory}/meta.json: version {meta.get('version')!r} is neither {VERSION} nor "
                f"{VERSION_WITH_OPERATIONS}, which this release reads; write the project again with this release"
            )
        self.directory = directory
        self.place = str(directory)
        self.meta = ProjectMeta.of_json(meta, str(meta.get("name", directory.name)), f"{directory}/meta.json")
        self._groups: OrderedDict[int, pa.Table] = OrderedDict()
        self._kept_bytes = 0
        self._items: dict[int, Item] = {}
        self._length = _length_of(meta, f"{directory}/meta.json")
        found = sum(count for *_, count in self._row_groups)
        if found != self._length:
            raise DataError(
                f"{directory}: meta.json says {self._length} items and the parts hold {found}; "
                "copy the whole project again"
            )

    def __getstate__(self) -> dict[str, Any]:
        """What another process gets: the place, without what was read from it."""
        return self.__dict__ | {"_groups": OrderedDict(), "_kept_bytes": 0, "_items": {}}

    @cached_property
    def parts(self) -> list[Path]:
        """The Parquet parts, in order."""
        return sorted(self.directory.glob("items-*.parquet"))

    @cached_property
    def _row_groups(self) -> list[tuple[int, int, int]]:
        """(part, row group in it, rows) of every row group, in order."""
        groups = []
        for part, path in enumerate(self.parts):
            with self._reading(path, "its footer"), CountedFile(path) as file:
                footer = pq.read_metadata(file)
            groups += [(part, i, footer.row_group(i).num_rows) for i in range(footer.num_row_groups)]
        return groups

    @cached_property
    def _starts(self) -> list[int]:
        """First item of every row group."""
        starts, total = [], 0
        for *_, rows in self._row_groups:
            starts.append(total)
            total += rows
        return starts

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Item]:
        for group in range(len(self._row_groups)):
            for row in self._rows_of(self._read_group(group), group):
                yield item_of_row(row)

    def tables(self) -> Iterator[pa.Table]:
        """The rows as Arrow holds them, a row group at a time, without making items of them.

        Raises:
            DataError: If a part cannot be read.
        """
        for path in self.parts:
            with self._reading(path, "its rows"), CountedFile(path) as file:
                part = pq.ParquetFile(file)
                for group in range(part.num_row_groups):
                    yield part.read_row_group(group, use_threads=False)  # a thousand rows are no work for several

    def item(self, index: int) -> Item:
        """One item; row groups and small items are kept, within bounds."""
        item = self._items.get(index)
        if item is None:
            item = item_of_row(self._row(index))
            if len(self._items) < KEPT_ITEMS and _is_small(item):
                self._items[index] = item
        return item

    def label(self, index: int) -> str:
        """Give "dataset/name" of one item."""
        found = self._row(index, ["dataset", "name"])
        return f"{found['dataset']}/{found['name']}"

    def item_tags(self) -> Iterator[tuple[str, ...]]:
        """The image tags of every item; reads that column alone."""
        for batch in self._columns("tags"):
            yield from (tuple(tags) for tags in batch.column(0).to_pylist())

    def item_sizes(self) -> Iterator[Size]:
        """The size of every item; reads those columns alone."""
        for batch in self._columns("height", "width"):
            yield from map(Size, batch.column("height").to_pylist(), batch.column("width").to_pylist())

    def _columns(self, *names: str) -> Iterator[pa.RecordBatch]:
        for path in self.parts:
            with self._reading(path, f"columns {' and '.join(names)}"), CountedFile(path) as file:
                for batch in pq.ParquetFile(file).iter_batches(columns=list(names)):
                    if set(names) - set(batch.schema.names) or any(batch.column(name).null_count for name in names):
                        raise DataError(f"{path}: items without {' or '.join(names)}; write the project again")
                    yield batch

    @contextmanager
    def _reading(self, path: Path, what: str) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: {what} cannot be read ({error}); write the project again") from error

    def digest(self) -> str:
        """SHA-256 of the files; read once, since a project that was written stays as it is."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        state = hashlib.sha256()
        for path in (self.directory / "meta.json", *self.parts):
            with CountedFile(path) as file:
                state.update(path.stat().st_size.to_bytes(8, "big"))
                while chunk := file.read(CHUNK_BYTES):
                    state.update(chunk)
        return state.hexdigest()

    def _row(self, index: int, columns: list[str] | None = None) -> Row:
        if not 0 <= index < self._length:
            raise IndexError(f"{self.place}: item {index} of {self._length}")
        group = bisect_right(self._starts, index) - 1
        kept = self._kept_group(group)
        chosen = kept.select(columns) if columns else kept
        return self._rows_of(chosen.slice(index - self._starts[group], 1), group)[0]

    def _rows_of(self, table: pa.Table, group: int) -> list[Row]:
        try:
            rows: list[Row] = table.to_pylist()
        except UnicodeDecodeError as error:
            path = self.parts[self._row_groups[group][0]]
            raise DataError(f"{path}: holds text that is not UTF-8 ({error}); write the project again") from error
        return rows

    def _kept_group(self, group: int) -> pa.Table:
        """A row group, kept as Arrow holds it; those not used for longest go first."""
        table = self._groups.pop(group, None)
        if table is None:
            table = self._read_group(group)
            self._kept_bytes += table.nbytes
        self._groups[group] = table
        while self._kept_bytes > KEPT_BYTES and len(self._groups) > 1:
            self._kept_bytes -= self._groups.popitem(last=False)[1].nbytes
        return table

    def _read_group(self, group: int) -> pa.Table:
        part, index, _ = self._row_groups[group]
        path = self.parts[part]
        with self._reading(path, f"row group {index}"), CountedFile(path) as file:
            return pq.ParquetFile(file).read_row_group(index)


def _length_of(meta: dict[str, Any], place: str) -> int:
    count = meta.get("items", 0)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise DataError(f"{place}: items: {count!r} is not a number of items; copy the whole project again")
    return count


def _is_small(item: Item) -> bool:
    """Whether an item holds a few references and no pixels."""
    return len(item.objects) <= KEPT_OBJECTS and not any(
        isinstance(entry.figure, Bitmap) and isinstance(entry.figure.mask, InlineMask) for entry in item.objects
    )


def _list_lengths(lists: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """How long each list is; by Arrow's own offsets, since its functions take a tenth of a stage's start to import."""
    lengths = [np.diff(chunk.offsets.to_numpy()) for chunk in lists.chunks]
    return np.concatenate([np.zeros(0, np.int64), *lengths])


def _joined(tables: list[pa.Table]) -> pa.Table:
    """Rows after each other, with a column for operations where any have some."""
    has_operations = any(OPERATIONS in table.schema.names for table in tables)
    schema = SCHEMA_WITH_OPERATIONS if has_operations else SCHEMA
    return pa.concat_tables([_of_schema(table, schema) for table in tables])


def _of_schema(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows, with an empty column for operations where the schema has one and they have none."""
    if OPERATIONS not in schema.names or OPERATIONS in rows.schema.names:
        return rows
    return rows.append_column(schema.field(OPERATIONS), pa.nulls(len(rows), pa.string()))


class ManifestWriter:
    """Writes items in order into a directory; made by `manifest_writer`.

    Attributes:
        directory: Where the files are written.
        meta: Of the project; may be replaced until the end.
        history: What led to the project; may be replaced until the end.
        count: Items so far.
    """

    def __init__(self, directory: Path, meta: ProjectMeta) -> None:
        self.directory = directory
        self.meta = meta
        self.history: tuple[StageRun, ...] = ()
        self.count = 0
        self._rows: list[Row] = []
        self._tables: list[pa.Table] = []
        self._waiting = 0
        self._objects = 0
        self._bytes = 0
        self._part: pq.ParquetWriter | None = None
        self._schema = SCHEMA
        self._version = VERSION
        self._part_rows = 0
        self._parts = 0

    def add(self, item: Item) -> None:
        """Append one item."""
        row = row_of_item(item)
        self._rows.append(row)
        self._bytes += sum(len(entry.get("bits", b"")) for entry in row["objects"])
        self._count(1, len(item.objects))

    def add_rows(self, rows: pa.Table) -> None:
        """Append items as rows of a manifest; groups end where they would if the items came one by one."""
        self._settle()
        objects = np.cumsum(_list_lengths(rows["objects"]))
        start = before = 0
        while start < len(rows):
            full = int(np.searchsorted(objects, before + GROUP_OBJECTS - self._objects)) + 1
            stop = min(full, start + GROUP_ROWS - self._waiting, len(rows))
            self._tables.append(rows.slice(start, stop - start))
            self._count(stop - start, int(objects[stop - 1]) - before)
            start, before = stop, int(objects[stop - 1])

    def _count(self, rows: int, objects: int) -> None:
        """Count what was appended, and write the group that is full."""
        self._waiting += rows
        self._objects += objects
        self.count += rows
        if self._waiting >= GROUP_ROWS or self._objects >= GROUP_OBJECTS or self._bytes >= GROUP_BYTES:
            self._flush()

    def _settle(self) -> None:
        """Make the items that wait rows of Arrow's."""
        if self._rows:
            has_operations = any(OPERATIONS in row for row in self._rows)
            schema = SCHEMA_WITH_OPERATIONS if has_operations else SCHEMA
            self._tables.append(pa.Table.from_pylist(self._rows, schema))
            self._rows = []

    def _flush(self) -> None:
        if not self._waiting:
            return
        self._settle()
        rows = _joined(self._tables)
        if self._part is not None and self._schema is SCHEMA and OPERATIONS in rows.schema.names:
            self._close_part()
        if self._part is None:
            path = self.directory / f"items-{self._parts:05d}.parquet"
            if OPERATIONS in rows.schema.names:
                self._schema, self._version = SCHEMA_WITH_OPERATIONS, VERSION_WITH_OPERATIONS
            else:
                self._schema = SCHEMA
            self._part = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._part.write_table(_of_schema(rows, self._schema).combine_chunks())
        self._part_rows += self._waiting
        self._tables, self._waiting, self._objects, self._bytes = [], 0, 0, 0
        if self._part_rows >= PART_ROWS:
            self._close_part()

    def _close_part(self) -> None:
        if self._part is not None:
            self._part.close()
            self._part, self._part_rows, self._parts = None, 0, self._parts + 1

    def close(self) -> None:
        """Write what is left, then `meta.json`."""
        self._flush()
        self._close_part()
        write_history(self.directory, self.history)
        head = {"format": FORMAT, "version": self._version, "name": self.meta.name, "items": self.count}
        text = json.dumps({**head, **self.meta.as_json()}, indent=1, ensure_ascii=False)
        (self.directory / "meta.json").write_text(text + "\n", encoding="utf-8")


@contextmanager
def manifest_writer(directory: Path | str, meta: ProjectMeta) -> Iterator[ManifestWriter]:
    """Write a project item by item; it appears at `directory` when the block ends well.

    `meta` and `history` may be replaced on the writer while items are added: they are written last.
    """
    with staged_directory(directory) as staged:
        writer = ManifestWriter(staged, meta)
        yield writer
        writer.close()


def write_manifest(directory: Path | str, meta: ProjectMeta, items: Iterable[Item]) -> int:
    """Write a project; it appears at `directory` when it is whole.

    Returns:
        The number of items.
    """
    with manifest_writer(directory, meta) as writer:
        for item in items:
            writer.add(item)
    return writer.count
