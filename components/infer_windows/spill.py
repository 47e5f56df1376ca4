"""Arrays put aside on disk, and taken up in the order in which they were put there."""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast

import numpy as np

from components.core.errors import StorageError
from components.infer_windows.arrays import Float32


class Spill:
    """A temporary file of float32 arrays; it is gone when it is closed, or when the process ends."""

    def __init__(self) -> None:
        self._file: BinaryIO | None = None

    def close(self) -> None:
        """Remove it."""
        if self._file is not None:
            self._file.close()

    def put(self, values: Float32) -> None:
        """Append an array.

        Raises:
            StorageError: If the disk has no room for it.
        """
        try:
            if self._file is None:
                self._file = cast(BinaryIO, tempfile.TemporaryFile(prefix="windows-"))  # noqa: SIM115 - see close
            self._file.write(np.ascontiguousarray(values).data)
        except OSError as error:
            raise _no_room(error) from error

    def rewind(self) -> None:
        """Go back to the first array, to take them up.

        Raises:
            StorageError: If the disk has no room for what was put there last.
        """
        if self._file is None:
            return
        try:
            self._file.seek(0)
        except OSError as error:
            raise _no_room(error) from error

    def take(self, shape: tuple[int, ...]) -> Float32:
        """The next array.

        Args:
            shape: As it was put there.

        Raises:
            ValueError: If there is none.
        """
        values = np.empty(shape, np.float32)
        read = 0 if self._file is None else self._file.readinto(values.data.cast("B"))  # type: ignore[attr-defined]
        if read != values.nbytes:
            raise ValueError(f"{read} of {values.nbytes} bytes were put aside")
        return values


def _no_room(error: OSError) -> StorageError:
    return StorageError(
        f"{tempfile.gettempdir()}: cannot hold what windows say of the next columns ({error.strerror}); "
        "make room there, or set TMPDIR to a folder on a larger disk"
    )
