"""`if`: sends every element one of two ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import numpy as np

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.conditions import AnyCondition, Probability
from components.core.dtl.flow import Flow, Integers
from components.core.dtl.possible import Possible
from components.core.dtl.schema_rules import Rule


class IfSettings(ActionSettings):
    """Settings of `if`."""

    condition: AnyCondition


class If(Action):
    """To the first destination where the condition holds, else to the second.

    Objects and the image stay as they are.
    """

    name: ClassVar[str] = "if"
    settings_model: ClassVar[type[ActionSettings]] = IfSettings
    may_draw: ClassVar[bool] = True
    draws_where: ClassVar[Rule] = {"properties": {"condition": {"required": ["probability"]}}}
    ports: ClassVar[int] = 2

    def draws(self) -> bool:
        """As the condition does."""
        return isinstance(self.settings.condition, Probability)

    def divide(self, arriving: Possible) -> tuple[Possible | None, ...]:
        """As the condition does."""
        return self.settings.condition.divide(arriving)

    def there(self, arriving: Possible) -> str:
        """As the condition says."""
        return self.settings.condition.there(arriving)

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """One way; in a dry run both, where the answer would need pixels."""
        condition = self.settings.condition
        if not element.objects_known and condition.looks_at_objects():
            perhaps = replace(element, certain=False)
            yield Emission(perhaps, 0)
            yield Emission(perhaps, 1)
        else:
            yield Emission(element, 0 if condition.holds(element, layer, context) else 1)

    def in_columns(self) -> bool:
        """As the condition is."""
        return not self.settings.condition.looks_at_objects()

    def apply_each(self, flow: Flow, layer: QueryLayer, context: Context) -> tuple[Flow, Integers]:
        """One way or the other."""
        return flow, np.where(self.settings.condition.holds_each(flow, layer, context), 0, 1)

    def summary(self) -> str:
        """The condition."""
        shown = self.settings.condition.model_dump(exclude_defaults=True)
        return ", ".join(f"{key} {_short(value)}" for key, value in shown.items())


def _short(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
