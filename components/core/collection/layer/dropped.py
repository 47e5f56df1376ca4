"""What a scene leaves to other scenes, and since when: kept with the scene's part of the layer."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.hashing import digest
from components.core.json_text import parse_json

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

DIGEST_CHARACTERS = 16


@dataclass(frozen=True, eq=False)
class Dropped:
    """The footprints that a scene leaves to others.

    Attributes:
        rows: (N,) their places in the scene's table, ascending.
        moments: (N,) of the captures for which they were dropped, in seconds since 1970; -inf where it is unknown.
    """

    rows: Indices
    moments: Floats

    @classmethod
    def of(cls, rows: Indices, moments: Floats) -> Dropped:
        """From rows in any order."""
        order = np.argsort(rows)
        return cls(rows[order], moments[order])

    @property
    def digest(self) -> str:
        """Of all of it; empty where there is none."""
        return digest(*self.as_json())[:DIGEST_CHARACTERS] if len(self.rows) else ""

    @property
    def last(self) -> float | None:
        """The last of the moments; None where it is unknown, or there is none."""
        last = float(self.moments.max()) if len(self.moments) else -math.inf
        return last if math.isfinite(last) else None

    def before(self, moment: float) -> Indices:
        """Rows that were dropped before a moment."""
        return self.rows[self.moments < moment]

    def as_json(self) -> str:
        """A list of [moment, rows], by moment; null stands for an unknown one."""
        found: list[list[object]] = []
        for moment in np.unique(self.moments).tolist():
            rows = self.rows[self.moments == moment].tolist()
            found.append([moment if math.isfinite(moment) else None, rows])
        return json.dumps(found, separators=(",", ":"))

    @classmethod
    def of_json(cls, text: str | bytes) -> Dropped:
        """From what `as_json` gives.

        Raises:
            ValueError: If it is anything else.
        """
        try:
            groups = [(-math.inf if moment is None else float(moment), list(rows)) for moment, rows in parse_json(text)]
            rows = np.array([row for _, own in groups for row in own], np.int64)
            moments = np.repeat(np.array([moment for moment, _ in groups], np.float64), [len(own) for _, own in groups])
        except (TypeError, OverflowError) as error:
            raise ValueError(f"is not a list of times and rows ({error})") from error
        return cls.of(rows, moments)


NOTHING = Dropped(np.zeros(0, np.int64), np.zeros(0, np.float64))
