"""What a project offers, in whichever form it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from components.core.errors import DataError
from components.core.geometry import Size
from components.core.project.item import Item
from components.core.project.json_files import read_json
from components.core.project.meta import ProjectMeta


class Project(Protocol):
    """A named collection of items, read one by one.

    Attributes:
        place: Where it is stored; for messages.
        meta: Name, classes and tags.
    """

    place: str
    meta: ProjectMeta

    def __len__(self) -> int:
        """Number of items."""
        ...

    def __iter__(self) -> Iterator[Item]:
        """The items in order, streaming."""
        ...

    def item(self, index: int) -> Item:
        """One item.

        Raises:
            DataError: If its annotation is broken.
        """
        ...

    def label(self, index: int) -> str:
        """Give "dataset/name" of one item, whole or broken."""
        ...

    def item_tags(self) -> Iterator[tuple[str, ...]]:
        """The image tags of every item in order, without reading the rest."""
        ...

    def item_sizes(self) -> Iterator[Size]:
        """The size of every item in order, without reading the rest."""
        ...

    def digest(self) -> str:
        """SHA-256 of the content, 64 hex characters; pixels count by reference."""
        ...


def open_project(place: Path | str) -> Project:
    """Open a project in either form: a manifest, or a folder in the Supervisely format.

    Args:
        place: Its directory.

    Returns:
        The project; its name is the manifest's, or the folder's.

    Raises:
        DataError: If there is no project.
    """
    from components.core.project.manifest import FORMAT, ManifestProject

    directory = Path(place)
    if not directory.is_dir():
        raise DataError(f"{directory}: there is no such directory; give a project, which holds a meta.json")
    file = directory / "meta.json"
    if not file.is_file():
        raise DataError(f"{file}: is missing, so this is not a project; give a directory that holds one")
    meta = read_json(file)
    if isinstance(meta, dict) and meta.get("format") == FORMAT:
        return ManifestProject(directory, meta)
    from components.core.project.supervisely import SuperviselyProject

    return SuperviselyProject(directory, meta)
