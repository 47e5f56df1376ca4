"""The ledger: one small marker for each scene that is done, written last; its name alone says what was done how.

A listing answers what planning asks, without reading a marker. A run that is killed leaves scenes that have their
marker, scenes that do not, and notes of what it was about to delete; the next run goes on from there.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from components.core import storage
from components.core.errors import DataError
from components.core.json_text import parse_json

_NAME = re.compile(r"(?P<scene>[\w-]+)\.(?P<version>[0-9a-f]+)\.(?P<detector>[0-9a-f]+)\.json")

TRANSFORM_NUMBERS = 6

RETIRING = "retiring"
"""Folder of notes that stand while a detection is retired; empty but after a killed run."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """What the name of a marker says.

    Attributes:
        scene: Id of the scene.
        version: Of its imagery.
        detector: How it was detected.
    """

    scene: str
    version: str
    detector: str

    @property
    def stem(self) -> str:
        """The name of everything that this detection gave."""
        return f"{self.scene}.{self.version}.{self.detector}"


@dataclass(frozen=True, slots=True)
class SceneRecord:
    """Content of a marker: what is known of a scene that is done.

    Attributes:
        key: Of the image, relative to the imagery's prefix.
        uri: Of the image.
        etag: Of the image.
        size_bytes: Of the image.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        crs: Of the image, "EPSG:…" or WKT.
        captured: Day or time of capture in ISO 8601; empty where it is not known.
        model: Digest of the model.
        footprints: How many the scene has, before those that other scenes show too are taken out.
        area_m2: Of these.
        bounds: West, south, east, north of the image in WGS 84.
        files: Names of the outputs in the scene's folder, by role.
        transform: From (column, row) of the image to map coordinates, as a, b, c, d, e, f; None where an earlier
            version of this software did the scene.
        tolerance_px: Of the footprints' simplification, in pixels.
        regularise: Whether the footprints have right angles where they nearly had; None where an earlier version did
            the scene, whose footprints have no outlines to be joined by.
        min_area_m2: Smaller objects are left out.
        drift: How far the scene is from the model's training, by kind; None where that is not known.
        prediction: Names what the network said of it, of which the file "probability" holds all that footprints are
            made of; see `components.core.collection.identity.prediction_digest`. Empty where that is not kept.
    """

    key: str
    uri: str
    etag: str
    size_bytes: int
    height: int
    width: int
    crs: str
    captured: str
    model: str
    footprints: int
    area_m2: float
    bounds: tuple[float, float, float, float]
    files: dict[str, str]
    transform: tuple[float, ...] | None = None
    tolerance_px: float = 0.0
    regularise: bool | None = None
    min_area_m2: float = 0.0
    drift: dict[str, float] | None = None
    prediction: str = ""

    @classmethod
    def of_json(cls, text: bytes, place: str) -> SceneRecord:
        """Read a marker.

        Raises:
            DataError: If it is not what `as_json` gives; `place` names it.
        """
        try:
            content = parse_json(text)
            drift = content.get("drift")
            if drift is not None:
                drift = {str(kind): float(value) for kind, value in dict(drift).items()}
            record = cls(**content | {"bounds": tuple(content["bounds"]), "drift": drift})
            if record.transform is None:
                return record
            transform = tuple(map(float, record.transform))
            if len(transform) != TRANSFORM_NUMBERS:
                raise ValueError(f"transform: {len(transform)} numbers are not an affine transform, which has six")
            return replace(record, transform=transform)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{place}: is not a scene marker ({error}); delete it to detect the scene again") from error

    def as_json(self) -> bytes:
        """The marker's content.

        Raises:
            DataError: If a number is none, since what `of_json` refuses would stop every run to come.
        """
        content = asdict(self)
        if self.drift is None:
            del content["drift"]  # as it was before there was any
        if not self.prediction:
            del content["prediction"]
        try:
            return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
        except ValueError as error:
            raise DataError(
                f"{self.key}: its bounds, its area or its transform are not finite; check its CRS and its transform"
            ) from error


class Collection:
    """The places of a collection's outputs, and its ledger.

    Attributes:
        output_uri: Folder or URI prefix of everything.
    """

    def __init__(self, output_uri: str) -> None:
        self.output_uri = output_uri

    def marks(self) -> Iterator[Mark]:
        """Every marker, in no particular order; a listing alone."""
        return marks_in(storage.join_uri(self.output_uri, "ledger"))

    def has(self, mark: Mark) -> bool:
        """Whether a marker is there."""
        return storage.exists(self._marker(mark))

    def read(self, mark: Mark) -> SceneRecord:
        """What a marker says.

        Raises:
            DataError: If it is not a marker.
            StorageError: If it cannot be read.
        """
        place = self._marker(mark)
        return SceneRecord.of_json(storage.read_bytes(place), place)

    def finish(self, mark: Mark, record: SceneRecord) -> None:
        """Say that a scene is done: all its outputs are whole."""
        storage.write_bytes(self._marker(mark), record.as_json())

    def retire(self, mark: Mark) -> None:
        """Forget a scene, or an older detection of it: its marker first, then its outputs.

        A note stands from before to after, so that outputs without a marker are found where this is killed.
        """
        note = self._note(mark)
        storage.write_bytes(note, b"{}\n")
        storage.delete(self._marker(mark))
        for found in list(storage.list_objects(self.scene_folder(mark))):
            storage.delete(found.uri)
        storage.delete(note)

    def half_retired(self) -> Iterator[Mark]:
        """Marks that a killed run began to retire."""
        return marks_in(storage.join_uri(self.output_uri, RETIRING))

    def keep(self, mark: Mark) -> None:
        """Do not go on retiring a scene that was done again meanwhile."""
        storage.delete(self._note(mark))

    def _note(self, mark: Mark) -> str:
        return storage.join_uri(self.output_uri, RETIRING, f"{mark.stem}.json")

    def _marker(self, mark: Mark) -> str:
        return storage.join_uri(self.output_uri, "ledger", f"{mark.stem}.json")

    def scene_folder(self, mark: Mark) -> str:
        """Where a detection's outputs lie."""
        return storage.join_uri(self.output_uri, "scenes", mark.scene, f"{mark.version}.{mark.detector}")

    def partition(self, scene: str) -> str:
        """The part of the footprint layer that a scene gives."""
        return storage.join_uri(self.output_uri, "layer", f"{scene}.parquet")

    def place(self, *names: str) -> str:
        """Any other place below the collection's."""
        return storage.join_uri(self.output_uri, *names)


def marks_in(folder: str) -> Iterator[Mark]:
    """The marks that the files of a folder are named by, in no particular order; a listing alone."""
    for found in storage.list_objects(folder):
        name = _NAME.fullmatch(found.uri, found.uri.rfind("/") + 1)
        if name is not None:
            yield Mark(name["scene"], name["version"], sys.intern(name["detector"]))
