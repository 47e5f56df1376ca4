"""What a scene becomes: its files, keyed by what they were made from so that a re-run finds them, and its items.

Beside the rasters of a scene, or of each of its row parts, lies a small record, written last: what has one is done. The
probabilities have one of their own, as they follow from the network alone, and the others from a threshold, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from components.core import storage
from components.core.documents.inference import InferenceConfig
from components.core.documents.inference_modes import Mode, RegionMode, SlidingWindowMode
from components.core.documents.regions import distinct_windows, regions_of
from components.core.errors import DataError
from components.core.geometry import Window
from components.core.hashing import digest, short_name
from components.core.imagery.operations_text import text_of_operations
from components.core.json_text import parse_json
from components.core.project import ImageRef, Item
from components.core.project.class_rasters import ClassExtent, PartFiles
from components.core.project.parts import Rows, part_item
from components.core.project.predictions import METHOD
from components.core.project.wanted_area import area_text

FOLDED = "normalisation folded"
"""Part of the key where the network runs on a CPU, by PyTorch: results differ by rounding from those before that."""

FOLDER = "predictions"
KEY_CHARACTERS = 12
UNSAFE = re.compile(r"[^\w.-]+")
"""Characters of an item's name that may mean something in a path."""

FIRST_KEYS = {"source", "window", "min_overlap"}
LATER_KEYS = {"blend", "flips", "pad", "scales"}
"""Settings of the mode that decide on pixels; the later ones only where they are not the default, which gave the same
before they could be set."""

BYTES = "bytes"
"""Key of a record: the sizes of the rasters, in bytes."""


@dataclass(frozen=True, slots=True)
class SceneFiles:
    """Where the results of one scene, or of some of its rows, lie.

    Attributes:
        key: Digest of everything that the results follow from.
        source: URI of the image's raster.
        part: The rows and their rasters.
        record: URI of the record that says they are whole.
        probability_key: Digest of everything that the probabilities follow from.
    """

    key: str
    source: str
    part: PartFiles
    record: str
    probability_key: str = ""

    @property
    def _rasters(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.part.mask, self.part.confidence, self.part.probability)))

    @property
    def _probability_record(self) -> str:
        return f"{self.part.probability}.json"

    def has_probabilities(self) -> bool:
        """Whether an earlier run kept what the network says of it."""
        if not self.part.probability:
            return False
        content = _recorded(self._probability_record, self.probability_key, [self.part.probability])
        return content is not None

    def finished(self) -> tuple[ClassExtent, ...] | None:
        """The classes that the mask holds, where an earlier run finished it; else None."""
        content = _recorded(self.record, self.key, self._rasters)
        if content is None:
            return None
        try:
            return tuple(
                ClassExtent(entry["value"], Window(**entry["box"]), entry["area"]) for entry in content["classes"]
            )
        except (KeyError, TypeError):
            return None

    def finish(self, extents: tuple[ClassExtent, ...]) -> None:
        """Record that the rasters are whole, and what the mask holds."""
        if self.part.probability:
            _write_record(self._probability_record, self.probability_key, [self.part.probability])
        classes = [asdict(extent) for extent in extents]
        _write_record(self.record, self.key, self._rasters, classes=classes)


def _recorded(record: str, key: str, rasters: Sequence[str]) -> dict[str, Any] | None:
    """What a record says, if it is there, is of this key, and the rasters are as long as it says."""
    found = [storage.stat(uri) for uri in rasters]
    if None in found or not storage.exists(record):
        return None
    try:
        content = parse_json(storage.read_bytes(record))
        is_whole = content["key"] == key and content[BYTES] == [raster and raster.size_bytes for raster in found]
    except (ValueError, KeyError, TypeError):
        return None
    return dict(content) if is_whole else None


def _write_record(record: str, key: str, rasters: Sequence[str], **more: Any) -> None:
    sizes = [0 if found is None else found.size_bytes for found in map(storage.stat, rasters)]
    storage.write_bytes(record, (json.dumps({"key": key, **more, BYTES: sizes}, indent=1) + "\n").encode())


def scene_files(
    item: Item,
    image: ImageRef,
    model: str,
    config: InferenceConfig,
    data_root: str,
    parts: Sequence[Rows],
    arithmetic: str = "",
) -> list[SceneFiles]:
    """Name the files of a scene.

    Args:
        item: The whole scene; gives the readable part of the name.
        image: Its pixels.
        model: Digest of the model.
        config: What of it decides on pixels enters the key.
        data_root: Folder or URI prefix.
        parts: Rows that get files of their own.
        arithmetic: How the network's sums are made where that is not as it was at first, such as `FOLDED`.

    Returns:
        For each part its files.

    Raises:
        DataError: If the image's raster does not exist.
        StorageError: If its place cannot be reached.
    """
    source = storage.stat(image.uri)
    if source is None:
        raise DataError(f"{image.uri}: there is no such raster; was it moved after the import? import it again")
    recipe = json.dumps(image.recipe.as_row(), sort_keys=True) + (text_of_operations(image.recipe.operations) or "")
    scene = (METHOD, image.uri, source.etag, str(source.size_bytes), recipe, model, _text(config.mode, item))
    runtime = () if config.runtime == "torch" else (f"runtime {config.runtime}",)
    computed = (*runtime, arithmetic) if arithmetic else runtime
    area = area_text(item)
    computed = (*computed, f"area {area}") if area else computed
    bare = Item(item.dataset, item.name, item.size, extra=item.extra)
    root = storage.join_uri(data_root, FOLDER)
    files = []
    for rows in parts:
        part = () if rows == Rows(0, item.size.height) else (f"rows {rows.top} to {rows.bottom - 1}",)
        network = digest(*scene, config.precision, *computed, *part)
        key = digest(network, *_threshold(config))
        name = short_name(UNSAFE.sub("_", part_item(bare, rows).name))
        stem, kept = (f"{name}-{whole[:KEY_CHARACTERS]}" for whole in (key, network))
        mask, confidence, record = (
            storage.join_uri(root, stem + ending) for ending in (".tif", "-confidence.tif", ".json")
        )
        probability = storage.join_uri(root, f"{kept}-probability.tif") if config.probabilities else ""
        files.append(SceneFiles(key, image.uri, PartFiles(rows, mask, confidence, probability), record, network))
    return files


def _threshold(config: InferenceConfig) -> tuple[str, ...]:
    """Enters the key where it is given; "best" is what the model says, whose digest is there."""
    return () if config.threshold is None else ("threshold", json.dumps(config.threshold, sort_keys=True))


def _text(mode: Mode, item: Item) -> str:
    """What of the mode decides on pixels; regions of any mode do so by where they lie."""
    plain = SlidingWindowMode()
    if isinstance(mode, RegionMode):
        windows = distinct_windows(regions_of(mode, item.size, item.objects))
        places = [[window.top, window.left, window.height, window.width] for window in windows]
        scaled = {} if mode.scales == plain.scales else {"scales": mode.scales}
        return json.dumps({"regions": places, "flips": mode.flips, **scaled})
    changed = {key for key in LATER_KEYS if getattr(mode, key) != getattr(plain, key)}
    return mode.model_dump_json(include=FIRST_KEYS | changed)
