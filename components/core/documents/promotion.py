"""The promotion config: which pointer names the model in use, and when a new model takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from components.core.champion import is_pointer
from components.core.settings import check_document, naming_file, read_document

WHERE = "promote.config"

Measure = Literal["iou", "object_f1"]


class PromotionConfig(BaseModel):
    """When a new model takes the place of the one in use; only the pointer must be given."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    pointer_uri: str
    """Path or URI of the pointer, a small JSON file such as s3://models/town/current.json; detection takes it in the
    place of a model. The first promotion makes it, and the models that it names lie in folders beside it."""

    measures: list[Measure] = Field(default=["iou"], min_length=1)
    """What the new model must be better in: building IoU, object F1, or both; pooled over all held-out images."""

    min_gain: float = Field(0.005, ge=-1, le=1)
    """How much better, at least: 0.005 is half a point of 100."""

    max_town_loss: float = Field(0.02, ge=0, le=1)
    """How much worse it may be in any town."""

    min_certainty: float = Field(0.9, ge=0, lt=1)
    """In which share of draws of the held-out images it must be better, at least; 0 does not ask. Of a single image
    nothing can be drawn, and it is not asked either."""

    @field_validator("pointer_uri")
    @classmethod
    def _is_json(cls, uri: str) -> str:
        if not is_pointer(uri):
            raise ValueError("is not called as a pointer is; give a file that ends in .json, such as current.json")
        return uri

    @field_validator("measures")
    @classmethod
    def _once(cls, measures: list[Measure]) -> list[Measure]:
        return list(dict.fromkeys(measures))

    def rule(self) -> dict[str, Any]:
        """All but the place: what decides."""
        return self.model_dump(mode="json", exclude={"pointer_uri"})


def load_promotion(source: str | Path | Mapping[str, Any]) -> PromotionConfig:
    """Check a promotion config; what it leaves out keeps its default.

    Args:
        source: JSON text, the path of a JSON file, or the parsed document.

    Raises:
        ConfigError: If it cannot be read, a key is unknown or missing, or a value breaks its rule.
    """
    document = read_document(source, WHERE) if isinstance(source, str | Path) else source
    with naming_file(source):
        return check_document(PromotionConfig, document, WHERE)
