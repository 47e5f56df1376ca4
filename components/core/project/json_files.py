"""JSON files of projects, read and counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.core.errors import DataError
from components.core.json_text import parse_json
from components.core.storage import CountedFile


def read_counted(file: Path) -> bytes:
    """All bytes of a file.

    Raises:
        OSError: If it cannot be read.
    """
    with CountedFile(file) as opened:
        return opened.read()


def read_json(file: Path) -> Any:
    """Parse a JSON file.

    Raises:
        DataError: If it cannot be read or is not JSON.
    """
    try:
        return parse_json(read_counted(file))
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DataError(f"{file}: is not JSON ({error}); fix or remove it") from error
