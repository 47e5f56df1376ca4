"""Scenes that need no network: the collection holds what it said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from components.core import storage
from components.core.collection.failure_log import FailureLog
from components.core.collection.identity import within
from components.core.collection.ledger import Collection, Mark
from components.core.collection.plan import PlannedScene
from components.core.errors import DataError
from components.core.project.predictions import PROBABILITY_ROLE

THREADS = 16


def with_predictions(
    collection: Collection,
    scenes: Sequence[PlannedScene],
    detected: Mapping[str, Sequence[Mark]],
    prediction: str,
    detector: str,
) -> list[PlannedScene]:
    """Find scenes whose footprints can be made again from what the same network said of the same imagery.

    A scene of which a note says that it failed in this way goes through the network.

    Args:
        collection: It; markers of scenes that are done again are read.
        scenes: That are to be done.
        detected: Marks of the same version of their imagery, by scene.
        prediction: Of this run; empty where what the network says is not kept.
        detector: How scenes are detected now.

    Returns:
        The scenes in their order, with `remade_from` where it can be so.

    Raises:
        StorageError: If a marker cannot be read.
    """
    if not prediction or not any(scene.id in detected for scene in scenes):
        return list(scenes)
    failed = FailureLog(collection).marks()

    def look(scene: PlannedScene) -> PlannedScene:
        if Mark(scene.id, scene.version, within(detector, scene.area)) in failed:
            return scene
        wanted = within(prediction, scene.area)
        marks = sorted(detected.get(scene.id, ()), reverse=True)
        usable = (mark for mark in marks if _holds(collection, mark, wanted))
        return replace(scene, remade_from=next((mark.detector for mark in usable), ""))

    with ThreadPoolExecutor(THREADS, "markers") as pool:
        return list(pool.map(look, scenes))


def _holds(collection: Collection, mark: Mark, prediction: str) -> bool:
    """Whether the collection holds what the network said in an earlier detection."""
    try:
        record = collection.read(mark)
    except DataError:
        return False  # a broken marker names nothing that could be used
    file = record.files.get(PROBABILITY_ROLE)
    if record.prediction != prediction or file is None:
        return False
    return storage.exists(storage.join_uri(collection.scene_folder(mark), file))
