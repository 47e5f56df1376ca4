"""The locks of requirements/ as data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ROOT / "requirements"


@dataclass(frozen=True)
class Pin:
    """A package of a lock."""

    requirement: Requirement
    hashes: frozenset[str]

    @property
    def version(self) -> str:
        [specifier] = self.requirement.specifier
        assert specifier.operator == "==" and "*" not in specifier.version, self.requirement
        return specifier.version


def logical_lines(text: str) -> list[str]:
    """The lines of a text, joined where a backslash continues them, without comments and empty ones."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


@cache
def pins(lock: str) -> dict[str, Pin]:
    """The packages of a lock by their canonical names."""
    found: dict[str, Pin] = {}
    for line in logical_lines((REQUIREMENTS / lock).read_text()):
        wanted, *hashes = line.split(" --hash=")
        requirement = Requirement(wanted)
        name = canonicalize_name(requirement.name)
        assert name not in found, f"{lock}: {name} stands twice"
        found[name] = Pin(requirement, frozenset(hashes))
    return found


def asked_for(source: str) -> list[Requirement]:
    """What a `.in` file asks for, with the files that it includes."""
    wanted: list[Requirement] = []
    for line in logical_lines((REQUIREMENTS / source).read_text()):
        if line.startswith("-r "):
            wanted += asked_for(line.removeprefix("-r "))
        else:
            wanted.append(Requirement(line))
    return wanted
