"""Settings that a pod mounts as files, taken over as the environment variables that everything else reads.

The pipelines mount a ConfigMap, which holds a file for each variable, and a Secret, which holds the two halves of the
key. They are no variables of the container, because Kubeflow's launcher runs in it too: with credentials `fromEnv` it
takes those of its own store from variables of the same names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from components.core.errors import StorageError

MOUNTS_VARIABLE = "FOOTPRINTS_MOUNTS"
"""Names another folder than `MOUNTS`."""

MOUNTS = "/etc/footprints"
SETTINGS_FOLDER = "storage"
CREDENTIALS_FOLDER = "credentials"

CREDENTIALS: Mapping[str, str] = {"accesskey": "AWS_ACCESS_KEY_ID", "secretkey": "AWS_SECRET_ACCESS_KEY"}
"""Keys of the Secret, as Kubeflow's own `mlpipeline-minio-artifact` has them, and the variables that they become."""

STORE_PREFIX = "AWS_"

DATA_ROOT_VARIABLE = "FOOTPRINTS_DATA_ROOT"


def adopt_mounted_settings(environ: MutableMapping[str, str] = os.environ) -> None:
    """Set the variables that are mounted, for this process and those that it starts.

    Variables of the store (AWS_…) replace the process's own, which may be Kubeflow's, all of them together: a session
    token or endpoint of another store must not be mixed with mounted credentials. Any other variable only stands in
    for one that the process lacks. Nothing happens where nothing is mounted.

    Args:
        environ: The process's variables; changed.

    Raises:
        StorageError: A mounted file cannot be read.
    """
    mounts = Path(environ.get(MOUNTS_VARIABLE) or MOUNTS)
    settings = _files_in(mounts / SETTINGS_FOLDER)
    credentials = _files_in(mounts / CREDENTIALS_FOLDER)
    mounted = settings | {CREDENTIALS[key]: text for key, text in credentials.items() if key in CREDENTIALS}
    if not mounted:
        return
    for name in [name for name in environ if name.startswith(STORE_PREFIX)]:
        del environ[name]
    for name, text in mounted.items():
        if name.startswith(STORE_PREFIX) or not environ.get(name, "").strip():
            environ[name] = text


def _files_in(folder: Path) -> dict[str, str]:
    """Content of the files in a mounted folder by name; empty ones count as absent."""
    try:
        files = [file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file()]
        texts = {file.name: file.read_text(encoding="utf-8").strip() for file in files}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{folder}: cannot be read ({error}); mount settings that can") from error
    return {name: text for name, text in texts.items() if text}


def empty_mounts(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Folders for settings or credentials that a pod has and that hold nothing.

    A pod mounts them even where the ConfigMap or the Secret is not in its namespace; they are empty then. Elsewhere
    there are no such folders.

    Args:
        environ: The process's variables.

    Raises:
        StorageError: A mounted file cannot be read.
    """
    mounts = Path(environ.get(MOUNTS_VARIABLE) or MOUNTS)
    folders = (mounts / SETTINGS_FOLDER, mounts / CREDENTIALS_FOLDER)
    return tuple(folder for folder in folders if folder.is_dir() and not _files_in(folder))


def data_root_or_default(data_root: str, environ: Mapping[str, str] = os.environ) -> str:
    """The place for rasters: as given, else the cluster's own.

    Args:
        data_root: A folder or URI prefix; empty for FOOTPRINTS_DATA_ROOT.
        environ: The process's variables.

    Raises:
        StorageError: Neither is there.
    """
    place = data_root_if_any(data_root, environ)
    if not place:
        raise StorageError(
            f"data_root: is empty and {DATA_ROOT_VARIABLE} is not set; give a folder or URI prefix for rasters, or "
            f"name one under {DATA_ROOT_VARIABLE} in the ConfigMap footprints-storage"
        )
    return place


def data_root_if_any(data_root: str, environ: Mapping[str, str] = os.environ) -> str:
    """As `data_root_or_default`, for whoever can do without: empty where neither is there."""
    return data_root.strip() or environ.get(DATA_ROOT_VARIABLE, "").strip()
