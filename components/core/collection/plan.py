"""What a run of detection is to do, as planning hands it to the other stages: a small directory."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.core.collection.identity import within
from components.core.collection.ledger import Mark
from components.core.errors import ConfigError, DataError, StorageError
from components.core.footprints.tolerance import DEFAULT, DEFAULT_PX, Tolerance
from components.core.geometry import Size
from components.core.imagery.scaling import PERCENTILE
from components.core.json_text import parse_json
from components.core.skip_budget import Skipped
from components.core.storage import StoredObject
from components.core.storage.atomic_directory import staged_directory
from components.core.storage.uris import parse_uri

if TYPE_CHECKING:
    from components.core.imagery_facts import ImageFacts  # a command that submits a run needs no GDAL
    from components.core.models import Runtime

PLAN_FILE = "plan.json"
SCENES_FILE = "scenes.parquet"

SHARD_MEGAPIXELS = 30_000.0
"""The default of a shard: minutes of a GPU's work, so that the pods that start it are the lesser part."""

MAX_SHARDS = 16
"""The default of a run."""

ITEM_PIXELS = 134_217_728  # 2 ** 27
"""Scenes of more pixels are annotated in row parts, so that no stage holds the buildings of a large one."""

MOST_SHARDS = 64
"""Of any run: Argo holds a run in one object of a mebibyte at most, and every shard takes its share of it. The tests
compare it, and the default, with what `python -m pipelines size` estimates."""

_FILES = pa.list_(pa.struct([("uri", pa.string()), ("size_bytes", pa.int64()), ("etag", pa.string())]))

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "key", "uri", "etag", "version", "crs", "captured", "why")),
        ("remade_from", pa.string()),
        ("area", pa.binary()),
        *((name, pa.int64()) for name in ("size_bytes", "height", "width")),
        ("sides", _FILES),
        ("bands", _FILES),
        ("parts", pa.list_(pa.struct([(name, pa.int64()) for name in ("shard", "top", "bottom")]))),
    ]
)


class DetectionReason(StrEnum):
    """Why a scene is to be done."""

    NEW = "new"
    CHANGED = "changed"
    REDONE = "redone"


@dataclass(frozen=True, slots=True)
class ShardRows:
    """Rows of a scene that one shard does.

    Attributes:
        shard: Number of the shard, from 1.
        top: First row.
        bottom: First row after them.
    """

    shard: int
    top: int
    bottom: int


@dataclass(frozen=True, slots=True)
class PlannedScene:
    """An image to be done.

    Attributes:
        id: Of the scene; its name in projects.
        key: Of the image, relative to the imagery's prefix.
        uri: Of the image.
        etag: Of the image.
        size_bytes: Of the image.
        version: Of its content.
        size: In pixels.
        crs: "EPSG:…" or WKT.
        captured: Day or time of capture in ISO 8601; empty where it is not known.
        why: Why it is done.
        parts: Which shard does which rows, from the top down; one part where one shard does all, none where none does.
        sides: Files beside the image that belong to it.
        area: What of the scene is wanted: WKB of polygons in (row, column) of its pixels, as
            `components.core.vectors.area.AreaOnScene` has it; empty for all of it.
        remade_from: Detector of the detection whose probabilities its footprints are made of, in publication; empty
            where the network is to see it, in its shards.
        bands: Rasters that are its bands, one each, where these are several; their first is the image.
        unlike: Which fields of a catalogue its raster contradicts; they are not written.
        facts: What the image is like; it is not written.
    """

    id: str
    key: str
    uri: str
    etag: str
    size_bytes: int
    version: str
    size: Size
    crs: str
    captured: str
    why: DetectionReason
    parts: tuple[ShardRows, ...]
    sides: tuple[StoredObject, ...] = ()
    remade_from: str = ""
    area: bytes = b""
    bands: tuple[StoredObject, ...] = ()
    unlike: tuple[str, ...] = field(default=(), compare=False)
    facts: ImageFacts | None = field(default=None, compare=False)

    @property
    def image(self) -> StoredObject:
        """The image as a listing had it."""
        return StoredObject(self.uri, self.size_bytes, self.etag, None, self.sides)


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """How scenes are detected and published; all of it decides on the result.

    Attributes:
        inference_config: JSON text.
        split_masks_query: JSON text; empty for the default one.
        class_title: Class of the objects that become footprints.
        tolerance: Of simplification, in pixels or metres, such as "0.5 m"; 0 keeps the pixels' edges.
        min_area_m2: Smaller objects are left out.
        regularise: Give polygons right angles and ones of 45°, and make round ones circles; the column `status` says
            what was done.
        confidence: Publish confidence rasters, too.
        bands: Numbers of the red, green and blue band, such as 3,2,1, and of further ones to keep; empty to go by the
            images.
    """

    inference_config: str
    split_masks_query: str = ""
    class_title: str = "untitled_dl"
    tolerance: str = str(DEFAULT)
    min_area_m2: float = 0.0
    regularise: bool = False
    confidence: bool = False
    bands: str = ""

    @property
    def runtime(self) -> Runtime:
        """What runs the network, as the inference config says.

        Raises:
            ConfigError: If the config breaks a rule.
        """
        from components.core.documents.inference import load_config  # GDAL, too
        from components.core.documents.tutorial import INFERENCE_CONFIG

        return load_config(self.inference_config.strip() or INFERENCE_CONFIG).runtime

    def detector_settings(self) -> dict[str, Any]:
        """All that distinguishes one way to detect from another, by name.

        Digests of detectors stay what they were before there was `bands`, and when tolerances were two numbers.
        """
        values = asdict(self)
        tolerance = Tolerance.parse(values.pop("tolerance"))
        values["tolerance_px"] = tolerance.value if tolerance.unit == "px" else DEFAULT_PX
        values["tolerance_m"] = tolerance.value if tolerance.unit == "m" else 0.0
        if not self.bands:
            del values["bands"]
        return values


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, and what is not.

    Attributes:
        images_uri: Prefix of the imagery.
        output_uri: Of the collection.
        model_uri: Of the model.
        model: Digest of the model, whichever runtime runs it.
        detector: Name of what is run and of the settings together.
        settings: How scenes are detected.
        scenes: To be done.
        shards: How many shards they are assigned to; 0 where no scene needs the network.
        done: How many scenes are as they should be.
        waiting: How many were done with another detector and stay as they are.
        retired: Marks whose images are gone.
        skipped: Images that cannot be done, and why.
        postponed: How many images are left to the next run, because this one is full.
        warnings: What of the images is unlike those that the model learnt from.
        pointer_uri: Pointer that named the model when the run was planned; empty where its folder was given.
        predecessors: Digests of the models that the pointer named before, the last one first.
        prediction: Name of what the model says, whatever is made of it; empty where that is not kept.
        network: Digest of what the runtime reads of the model; empty where that is the model's own.
        scaling: How more than 8 bits become 8.
        aoi_uri: The area of interest; empty for all imagery.
        outside: How many images lie outside it, and stay as they are.
        run: Names the run; another for each plan that is made.
    """

    images_uri: str
    output_uri: str
    model_uri: str
    model: str
    detector: str
    settings: DetectionSettings
    scenes: tuple[PlannedScene, ...]
    shards: int
    done: int = 0
    waiting: int = 0
    retired: tuple[Mark, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    postponed: int = 0
    warnings: tuple[str, ...] = ()
    pointer_uri: str = ""
    predecessors: tuple[str, ...] = ()
    network: str = ""
    prediction: str = ""
    scaling: str = PERCENTILE
    aoi_uri: str = ""
    outside: int = 0
    run: str = field(default_factory=lambda: secrets.token_hex(8), compare=False)

    @property
    def runs(self) -> str:
        """Digest of what the runtime reads of the model."""
        return self.network or self.model

    @property
    def images(self) -> int:
        """How many images there are, whatever becomes of them."""
        return len(self.scenes) + len(self.skipped) + self.done + self.waiting + self.postponed + self.outside

    @property
    def remade(self) -> list[PlannedScene]:
        """The scenes whose footprints are made again, without the network."""
        return [scene for scene in self.scenes if scene.remade_from]

    def of_shard(self, number: int) -> list[tuple[PlannedScene, ShardRows]]:
        """What one shard does."""
        return [(scene, rows) for scene in self.scenes for rows in scene.parts if rows.shard == number]

    def mark(self, scene: PlannedScene) -> Mark:
        """The marker that a scene gets when it is done."""
        return Mark(scene.id, scene.version, within(self.detector, scene.area))

    def prediction_of(self, scene: PlannedScene) -> str:
        """Name of what the model says of a scene; empty where that is not kept."""
        return within(self.prediction, scene.area)


def write_plan(directory: Path | str, plan: Plan) -> None:
    """Write a plan; it appears at `directory` when it is whole."""
    head = _as_json(plan)
    with staged_directory(directory) as staged:
        pq.write_table(_table(plan.scenes), staged / SCENES_FILE)
        (staged / PLAN_FILE).write_text(json.dumps(head, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_plan(directory: Path | str) -> Plan:
    """Read a plan.

    Raises:
        DataError: If there is none, or a broken one.
    """
    folder = Path(directory)
    try:
        head = dict(parse_json((folder / PLAN_FILE).read_bytes()))
        with pq.ParquetFile(folder / SCENES_FILE) as file:
            scenes = file.read().to_pylist()
        skipped = tuple(Skipped(**entry) for entry in head.pop("left_out"))
        return Plan(
            **head
            | {
                "settings": DetectionSettings(**head["settings"]),
                "scenes": tuple(map(_scene, scenes)),
                "retired": tuple(Mark(**entry) for entry in head["retired"]),
                "skipped": skipped,
                "warnings": tuple(head.get("warnings", ())),
                "predecessors": tuple(head.get("predecessors", ())),
            }
        )
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException, StorageError) as error:
        raise DataError(f"{folder}: is not a plan ({error}); give what plan_imagery wrote") from error


def shard_number(text: str, count: int) -> int:
    """The number of a shard that planning named, such as 2 of "2/5".

    Args:
        text: Its name.
        count: How many shards the plan has.

    Raises:
        ConfigError: If that is not a shard of it.
    """
    names = shard_names(count)
    if text not in names:
        listed = f"one of {names[0]} to {names[-1]}" if names else "none, as there is nothing to do"
        raise ConfigError(f"shard: {text!r} is not a shard of the plan; it has {listed}")
    return names.index(text) + 1


def shard_names(count: int) -> list[str]:
    """Names of all shards, such as "1/2" and "2/2"; none for no shard."""
    return [f"{number}/{count}" for number in range(1, count + 1)]


def _as_json(plan: Plan) -> dict[str, Any]:
    names: Sequence[str] = [name for name in Plan.__slots__ if name not in ("scenes", "settings", "retired", "skipped")]
    return {
        **{name: getattr(plan, name) for name in names},
        "settings": asdict(plan.settings),
        "retired": [asdict(mark) for mark in plan.retired],
        "left_out": [entry.as_json() for entry in plan.skipped],  # its name in earlier versions
    }


def _table(scenes: Sequence[PlannedScene]) -> pa.Table:
    """One row a scene. Where there is none, no list is looked at, for which Arrow would import pandas."""
    if not scenes:
        return pa.Table.from_batches([], _SCHEMA)
    return pa.Table.from_pylist([_row(scene) for scene in scenes], _SCHEMA)


def _row(scene: PlannedScene) -> dict[str, Any]:
    row = asdict(scene)
    del row["facts"], row["unlike"]
    size = row.pop("size")
    files = {"sides": list(map(_file, scene.sides)), "bands": list(map(_file, scene.bands))}
    return row | {"height": size["height"], "width": size["width"], "why": scene.why.value, **files}


def _file(stored: StoredObject) -> dict[str, Any]:
    return {"uri": stored.uri, "size_bytes": stored.size_bytes, "etag": stored.etag}


def _scene(row: dict[str, Any]) -> PlannedScene:
    size = Size(row.pop("height"), row.pop("width"))
    parts = tuple(ShardRows(**part) for part in row.pop("parts"))
    parse_uri(row["uri"])
    files = {name: tuple(StoredObject(**file, modified=None) for file in row.pop(name)) for name in ("sides", "bands")}
    for file in (*files["sides"], *files["bands"]):
        parse_uri(file.uri)
    return PlannedScene(**row | {"size": size, "why": DetectionReason(row["why"]), "parts": parts, **files})
