"""What decides a training's course: only what is equal in all of it may go on from its checkpoints."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.pool import ThreadPool
from pathlib import Path

from components.core import storage
from components.core.documents.training import TrainConfig
from components.core.errors import ConfigError, DataError, StorageError
from components.core.hashing import digest
from components.core.network.segmentation import SegmentationNetwork
from components.core.project import Project
from components.core.project.local_copies import rasters_of
from components.core.scene_errors import stops_all
from components.core.storage.objects import StoredObject
from components.train_unet.checkpoint_store import CHECKPOINT_FILE, NOTE, CheckpointStore, parsed_note, remove_files
from components.train_unet.data import Datasets
from components.train_unet.dataset import WindowDataset
from components.train_unet.devices import DevicePlan
from components.train_unet.peers import Peers

LEFTOVER = timedelta(days=14)
"""After so long without a checkpoint a training counts as given up, and its checkpoints are removed."""

KEY_CHARACTERS = 16

ASKED_AT_ONCE = 8
"""Rasters that a store is asked about at once."""

AFTERWARDS = {"calibrate", "onnx"}
"""Keys of the config that decide on nothing before the model is written."""

_PARTS = {
    "config": "training config",
    "items": "items",
    "pixels": "image or mask files",
    "weights": "weights to start from",
    "devices": "devices",
}
"""What a training is made of, and what messages call it."""

_KEY = re.compile(f"[0-9a-f]{{{KEY_CHARACTERS}}}")

log = logging.getLogger(__name__)


def common_identity(
    config: TrainConfig, project: Project, network: SegmentationNetwork, plan: DevicePlan
) -> dict[str, str]:
    """What must be equal in all processes of a training: its project's name, and digests of parts."""
    weights = [value.detach().numpy().tobytes() for value in network.state_dict().values()]
    return {
        "project": project.meta.name,
        "config": digest(config.model_dump_json(exclude=AFTERWARDS)),
        "items": project.digest(),
        "weights": digest(*weights),
        "devices": digest(plan.accelerator, str(plan.world), plan.precision),
    }


def identity_of(common: Mapping[str, str], datasets: Datasets) -> dict[str, str]:
    """What a training is made of: its project's name, and a digest of each part.

    Args:
        common: Of `common_identity`.
        datasets: What it reads, whose files may be others, though all else is the same.

    Raises:
        StorageError: If a store cannot be asked about rasters.
    """
    known = {**common, "pixels": _pixels_digest(datasets)}
    return {name: known[name] for name in ("project", *_PARTS)}


def check_same(common: Mapping[str, str], peers: Peers) -> None:
    """See that all processes train the same.

    Args:
        common: Of `common_identity`, for this process.
        peers: All of them.

    Raises:
        ConfigError: If one does not.
    """
    first, *others = (json.loads(said) for said in peers.gather(json.dumps(dict(common))))
    for rank, other in enumerate(others, 1):
        differing = [_PARTS.get(name, "project") for name in common if other[name] != first[name]]
        if differing:
            raise ConfigError(
                f"processes 0 and {rank} would not train the same: their {' and '.join(differing)} differ; start all "
                "with one command line, on one project, on machines of one kind"
            )


def key_of(identity: Mapping[str, str]) -> str:
    """What the folder of a training is called."""
    return digest(*identity.values())[:KEY_CHARACTERS]


def checkpoint_store(place: Path | str, identity: Mapping[str, str]) -> CheckpointStore:
    """The checkpoints of a training, in a folder of a place where those of other trainings may lie.

    Checkpoints of trainings that were given up are removed. Where this training has none, and another one on the same
    project has, the log says why they are not gone on from.

    Args:
        place: Folder or URI.
        identity: Of the training, see `identity_of`.

    Raises:
        StorageError: If the place cannot be read.
    """
    key = key_of(identity)
    store = CheckpointStore(storage.join_uri(str(place), key), identity)
    is_new = not storage.is_folder(store.place)
    for other in _trainings(place):
        if storage.name_of(other) == key:
            continue
        files = list(storage.list_objects(other, recursive=False))
        if _is_given_up(files):
            log.info("the checkpoints in %s are %s days old and removed", other, LEFTOVER.days)
            remove_files(file.uri for file in files)
            storage.remove_empty_folders(other)
        elif is_new:
            _tell_difference(other, files, identity)
    return store


def _trainings(place: Path | str) -> Iterator[str]:
    for found in storage.list_objects(place, recursive=False):
        uri = found.uri.rstrip("/")
        if found.is_folder and _KEY.fullmatch(storage.name_of(uri)):
            yield uri


def _is_given_up(files: Sequence[StoredObject]) -> bool:
    """Whether a folder holds nothing but checkpoints, none of them new."""
    if not files or not all(CHECKPOINT_FILE.fullmatch(storage.name_of(file.uri)) for file in files):
        return False
    return max(file.modified or datetime.now(UTC) for file in files) < datetime.now(UTC) - LEFTOVER


def _tell_difference(other: str, files: Sequence[StoredObject], identity: Mapping[str, str]) -> None:
    notes = [file.uri for file in files if storage.suffix_of(file.uri) == NOTE]
    about = parsed_note(storage.read_bytes(notes[-1])).get("about", {}) if notes else {}
    if not isinstance(about, dict) or about.get("project") != identity["project"]:
        return
    differing = [name for name in _PARTS if about.get(name) != identity[name]]
    named = " and ".join(_PARTS[name] for name in differing)
    has_changed = set(differing) <= {"items", "pixels"}
    log.log(
        logging.WARNING if has_changed else logging.INFO,
        "%s has checkpoints of another training on project %r: its %s %s. They are not gone on from",
        other, identity["project"], named, "have changed since" if has_changed else "differ",
    )  # fmt: skip


def _pixels_digest(datasets: Datasets) -> str:
    """Of the rasters' versions: what lies under an unchanged name may be another file."""
    rasters = sorted({uri for dataset in (datasets.train, datasets.val) for uri in _rasters(dataset)})
    with ThreadPool(ASKED_AT_ONCE) as pool:
        versions = pool.map(_version, rasters)
    return digest(*(part for pair in zip(rasters, versions, strict=True) for part in pair))


def _rasters(dataset: WindowDataset) -> Iterator[str]:
    for row in dataset.rows:
        with suppress(DataError):  # of an item that cannot be used, as whoever reads it will tell
            yield from rasters_of(dataset.project.item(int(row)))


def _version(uri: str) -> str:
    """Changes when a file is written anew; a file that is to blame itself is a matter of who reads it."""
    try:
        found = storage.stat(uri)
    except StorageError as error:
        if _is_object(uri) or stops_all(error):
            raise
        return "unknown"
    return "missing" if found is None else f"{found.size_bytes} {found.etag}"


def _is_object(uri: str) -> bool:
    with suppress(StorageError):
        return storage.is_remote(uri)
    return False
