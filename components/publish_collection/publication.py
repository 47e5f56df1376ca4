"""All that a run of publish_collection did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from components.core.collection.collect_parts import SceneFailure
from components.core.collection.finish_scene import FinishedScene
from components.core.collection.layer.index import CollectionLayer
from components.core.collection.layer.update import LayerUpdate
from components.core.collection.plan import Plan
from components.core.project.history import StageRun


@dataclass(frozen=True, slots=True)
class Publication:
    """What a run published.

    Attributes:
        plan: What was to be done.
        started: When this stage began; with its time zone.
        finished: Scenes that are done now.
        failures: Scenes that are not.
        before: The layer before; None where there was none.
        layer: What became of the layer.
        exports: Further files of the layer.
        outdated: Names of such files that earlier runs wrote, of another state of the layer.
        history: What all stages did, this one last.
    """

    plan: Plan
    started: datetime
    finished: tuple[FinishedScene, ...]
    failures: tuple[SceneFailure, ...]
    before: CollectionLayer | None
    layer: LayerUpdate
    exports: tuple[str, ...]
    outdated: tuple[str, ...]
    history: tuple[StageRun, ...]
