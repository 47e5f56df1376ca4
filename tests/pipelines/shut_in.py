"""Runs a module with some packages alone, as in an image: `python -m tests.pipelines.shut_in PACKAGES MODULE …`.

Any other import ends as it would there. PACKAGES are names of modules, separated by commas; Python's own and this
project's are there always. What is imported here is Python's own, so that nothing is there before it is asked for.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Collection
from typing import Any

OWN = frozenset({"components", "pipelines"})

BUILD_DATA = "_sysconfigdata"
"""Python's own too: how it was built; the platform is part of the module's name."""


class OtherPackagesAreMissing:
    """A finder of modules that goes before all others and knows of what an image lacks."""

    def __init__(self, packages: Collection[str]) -> None:
        self._there = sys.stdlib_module_names | OWN | frozenset(packages)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Leave what is there to the other finders."""
        package = name.partition(".")[0]
        if package not in self._there and not package.startswith(BUILD_DATA):
            raise ModuleNotFoundError(f"No module named {package!r}, which this image has not", name=package)


if __name__ == "__main__":
    sys.meta_path.insert(0, OtherPackagesAreMissing(sys.argv[1].split(",")))  # type: ignore[arg-type]
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
