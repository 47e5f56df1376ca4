"""Checkpoints of a training on disk: whole or not there, and read without running code that they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from components.core import storage
from components.core.errors import DataError
from components.core.network.weights import load_pickle

CONTENT = ("state_dict", "history")


class SafeCheckpoints(TorchCheckpointIO):
    """How Lightning writes and reads checkpoints."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write one, which appears when it is whole.

        Raises:
            StorageError: If the disk has no room for it.
        """
        with storage.staged_file(path) as staged, storage.local_errors("write", path):
            try:
                torch.save(checkpoint, staged)
            except RuntimeError as error:  # of PyTorch's own writer, which knows no numbers of errors
                raise storage.not_written(path, staged.parent, str(error).partition("\n")[0]) from error

    def load_checkpoint(self, path: Any, map_location: Any | None = None, weights_only: bool | None = None) -> Any:
        """Read one, on the CPU; also the weights alone, in a hidden file that processes hand back."""
        file = Path(path)
        return read_checkpoint(file, () if file.name.startswith(".") else CONTENT)


def read_checkpoint(path: Path, needed: tuple[str, ...] = CONTENT) -> dict[str, Any]:
    """Content of a checkpoint, which must have some keys.

    Raises:
        DataError: If it is broken, is none of this stage, or holds anything but tensors and plain values.
    """
    try:
        content = load_pickle(path)
        if not isinstance(content, dict) or not all(key in content for key in needed):
            raise ValueError("it is not a checkpoint of this stage")
    except (OSError, ValueError) as error:
        raise DataError(
            f"work_dir: the checkpoint {path} cannot be read ({error}); delete {path.parent}, and the training "
            "starts over"
        ) from error
    return content
