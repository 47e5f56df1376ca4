"""What is shown of files that are not Python: targets of the Makefile, and what the pipelines ask of a cluster."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.placement import NODE_POOLS
from pipelines.reference import markdown

MAKEFILE = Path(__file__).parents[2] / "Makefile"

_TARGET = re.compile(r"^(?P<name>[a-z-]+):.*?## (?P<about>.*)$", re.MULTILINE)


def targets() -> str:
    """The targets of the Makefile."""
    rows = (
        (markdown.code(f"make {found['name']}"), markdown.text(found["about"]))
        for found in _TARGET.finditer(MAKEFILE.read_text(encoding="utf-8"))
    )
    return markdown.table(("target", "what it does"), rows)


def node_pools() -> str:
    """The file of placements as it is."""
    return f"```yaml\n{NODE_POOLS.read_text(encoding='utf-8').rstrip()}\n```"
