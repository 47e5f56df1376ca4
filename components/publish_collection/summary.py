"""Summary of a detection run, for its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from components.core.collection.plan import DetectionReason
from components.core.geometry import Size
from components.core.hashing import hash_integer
from components.core.project.history import StageRun
from components.core.skip_budget import Skipped


@dataclass(frozen=True, slots=True)
class Changes:
    """Buildings of a scene against those that its last detection found.

    Attributes:
        new: Only now.
        gone: Only then.
        changed: Then and now, in another shape.
    """

    new: int
    gone: int
    changed: int


@dataclass(frozen=True, slots=True)
class DoneScene:
    """A scene that this run published.

    Attributes:
        key: Of the image, relative to the imagery's prefix.
        why: Why it was done.
        size: Of the image, in pixels.
        footprints: How many buildings it has.
        area_m2: Of these.
        confidence: Mean over them, 0–1; None where it has none, or no confidence.
        place: Where its outputs lie, relative to the collection.
        changes: Against its last detection; None where it had none.
        drift: How far it is from the model's training, by kind; empty where that is not known.
        drift_limits: From which distances on there is a warning, by kind; empty where none is known.
    """

    key: str
    why: DetectionReason
    size: Size
    footprints: int
    area_m2: float
    confidence: float | None
    place: str
    changes: Changes | None = None
    drift: Mapping[str, float] = field(default_factory=dict)
    drift_limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def megapixels(self) -> float:
        """Of the image."""
        return self.size.area / 1e6


@dataclass(frozen=True, slots=True)
class LayerTotals:
    """The footprint layer as a whole.

    Attributes:
        scenes: With a partition.
        footprints: Of all of them, each building once.
        area_m2: Of these.
    """

    scenes: int
    footprints: int
    area_m2: float


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run of detection did.

    Attributes:
        name: Of the run.
        images_uri: Prefix of the imagery.
        output_uri: Of the collection.
        model_uri: Of the model.
        model: Digest of the model.
        detector: Name of model and settings together.
        scenes: Published by this run.
        failed: Planned and not published.
        skipped: Images that planning skipped.
        up_to_date: How many scenes needed nothing.
        waiting: How many were done with another detector and stay as they are.
        retired: How many were taken out, since their images are gone.
        stages: What the stages did; several entries of one stage are its shards.
        before: The layer before the run; None where there was none.
        after: The layer after the run.
        shards: How many shards the scenes were assigned to.
        postponed: How many images are left to the next run.
        aoi_uri: The area of interest; empty for all imagery.
        outside: How many images do not meet it, and stay as they are.
        warnings: What of the images is unlike those that the model learnt from.
    """

    name: str
    images_uri: str
    output_uri: str
    model_uri: str
    model: str
    detector: str
    scenes: tuple[DoneScene, ...]
    failed: tuple[Skipped, ...]
    skipped: tuple[Skipped, ...]
    up_to_date: int
    waiting: int
    retired: int
    stages: tuple[StageRun, ...]
    before: LayerTotals | None
    after: LayerTotals
    shards: int = 0
    postponed: int = 0
    aoi_uri: str = ""
    outside: int = 0
    warnings: tuple[str, ...] = ()

    def count(self, why: DetectionReason) -> int:
        """How many scenes were published for a reason."""
        return sum(scene.why is why for scene in self.scenes)


@dataclass(frozen=True, slots=True)
class StageTotals:
    """What all shards of one stage did.

    Attributes:
        stage: Its name.
        runs: How many shards.
        scenes: How many images or row parts of images.
        megapixels: Of these.
        seconds: Of all shards together.
        slowest: Seconds of the slowest shard.
        skipped: Images that it could not do.
    """

    stage: str
    runs: int
    scenes: int
    megapixels: float
    seconds: float
    slowest: float
    skipped: int

    @property
    def speed(self) -> float | None:
        """Megapixels a second of one shard, on average; None where no time was taken, or none for images."""
        return self.megapixels / self.seconds if self.seconds > 0 and self.megapixels > 0 else None


def stage_totals(stages: Sequence[StageRun]) -> list[StageTotals]:
    """Sum up the shards of each stage, in order of first appearance."""
    by_stage: dict[str, list[StageRun]] = {}
    for entry in stages:
        by_stage.setdefault(entry.stage, []).append(entry)
    return [
        StageTotals(
            stage=stage,
            runs=len(runs),
            scenes=sum(run.scenes for run in runs),
            megapixels=sum(run.megapixels for run in runs),
            seconds=sum(run.seconds for run in runs),
            slowest=max(run.seconds for run in runs),
            skipped=sum(len(run.skipped) for run in runs),
        )
        for stage, runs in by_stage.items()
    ]


def scenes_to_show(scenes: Sequence[DoneScene], count: int = 6) -> list[DoneScene]:
    """Scenes for pictures, chosen by name, so that they are no better than the others; the first by key first."""
    chosen = sorted(scenes, key=lambda scene: hash_integer(0, "report", scene.key))[:count]
    return sorted(chosen, key=lambda scene: scene.key)
