"""What elements may be at a place of a query, as far as that can be said without looking at any."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from components.core.project import ProjectMeta


@dataclass(frozen=True, slots=True)
class Possible:
    """Elements that arrive somewhere.

    Attributes:
        meta: Of the project that they are of by now.
        perhaps: Tags that some of them may carry.
        surely: Tags that each of them carries.
        names: Of the images that they came from; None where these are not known.
    """

    meta: ProjectMeta
    perhaps: frozenset[str] = frozenset()
    surely: frozenset[str] = frozenset()
    names: frozenset[str] | None = None

    def tagged(self, tag: str) -> Possible:
        """The same with a tag more."""
        return replace(self, perhaps=self.perhaps | {tag}, surely=self.surely | {tag})

    def untagged(self, tags: Iterable[str]) -> Possible:
        """The same without some tags."""
        gone = frozenset(tags)
        return replace(self, perhaps=self.perhaps - gone, surely=self.surely - gone)

    def joined(self, other: Possible) -> Possible:
        """Both together."""
        return Possible(
            self.meta.merged(other.meta),
            self.perhaps | other.perhaps,
            self.surely & other.surely,
            None if self.names is None or other.names is None else self.names | other.names,
        )
