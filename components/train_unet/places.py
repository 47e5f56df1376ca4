"""Places that a training writes: seen to be writable before it begins, and to be one and the same for all processes."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from components.core.errors import ConfigError
from components.core.network.model_artifact import check_model_place
from components.core.storage import check_writable, local_errors, parse_uri
from components.train_unet.peers import Peers

PROBE = ".footprints-check-"
"""What a file is called that is there for a moment; the dot keeps it out of listings of images."""

Place = Path | str


def check_places(model: Place, others: Mapping[str, Place | None], peers: Peers) -> None:
    """See, before a long training, that its results can be written, and that they end up in one place.

    Args:
        model: Folder or URI that gets the model.
        others: Folders or URIs for what else is written, by what users call them; None for what is not.
        peers: The processes that train together.

    Raises:
        ConfigError: If the processes have different places, as machines have that share no file system.
        DataError: If the model would replace something that is none.
        StorageError: If a place cannot be written.
    """
    places = {"model": model, **others}
    if peers.is_first:
        check_model_place(model)
        for place in places.values():
            if place is not None:
                check_writable(place)
    for name, place in places.items():
        _check_shared(name, place, peers)


def _check_shared(name: str, place: Place | None, peers: Peers) -> None:
    if peers.world == 1:
        return
    uri = None if place is None else parse_uri(place)
    given = peers.gather("none" if uri is None else str(uri) if uri.is_remote else "")
    for rank, other in enumerate(given):
        if other != given[0]:
            raise ConfigError(
                f"{name}: process {rank} was given {other or 'a local folder'}, and process 0 "
                f"{given[0] or 'a local folder'}; start all with one command line"
            )
    if uri is not None and not uri.is_remote:
        _check_seen(name, uri.path.absolute(), peers)


def _check_seen(name: str, folder: Path, peers: Peers) -> None:
    """See that a local folder, which need not exist, is the same to all processes."""
    with ExitStack() as stack:
        probe = ""
        if peers.is_first:
            with local_errors("write", folder):
                folder.parent.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(tempfile.NamedTemporaryFile(dir=folder.parent, prefix=PROBE))
            probe = Path(file.name).name
        probe = peers.agree(probe)
        sees = (folder.parent / probe).exists()
        answers = peers.gather(json.dumps([sees, f"{folder} on {socket.gethostname()}"]))
    where = [json.loads(answer)[1] for answer in answers]
    for rank, answer in enumerate(answers):
        if not json.loads(answer)[0]:
            raise ConfigError(
                f"{name}: process {rank} has {where[rank]}, which is another folder than that of process 0, "
                f"{where[0]}; give a URI in object storage, such as s3://bucket/{name}, or a folder of a volume "
                "that all nodes mount"
            )
