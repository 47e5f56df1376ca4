"""All that a run of publish_collection did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from components.core.collection.plan import Plan
from components.core.project.history import StageRun
from components.publish_collection.gathering import Failure
from components.publish_collection.layer.index import Layer
from components.publish_collection.layer.update import LayerUpdate
from components.publish_collection.scenes import FinishedScene


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
    failures: tuple[Failure, ...]
    before: Layer | None
    layer: LayerUpdate
    exports: tuple[str, ...]
    outdated: tuple[str, ...]
    history: tuple[StageRun, ...]
