"""The pages that people read, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.locks import ROOT

PAGES = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "CHANGELOG.md",
        ROOT / "manifests" / "README.md",
    ]
)

FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def fenced(page: Path, language: str) -> Iterator[str]:
    """The blocks of code in a language."""
    return (found["text"] for found in FENCE.finditer(page.read_text()) if found["language"] == language)


def code(page: Path) -> Iterator[str]:
    """All that stands as code: fenced blocks, and words between backticks."""
    text = page.read_text()
    yield from (found["text"] for found in FENCE.finditer(text))
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
