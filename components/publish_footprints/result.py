"""What was published, for files, for Kubeflow and for reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from components.core.footprints.records import FootprintRules
from components.core.skip_budget import Skipped


@dataclass(frozen=True, slots=True)
class LayerResult:
    """One layer.

    Attributes:
        name: Stem of its files.
        crs: "EPSG:…" or WKT; None for pixel coordinates.
        coordinates: What the coordinates are, in words.
        footprints: How many.
        area_m2: Their true area; None for pixel coordinates.
        bounds: West, south, east, north in the layer's coordinates; None for an empty layer.
        files: Names of its files.
    """

    name: str
    crs: str | None
    coordinates: str
    footprints: int
    area_m2: float | None
    bounds: list[float] | None
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SceneResult:
    """One scene.

    Attributes:
        source: The image's name.
        layer: Name of the layer that holds its footprints.
        footprints: How many.
        left_out: Objects below the least area.
        area_m2: True area of its footprints; None for pixel coordinates.
        confidence: Mean over its footprints; None where it is not known.
        tolerance_px: Tolerance of simplification that was used, in this scene's pixels.
    """

    source: str
    layer: str
    footprints: int
    left_out: int
    area_m2: float | None
    confidence: float | None
    tolerance_px: float


@dataclass(frozen=True, slots=True)
class PublishResult:
    """All that was published.

    Attributes:
        layers: In map coordinates first, then in pixel coordinates; either may be missing.
        scenes: In the project's order.
        rules: What was published, and how.
        joined: How many buildings were made of parts that several scenes show; `scenes` counts the parts.
        skipped: Scenes that could not be published.
    """

    layers: tuple[LayerResult, ...]
    scenes: tuple[SceneResult, ...]
    rules: FootprintRules
    joined: int = 0
    skipped: tuple[Skipped, ...] = ()

    def scalars(self) -> dict[str, float]:
        """Named figures for a table."""
        return {
            "footprints": float(sum(layer.footprints for layer in self.layers)),
            "area_m2": round(sum(layer.area_m2 or 0.0 for layer in self.layers), 3),
            "left_out": float(sum(scene.left_out for scene in self.scenes)),
            "joined": float(self.joined),
            "scenes": float(len(self.scenes)),
            "scenes_skipped": float(len(self.skipped)),
            "scenes_without_crs": float(sum(scene.area_m2 is None for scene in self.scenes)),
        }

    def as_json(self) -> dict[str, Any]:
        """The content of `summary.json`."""
        return {
            **asdict(self.rules),
            "layers": [asdict(layer) for layer in self.layers],
            "joined": self.joined,
            "scenes": [asdict(scene) for scene in self.scenes],
            "scenes_skipped": [entry.as_json() for entry in self.skipped],
        }
