"""What the shards of a run leave to publication: projects in a folder beside the collection.

The steps of a run do not hand them on as artifacts, because a run that starts with nothing to do has no shard, and
Kubeflow collects nothing from a loop of no turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from components.core import storage
from components.core.collection.ledger import Collection
from components.core.collection.plan import Plan, shard_names
from components.core.project.manifest import META_FILE
from components.core.storage import StoredObject

FOLDER = "parts"

KEPT = timedelta(days=14)
"""Parts of a run that was never published are removed by a later run; until then it can be retried."""


def put_part(plan: Plan, shard: str, project: Path) -> None:
    """Leave what a shard found; another try of the same shard replaces it.

    A part is there from when its last file is, until the same file is deleted, which goes first.

    Args:
        plan: Of the run.
        shard: Name of the shard, such as "2/5".
        project: Directory of the project.

    Raises:
        StorageError: If it cannot be written.
    """
    place = _place(plan, shard)
    _delete(storage.list_objects(place))
    storage.put_tree(project, place, last=META_FILE)


@contextmanager
def fetched_parts(plan: Plan) -> Iterator[list[Path]]:
    """Fetch what the shards of a run found.

    Args:
        plan: Of the run.

    Yields:
        A project for each shard that left one, in a temporary folder.

    Raises:
        StorageError: If they cannot be read.
    """
    with storage.scratch_folder("parts") as parent:
        found = []
        for number, shard in enumerate(shard_names(plan.shards), 1):
            place = _place(plan, shard)
            if storage.exists(storage.join_uri(place, META_FILE)):
                folder = parent / str(number)
                storage.get_tree(place, folder)
                found.append(folder)
        yield found


def remove_parts(plan: Plan, now: datetime | None = None) -> None:
    """Remove what the shards of a run left, when it is published, and what runs left that were never published.

    Args:
        plan: Of the run.
        now: With time zone; parts last written more than `KEPT` before are no longer waited for.

    Raises:
        StorageError: If they cannot be deleted.
    """
    oldest = (now or datetime.now(UTC)) - KEPT
    root = Collection(plan.output_uri).place(FOLDER)
    own = f"{storage.parse_uri(storage.join_uri(root, plan.run))}/"

    def is_past(found: StoredObject) -> bool:
        return found.uri.startswith(own) or (found.modified is not None and found.modified < oldest)

    _delete(filter(is_past, storage.list_objects(root)))
    storage.remove_empty_folders(own)


def _place(plan: Plan, shard: str) -> str:
    return Collection(plan.output_uri).place(FOLDER, plan.run, shard.replace("/", "-of-"))


def _delete(parts: Iterable[StoredObject]) -> None:
    """Delete the files of parts, first those by which they count as whole: whoever is killed leaves no broken part."""
    for found in sorted(parts, key=lambda found: storage.name_of(found.uri) != META_FILE):
        storage.delete(found.uri)
