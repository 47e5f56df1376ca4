"""The files of a predicted scene, keyed by what they were made from, so that a re-run finds them.

Beside the two rasters of a scene lies a small record, written last: a scene that has one is done.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

from components.core import storage
from components.core.errors import DataError
from components.core.geometry import Window
from components.core.keyed import digest
from components.core.project import ImageRef, Item
from components.infer_windows.config import InferenceConfig
from components.infer_windows.scene import ClassExtent

METHOD = "1"
"""Part of the key: another number where the same input gives another result."""

FOLDER = "predictions"
KEY_CHARACTERS = 12
UNSAFE = re.compile(r"[^\w.-]+")
"""Characters of an item's name that may mean something in a path."""


@dataclass(frozen=True, slots=True)
class SceneFiles:
    """Where the results of one scene lie.

    Attributes:
        key: Digest of everything that the results follow from.
        mask: URI of the class indices.
        confidence: URI of the confidence.
        record: URI of the record that says they are whole.
    """

    key: str
    mask: str
    confidence: str
    record: str

    def finished(self) -> tuple[ClassExtent, ...] | None:
        """The classes that the mask holds, where an earlier run finished this scene; else None."""
        if not all(storage.exists(uri) for uri in (self.record, self.mask, self.confidence)):
            return None
        try:
            content = json.loads(storage.read_bytes(self.record))
            if content["key"] != self.key:
                return None
            return tuple(
                ClassExtent(entry["value"], Window(**entry["box"]), entry["area"]) for entry in content["classes"]
            )
        except (ValueError, KeyError, TypeError):
            return None

    def finish(self, extents: tuple[ClassExtent, ...]) -> None:
        """Record that the rasters are whole, and what the mask holds."""
        content = {"key": self.key, "classes": [asdict(extent) for extent in extents]}
        storage.write_bytes(self.record, (json.dumps(content, indent=1) + "\n").encode())


def scene_files(item: Item, image: ImageRef, model: str, config: InferenceConfig, data_root: str) -> SceneFiles:
    """Name the files of a scene.

    Args:
        item: Gives the readable part of the name.
        image: Its pixels.
        model: Digest of the model.
        config: What of it decides on pixels enters the key.
        data_root: Folder or URI prefix.

    Raises:
        DataError: If the image's raster does not exist.
        StorageError: If its place cannot be asked.
    """
    source = storage.stat(image.uri)
    if source is None:
        raise DataError(f"{image.uri}: there is no such raster; was it moved after the import? import it again")
    recipe = json.dumps(image.recipe.as_row(), sort_keys=True)
    mode = config.mode.model_dump_json(include={"source", "window", "min_overlap"})
    key = digest(METHOD, image.uri, source.etag, str(source.size_bytes), recipe, model, mode, config.precision)
    stem = f"{UNSAFE.sub('_', item.name)}-{key[:KEY_CHARACTERS]}"
    root = storage.join_uri(data_root, FOLDER)
    mask, confidence, record = (
        storage.join_uri(root, stem + ending) for ending in (".tif", "-confidence.tif", ".json")
    )
    return SceneFiles(key, mask, confidence, record)


def absolute(uri: str) -> str:
    """The canonical URI of a place, whichever directory this process works in."""
    return uri if storage.is_remote(uri) else str(storage.parse_uri(uri).path.absolute())
