"""`dummy`: nothing happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from components.core.dtl.action import Action, Context, Element, Emission, QueryLayer
from components.core.dtl.flow import Flow, Integers


class Dummy(Action):
    """Items pass as they are, image and objects: a name for a place in the query."""

    name: ClassVar[str] = "dummy"

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element."""
        yield Emission(element)

    def in_columns(self) -> bool:
        """Nothing is looked at or changed."""
        return True

    def apply_each(self, flow: Flow, layer: QueryLayer, context: Context) -> tuple[Flow, Integers]:
        """The elements."""
        return flow, np.zeros(len(flow), np.int64)
