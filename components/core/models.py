"""Model folders as files, without the network: what they are called, what identifies them, where they lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from components.core import storage
from components.core.errors import DataError
from components.core.hashing import digest

WEIGHTS_FILE = "model.safetensors"
ONNX_FILE = "model.onnx"
CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.json"
DATA_FILE = "data.json"
HISTORY_FILE = "history.json"
STATISTICS_FILE = "training_statistics.json"

Runtime = Literal["torch", "onnx"]
"""What runs a network: PyTorch, or onnxruntime."""

NETWORK_FILES: dict[Runtime, str] = {"torch": WEIGHTS_FILE, "onnx": ONNX_FILE}
"""The file of a model folder that each of them reads."""

OTHER_RUNTIME: dict[Runtime, Runtime] = {"torch": "onnx", "onnx": "torch"}


def model_digest(folder: Path) -> str:
    """SHA-256 of what a model is, whichever runtime runs it: its config and its weights.

    What it is does not change with a `model.onnx` that is written from the same weights. A folder that holds no weights
    beside such a file is a model of its own: that they are the same cannot be told.

    Args:
        folder: The model's.

    Raises:
        DataError: If one of the files cannot be read.
    """
    has_weights = (folder / WEIGHTS_FILE).exists() or not (folder / ONNX_FILE).exists()
    return network_digest(folder, "torch" if has_weights else "onnx")


def network_digest(folder: Path, runtime: Runtime) -> str:
    """SHA-256 of what decides a model's results: its config and the file that the runtime reads.

    Args:
        folder: The model's.
        runtime: What runs it.

    Raises:
        DataError: If one of the files cannot be read.
    """
    try:
        return digest(*(_content(folder / name) for name in (CONFIG_FILE, NETWORK_FILES[runtime])))
    except OSError as error:
        raise DataError(
            f"model: {error.filename} cannot be read ({error.strerror}); give a folder that train_unet wrote"
        ) from error


def _content(file: Path) -> bytes:
    with storage.CountedFile(file) as opened:
        return opened.read()


@contextmanager
def local_model(uri: str | Path, runtime: Runtime = "torch") -> Iterator[Path]:
    """Give a model folder on local disk.

    Args:
        uri: A local folder, which is given as it is, or one in object storage, which is fetched to a temporary folder
            and removed when the block ends.
        runtime: What is to run it.

    Raises:
        DataError: If the folder holds no model that the runtime reads.
        StorageError: If it is in object storage and cannot be fetched.
    """
    place = storage.parse_uri(uri)
    if not place.is_remote:
        check_holds_model(uri, runtime)
        yield place.path
        return
    with storage.scratch_folder("model") as parent:
        folder = parent / "model"
        check_holds_model(uri, runtime)
        storage.get_tree(str(place), folder)
        yield folder


@contextmanager
def placed_model(place: str | Path) -> Iterator[Path]:
    """Give a local folder to write a model to.

    Args:
        place: A local folder, which is given as it is, or a URI in object storage: what the block leaves in a
            temporary folder is put there when it ends well. A model that lies there is removed just before, and the
            config, without which there is none, is the last file to come.

    Raises:
        StorageError: If the place cannot be written.
    """
    uri = storage.parse_uri(place)
    if not uri.is_remote:
        yield uri.path
        return
    with storage.scratch_folder("model") as parent:
        folder = parent / "model"
        yield folder
        storage.delete(storage.join_uri(place, CONFIG_FILE))
        for found in list(storage.list_objects(str(uri))):
            storage.delete(found.uri)
        storage.put_tree(folder, str(uri), last=CONFIG_FILE)


def check_holds_model(uri: str | Path, runtime: Runtime = "torch") -> None:
    """See that a folder or prefix holds a model's files, without reading them.

    Args:
        uri: The folder or prefix.
        runtime: What is to run the model.

    Raises:
        DataError: If one is missing; where the other runtime could run the model, the message says how.
        StorageError: If the place cannot be asked.
    """
    network = NETWORK_FILES[runtime]
    missing = [file for file in (CONFIG_FILE, network) if not _holds(uri, file)]
    if not missing:
        return
    fix, other = "give a folder that train_unet wrote", OTHER_RUNTIME[runtime]
    if missing == [network] and _holds(uri, NETWORK_FILES[other]):
        fix += f', or run its {NETWORK_FILES[other]} by "runtime": "{other}" in the inference config'
    raise DataError(f"model: {uri} holds no {' and no '.join(missing)}; {fix}")


def _holds(uri: str | Path, file: str) -> bool:
    return storage.exists(storage.join_uri(uri, file))
