"""What an inference did, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.project.history import StageRun
from components.core.skip_budget import Skipped

STAGE = "infer_windows"

MEGA = 1_000_000


@dataclass(frozen=True, slots=True)
class InferenceResult:
    """What an inference did.

    Attributes:
        scenes: Scenes in the output project, whole or some of their rows.
        items: Items in the output project: more than scenes where scenes were cut into parts.
        reused: Those scenes that an earlier run had finished.
        megapixels: Of the scenes that went through the network.
        reused_megapixels: Of those that an earlier run had finished.
        no_data_megapixels: Of all of these, what got no class: it holds no data by what the rasters say, or lies in no
            region that the network inferred.
        skipped_windows: Windows or regions without any data, which did not go through the network.
        seconds: From the first scene to the last.
        network_seconds: Spent inside the network.
        skipped: Scenes that could not be done.
    """

    scenes: int
    items: int
    reused: int
    megapixels: float
    reused_megapixels: float
    no_data_megapixels: float
    skipped_windows: int
    seconds: float
    network_seconds: float
    skipped: tuple[Skipped, ...]

    def scalars(self) -> dict[str, float]:
        """Named figures for a table."""
        return {
            "scenes": self.scenes,
            "items": self.items,
            "reused": self.reused,
            "skipped": len(self.skipped),
            "megapixels": round(self.megapixels, 6),
            "no_data_megapixels": round(self.no_data_megapixels, 6),
            "skipped_windows": self.skipped_windows,
            "seconds": round(self.seconds, 3),
            "megapixels_per_second": round(self.megapixels / self.seconds, 3) if self.seconds else 0.0,
        }

    def stage_run(self) -> StageRun:
        """The same as an entry of the project's history."""
        megapixels = round(self.megapixels + self.reused_megapixels, 6)
        return StageRun(STAGE, self.scenes, megapixels, round(self.seconds, 3), self.skipped)


class Tally:
    """Counts finished scenes."""

    def __init__(self) -> None:
        self._scenes = self._reused = self._pixels = self._reused_pixels = self._no_data = self._skipped = 0

    def add(self, pixels: int, classified_pixels: int, skipped_windows: int, *, reused: bool) -> None:
        """Count one.

        Args:
            pixels: Of the scene, or of its rows that are wanted.
            classified_pixels: Those of them that have a class.
            skipped_windows: Windows or regions without any data.
            reused: Whether an earlier run had finished it.
        """
        self._scenes += 1
        self._reused += reused
        self._pixels += 0 if reused else pixels
        self._reused_pixels += pixels if reused else 0
        self._no_data += pixels - classified_pixels
        self._skipped += skipped_windows

    def report(
        self, items: int, seconds: float, network_seconds: float, skipped: tuple[Skipped, ...]
    ) -> InferenceResult:
        """All together."""
        return InferenceResult(
            scenes=self._scenes,
            items=items,
            reused=self._reused,
            megapixels=self._pixels / MEGA,
            reused_megapixels=self._reused_pixels / MEGA,
            no_data_megapixels=self._no_data / MEGA,
            skipped_windows=self._skipped,
            seconds=seconds,
            network_seconds=network_seconds,
            skipped=skipped,
        )
