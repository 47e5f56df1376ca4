"""Model folders as files, without the network: what they are called, what identifies them, where they lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.core import storage
from components.core.errors import DataError
from components.core.hashing import digest

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.json"
DATA_FILE = "data.json"
HISTORY_FILE = "history.json"
STATISTICS_FILE = "training_statistics.json"


def model_digest(folder: Path) -> str:
    """SHA-256 of what decides a model's results: its config and its weights.

    Raises:
        DataError: If one of them cannot be read.
    """
    try:
        return digest(*(_content(folder / name) for name in (CONFIG_FILE, WEIGHTS_FILE)))
    except OSError as error:
        raise DataError(
            f"model: {error.filename} cannot be read ({error.strerror}); give a folder that train_unet wrote"
        ) from error


def _content(file: Path) -> bytes:
    with storage.CountedFile(file) as opened:
        return opened.read()


@contextmanager
def local_model(uri: str | Path) -> Iterator[Path]:
    """Give a model folder on local disk.

    Args:
        uri: A local folder, which is given as it is, or one in object storage, which is fetched to a temporary folder
            and removed when the block ends.

    Raises:
        DataError: If the folder holds no model.
        StorageError: If it is in object storage and cannot be fetched.
    """
    place = storage.parse_uri(uri)
    if not place.is_remote:
        check_holds_model(uri)
        yield place.path
        return
    with storage.scratch_folder("model") as parent:
        folder = parent / "model"
        check_holds_model(uri)
        storage.get_tree(str(place), folder)
        yield folder


def check_holds_model(uri: str | Path) -> None:
    """See that a folder or prefix holds a model's files, without reading them.

    Raises:
        DataError: If it does not.
        StorageError: If the place cannot be asked.
    """
    missing = [file for file in (CONFIG_FILE, WEIGHTS_FILE) if not storage.exists(storage.join_uri(uri, file))]
    if missing:
        raise DataError(f"model: {uri} holds no {' and no '.join(missing)}; give a folder that train_unet wrote")
