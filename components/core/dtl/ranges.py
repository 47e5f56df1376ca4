"""Ranges that a layer draws a number from, keyed by the item."""

from __future__ import annotations

from pydantic import Field, model_validator

from components.core.dtl.action import ActionSettings


class Range(ActionSettings):
    """Least and greatest number; the same number twice is not a chance."""

    min: float = Field(allow_inf_nan=False)
    max: float = Field(allow_inf_nan=False)

    @model_validator(mode="after")
    def _is_in_order(self) -> Range:
        if self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}; give them in order")
        return self

    def __str__(self) -> str:
        return f"{self.min:g}" if self.min == self.max else f"{self.min:g}–{self.max:g}"
