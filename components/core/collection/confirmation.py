"""Changes that count only when later captures agree: a building is shown, or no more, once k of the next n say so.

The first capture of a place is where it begins: what it shows is shown. From then on a capture that says otherwise than
what holds is a change that counts if k of the n captures after it, of those that show the place, say the same. Until so
many agree, what held goes on to hold. So one image in which a building is hidden, or one in which a lorry looks like
one, changes nothing. Scenes of one moment are one capture; so are all of unknown moments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from components.core.errors import ConfigError

MOST_CAPTURES = 100

_TEXT = re.compile(r"\s*(\d{1,4})\s+of\s+(\d{1,4})\s*")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How many of the next captures have to agree.

    Attributes:
        least: So many, 1 or more.
        of: Of so many.
    """

    least: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Confirmation | None:
        """From text such as "2 of 3"; None for empty text.

        Raises:
            ConfigError: If it is something else.
        """
        if not text.strip():
            return None
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ConfigError(
                f"confirm: {text!r} does not say how many of the next captures have to agree; give it as 2 of 3, or "
                "leave it empty for changes that count at once"
            )
        least, of = map(int, found.groups())
        if not 1 <= least <= of <= MOST_CAPTURES:
            raise ConfigError(
                f"confirm: {text!r} asks for {least} of the next {of} captures; the first is from 1 to the second, and "
                f"that at most {MOST_CAPTURES}"
            )
        return cls(least, of)

    def __str__(self) -> str:
        return f"{self.least} of {self.of}"

    def holds(self, seen: Sequence[bool]) -> bool:
        """Whether a building is shown after some captures of its place, oldest first, one at least."""
        state = seen[0]
        for number, says in enumerate(seen):
            if says != state and sum(later == says for later in seen[number + 1 : number + 1 + self.of]) >= self.least:
                state = says
        return state
