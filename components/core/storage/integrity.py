"""Whether a file holds all that its own directory says it does; reads little more than that directory.

Some libraries write their last bytes when a file is closed, and lose the errors that they meet then: such a file is
looked at after it was closed and before it gets its name.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from components.core.storage.tiff import check_tiff

SAFETENSORS_LENGTH_BYTES = 8


def check_integrity(file: Path) -> None:
    """See that a file is whole, in the formats that `CHECKS` names by their suffixes; others are taken as they are.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is not; says what is missing.
    """
    check = CHECKS.get(file.suffix.lower())
    if check is not None:
        check(file)


def _check_tiff(file: Path) -> None:
    with file.open("rb") as opened:

        def read(offset: int, size: int) -> bytes:
            opened.seek(offset)
            return opened.read(size)

        check_tiff(read, file.stat().st_size)


def _check_parquet(file: Path) -> None:
    """The footer is what is written last, behind all columns."""
    import pyarrow.parquet as pq  # not for the commands that write none

    pq.read_metadata(file)


def _check_geopackage(file: Path) -> None:
    """SQLite undoes what it could not write, so that a layer lacks rows: whoever wrote them counts them."""
    import sqlite3

    size_bytes = file.stat().st_size
    with file.open("rb") as opened:
        if opened.read(16) != b"SQLite format 3\0":
            raise ValueError("it has no header of SQLite")
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
        try:
            (pages,), (page_bytes,) = (
                database.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size")
            )
            database.execute("SELECT count(*) FROM gpkg_contents").fetchone()
        except sqlite3.Error as error:
            raise ValueError(f"SQLite cannot read it: {error}") from error
    if pages * page_bytes != size_bytes:
        raise ValueError(f"it has {size_bytes} bytes, and {pages} pages of {page_bytes}")


def _check_safetensors(file: Path) -> None:
    """The header's length, the header, and behind it the bytes that it speaks of.

    Source: https://github.com/huggingface/safetensors#format
    """
    size_bytes = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(SAFETENSORS_LENGTH_BYTES), "little")
        if SAFETENSORS_LENGTH_BYTES + length > size_bytes:
            raise ValueError(f"its header ends behind its {size_bytes} bytes")
        tensors: dict[str, dict[str, list[int]]] = json.loads(opened.read(length))
    end = max((entry["data_offsets"][1] for name, entry in tensors.items() if name != "__metadata__"), default=0)
    expected = SAFETENSORS_LENGTH_BYTES + length + end
    if expected != size_bytes:
        raise ValueError(f"it has {size_bytes} bytes, and its header says {expected}")


def _check_zip(file: Path) -> None:
    """The directory of a ZIP file is what is written last, behind all entries."""
    try:
        with zipfile.ZipFile(file) as opened:
            names = opened.namelist()
    except zipfile.BadZipFile as error:
        raise ValueError(f"it has no directory: {error}") from error
    if not names:
        raise ValueError("it is empty")


CHECKS: Mapping[str, Callable[[Path], None]] = {
    ".tif": _check_tiff,
    ".parquet": _check_parquet,
    ".gpkg": _check_geopackage,
    ".safetensors": _check_safetensors,
    ".ckpt": _check_zip,
}
"""For files that libraries write; what Python writes itself raises at once."""
