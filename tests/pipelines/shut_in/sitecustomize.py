"""Leaves an interpreter the packages of an image: any other is not found, as it would not be there.

Python imports this module when it starts and its folder is in PYTHONPATH; `packages.shut_in` sets that up.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator
from typing import Any

OWN = frozenset({"components", "pipelines", "ephemeral_component"})
"""This project's, and what Kubeflow's executor writes a component's source to."""

BUILD_DATA = "_sysconfigdata"
"""How this Python was built; the platform is part of the module's name."""


class ImageFinder:
    """The finder of modules, instead of those that were there: it asks them for what the image has."""

    def __init__(self, finders: Collection[Any], packages: Collection[str], distributions: Collection[str]) -> None:
        self._finders = finders
        self._packages = sys.stdlib_module_names | OWN | frozenset(packages)
        self._distributions = frozenset(distributions)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Where a module is; None where the image has none."""
        package = name.partition(".")[0]
        if package not in self._packages and not package.startswith(BUILD_DATA):
            return None
        found = (finder.find_spec(name, path, target) for finder in self._finders)
        return next((spec for spec in found if spec is not None), None)

    def find_distributions(self, *context: Any) -> Iterator[Any]:
        """What is installed, for libraries that look before they import."""
        for finder in self._finders:
            if hasattr(finder, "find_distributions"):
                for found in finder.find_distributions(*context):
                    if re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower() in self._distributions:
                        yield found


sys.meta_path[:] = [
    ImageFinder(
        tuple(sys.meta_path), os.environ["IMAGE_PACKAGES"].split(","), os.environ["IMAGE_DISTRIBUTIONS"].split(",")
    )  # type: ignore[list-item]
]
