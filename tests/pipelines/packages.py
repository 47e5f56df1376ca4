"""Which packages an image has: those that its requirement files name, and all that those need."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]

LIGHT = ("light.in",)
SUBMIT = (*LIGHT, "submit.in")
"""docker/Dockerfile puts the packages of `submit.in` on top of the light ones."""


@cache
def packages_of(*files: str) -> frozenset[str]:
    """Modules that are there once some files of `requirements` are installed, by the metadata of what is here."""
    there = {name for file in files for requirement in _lines(file) for name in _with_needs(requirement)}
    return frozenset(module for module, owners in metadata.packages_distributions().items() if there & _plain(owners))


def _lines(file: str) -> set[str]:
    """The requirements of a file, and of those that it refers to."""
    found: set[str] = set()
    for line in (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        other = re.fullmatch(r"-r\s+(\S+)", text)
        found |= _lines(other[1]) if other else {text} if text else set()
    return found


def _with_needs(requirement: str) -> set[str]:
    found: set[str] = set()
    waiting = [Requirement(requirement)]
    while waiting:
        wanted = waiting.pop()
        (name,) = _plain([wanted.name])
        if name in found:
            continue
        found.add(name)
        needs = [Requirement(text) for text in metadata.requires(name) or ()]
        waiting += [
            need
            for need in needs
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in wanted.extras or {""})
        ]
    return found


def _plain(names: list[str]) -> set[str]:
    """Names of distributions in the one form that they all have."""
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def run_shut_in(files: tuple[str, ...], *command: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE ARGUMENTS` in a fresh interpreter that has only the packages of some files."""
    there = ",".join(sorted(packages_of(*files)))
    return subprocess.run(
        [sys.executable, "-m", "tests.pipelines.shut_in", there, *command], capture_output=True, text=True, cwd=ROOT
    )
