"""Projects on local disk, wherever they belong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.core import storage
from components.core.errors import DataError
from components.core.json_text import parse_json
from components.core.project.manifest import FORMAT, META_FILE


@contextmanager
def local_project(place: str | Path) -> Iterator[Path]:
    """Give a project's directory on local disk.

    Args:
        place: A local directory, which is given as it is, or a URI in object storage, from where the manifest is
            fetched to a temporary folder and removed when the block ends; rasters stay where they are.

    Raises:
        DataError: If no manifest lies at the URI.
        StorageError: If it cannot be fetched.
    """
    uri = storage.parse_uri(place)
    if not uri.is_remote:
        yield uri.path
        return
    _check_manifest(str(uri))
    with storage.scratch_folder("project") as parent:
        folder = parent / "project"
        storage.get_tree(str(uri), folder)
        yield folder


def _check_manifest(place: str) -> None:
    file = storage.join_uri(place, META_FILE)
    if not storage.exists(file):
        raise DataError(f"project: {place} holds no {META_FILE}, so it is no project; give the URI of one")
    try:
        meta = parse_json(storage.read_bytes(file))
    except ValueError as error:
        raise DataError(f"{file}: is not JSON ({error}); fix or remove it") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise DataError(
            f"project: {place} is a folder in the Supervisely format, which is read from local disk only; give a local "
            "copy of it, or import its images with import_images"
        )
