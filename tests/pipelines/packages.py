"""Which packages the images have, and interpreters that have no others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SHUT_IN = Path(__file__).with_name("shut_in")


@dataclass(frozen=True)
class Contents:
    """What docker/Dockerfile installs in an image.

    Attributes:
        files: Of `requirements`.
        alone: Distributions that come without what they need.
    """

    files: tuple[str, ...]
    alone: tuple[str, ...] = ()


IMAGES = {
    "cpu": Contents(("light.in",), ("kfp",)),
    "gpu": Contents(("torch.in",), ("kfp",)),
    "submit": Contents(("light.in", "submit.in")),
}

LESS = {"kfp": Contents(("submit.in",)), "nothing": Contents(())}
"""No images: what some commands make do with."""


@cache
def distributions_of(image: str) -> frozenset[str]:
    """Distributions that an image has, by what those that are installed here say they need."""
    contents = (IMAGES | LESS)[image]
    named = {name for file in contents.files for requirement in _lines(file) for name in _with_needs(requirement)}
    return frozenset(named | _plain(contents.alone))


@cache
def packages_of(image: str) -> frozenset[str]:
    """Modules that an image has."""
    there, installed = distributions_of(image), metadata.packages_distributions()
    return frozenset(module for module, owners in installed.items() if there & _plain(owners))


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
        for need in map(Requirement, metadata.requires(name) or ()):
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in wanted.extras or {""}):
                waiting.append(need)
    return found


def _plain(names: list[str] | tuple[str, ...]) -> set[str]:
    """Names of distributions in the one form that they all have."""
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def shut_in(image: str) -> dict[str, str]:
    """An environment in which every Python, and what it starts, has this project and an image's packages alone."""
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return os.environ | {
        "IMAGE_PACKAGES": ",".join(sorted(packages_of(image))),
        "IMAGE_DISTRIBUTIONS": ",".join(sorted(distributions_of(image))),
        "PATH": paths,
        "PYTHONPATH": os.pathsep.join([str(SHUT_IN), str(ROOT)]),
    }


def run_shut_in(image: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE ARGUMENTS` with an image's packages alone."""
    return subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, env=shut_in(image))
