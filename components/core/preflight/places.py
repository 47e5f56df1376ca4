"""Places that a run reads or writes: whether they can be asked, hold what they should, and take what is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import storage
from components.core.errors import StorageError
from components.core.preflight.named_faults import NamedFaults
from components.core.storage import S3Settings
from components.core.storage.mounted import (
    CREDENTIALS_FOLDER,
    SETTINGS_FOLDER,
    data_root_or_default,
    empty_mounts,
)

if TYPE_CHECKING:
    from components.core.storage.reachability import Trouble

HOW_TO_APPLY = "kubectl apply --server-side --kustomize manifests/overlays/…"


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place that the user named.

    Attributes:
        key: The parameter that names it.
        uri: A local path, or a URI.
    """

    key: str
    uri: str


def askable(faults: NamedFaults, places: Iterable[NamedPlace]) -> list[NamedPlace]:
    """Find out which places can be asked at all, and note what keeps the others from it once for all of them.

    Args:
        faults: Get what is wrong with URIs, with the environment's settings, with a store or with a bucket.
        places: With a URI each.

    Returns:
        Local places, and those in buckets that answer; a fault of one place alone is not noticed here.
    """
    local: list[NamedPlace] = []
    remote: list[NamedPlace] = []
    for place in places:
        with faults.of(place.key):
            (remote if storage.parse_uri(place.uri).is_remote else local).append(place)
    return local + (_in_a_store_that_answers(faults, remote) if remote else [])


def _in_a_store_that_answers(faults: NamedFaults, places: Sequence[NamedPlace]) -> list[NamedPlace]:
    keys = tuple(place.key for place in places)
    with faults.of(*keys):
        settings = S3Settings.from_environment()
        empty = {folder.name: folder for folder in empty_mounts()}
        if SETTINGS_FOLDER in empty and settings.is_default_endpoint:
            raise StorageError(
                "no setting names the object store, as the ConfigMap footprints-storage would: "
                f"{_missing_settings(empty[SETTINGS_FOLDER])}"
            )
        return _in_buckets_that_answer(faults, places, settings, empty.get(CREDENTIALS_FOLDER))
    return []


def _in_buckets_that_answer(
    faults: NamedFaults, places: Sequence[NamedPlace], settings: S3Settings, no_credentials: Path | None
) -> list[NamedPlace]:
    from components.core.storage.reachability import (  # the store's client, for those who have one
        Reach,
        check_reachable,
    )

    by_bucket: dict[str, list[NamedPlace]] = {}
    for place in places:
        by_bucket.setdefault(storage.parse_uri(place.uri).bucket, []).append(place)
    answering: list[NamedPlace] = []
    for own in by_bucket.values():
        trouble = check_reachable(storage.parse_uri(own[0].uri), settings)
        if trouble is None or trouble.reach is Reach.PLACE:
            answering += own
            continue
        concerned = places if trouble.reach is Reach.STORE else own
        faults.say(tuple(place.key for place in concerned), _describe(trouble, settings, no_credentials))
        if trouble.reach is Reach.STORE:
            return []
    return answering


def _describe(trouble: Trouble, settings: S3Settings, no_credentials: Path | None) -> str:
    if not (trouble.refused and no_credentials and settings.access_key is None):
        return trouble.text
    return (
        f"{trouble.text}; the Secret mlpipeline-minio-artifact, or what node_pools.yaml names in its place, is not in "
        f"this namespace or holds nothing ({no_credentials} is empty): create it there with the keys accesskey and "
        "secretkey, as manifests/README.md says"
    )


def place_for_rasters(data_root: str) -> str:
    """Where a run keeps its rasters; see `data_root_or_default`.

    Args:
        data_root: As the user gave it; empty for the cluster's own.

    Raises:
        StorageError: If no place is named; says so where that is because the ConfigMap is missing.
    """
    try:
        return data_root_or_default(data_root)
    except StorageError as error:
        missing = [folder for folder in empty_mounts() if folder.name == SETTINGS_FOLDER]
        raise (StorageError(f"{error}; {_missing_settings(missing[0])}") if missing else error) from None


def _missing_settings(folder: Path) -> str:
    return (
        f"that ConfigMap, or what node_pools.yaml names in its place, is not in this namespace or holds nothing "
        f"({folder} is empty); apply the manifests there: {HOW_TO_APPLY}"
    )


def check_file(uri: str) -> None:
    """See that there is a file.

    Raises:
        StorageError: If there is none, or the place cannot be asked.
    """
    if not storage.exists(uri):
        raise StorageError(f"{uri}: there is no such file; check the path")


def check_area(uri: str) -> None:
    """See that there is the file of an area of interest.

    Raises:
        StorageError: If there is none, or the place cannot be asked.
    """
    try:
        check_file(uri)
    except StorageError as error:
        raise StorageError(f"aoi_uri: {error}") from error
