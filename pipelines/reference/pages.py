"""Pages with generated blocks, each between two marks in text that is written by hand, and files that are generated."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from components.core.dtl.schema import query_schema_text
from components.core.errors import ConfigError
from pipelines.reference import configs, dtl, project_files, runs, stages

DOCS = Path(__file__).parents[2] / "docs"

BLOCKS: Mapping[str, Callable[[], str]] = {
    "components-overview": stages.overview,
    "components": stages.components,
    "pipelines": runs.pipelines,
    "commands": runs.commands,
    "make-targets": project_files.targets,
    "node-pools": project_files.node_pools,
    "dtl-ready-made": dtl.ready_made,
    "dtl-actions": dtl.actions,
    "dtl-conditions": dtl.conditions,
    "dtl-differences": dtl.differences,
    "training-config": configs.training_config,
    "promotion-config": configs.promotion_config,
    "labels-config": configs.labels_config,
    "detection-images": configs.detection_images,
    "training-images": configs.training_images,
    "named-configs": configs.named_configs,
    "architectures": configs.architectures,
    "encoders": configs.encoders,
    "inference-config": configs.inference_config,
}
"""What each block holds; every one of them stands in one page."""

FILES: Mapping[str, Callable[[], str]] = {"reference/dtl.schema.json": query_schema_text}
"""Files of the site that are generated as a whole, by their path in its folder."""

END = "<!-- /generated -->"

_BLOCK = re.compile(r"<!-- generated: (?P<name>[\w-]+) -->\n(?P<old>.*?)" + re.escape(END), re.DOTALL)


def updated(text: str, page: str) -> str:
    """A page with its blocks as the code makes them now.

    Args:
        text: Of the page.
        page: Its name, for messages.

    Raises:
        ConfigError: If it has a block that nothing makes, or one without an end.
    """

    def made(found: re.Match[str]) -> str:
        make = BLOCKS.get(found["name"])
        if make is None:
            raise ConfigError(f"{page}: nothing makes a block {found['name']!r}; blocks are {', '.join(BLOCKS)}")
        return f"<!-- generated: {found['name']} -->\n\n{make()}\n\n{END}"

    result, count = _BLOCK.subn(made, text)
    if count != text.count("<!-- generated: ") or count != text.count(END):
        raise ConfigError(f"{page}: a generated block has no end, or an end no beginning; each ends with {END}")
    return result


def pages(folder: Path = DOCS) -> list[Path]:
    """Every page, in order.

    Raises:
        ConfigError: If a block stands in none of them, or in several.
    """
    found = sorted(folder.rglob("*.md"))
    counts = Counter(name for page in found for name in _names(page))
    wrong = [name for name in BLOCKS if counts[name] != 1]
    if wrong:
        raise ConfigError(
            f"{folder.name}: {', '.join(wrong)}: must stand in one page, between <!-- generated: NAME --> and {END}"
        )
    return found


def _names(page: Path) -> Iterator[str]:
    return (found["name"] for found in _BLOCK.finditer(page.read_text(encoding="utf-8")))


def write_pages(folder: Path = DOCS) -> list[Path]:
    """Bring every page and file up to date.

    Returns:
        Those that changed.
    """
    return [file for file, text in _stale(folder) if _write(file, text)]


def _write(file: Path, text: str) -> int:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.write_text(text, encoding="utf-8")


def check_pages(folder: Path = DOCS) -> None:
    """See that every page and file is current.

    Raises:
        ConfigError: Naming those that are not.
    """
    stale = ", ".join(str(page.relative_to(folder.parent)) for page, _ in _stale(folder))
    if stale:
        raise ConfigError(f"{stale}: generated parts are not current; run `make reference` and commit")


def _stale(folder: Path) -> Iterator[tuple[Path, str]]:
    for page in pages(folder):
        text = page.read_text(encoding="utf-8")
        new = updated(text, page.name)
        if new != text:
            yield page, new
    for name, make in FILES.items():
        file, new = folder / name, make()
        if not file.is_file() or file.read_text(encoding="utf-8") != new:
            yield file, new
