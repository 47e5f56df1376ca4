"""Which part of the code may import which."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.stages import STAGES

ROOT = Path(__file__).resolve().parents[1]
COMPONENTS = ROOT / "components"

COMPOSED = {
    "detect_scenes": {"import_images", "infer_windows", "split_masks"},
    "plan_imagery": {"publish_collection"},
    "publish_collection": {"split_masks"},
    "promote": {"evaluate", "infer_windows", "split_masks"},
}
"""Stages that run others as a part of their own step."""


def _imported(folder: Path) -> Iterator[str]:
    """Modules that the files below a folder import, wherever in a file."""
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: a relative import"
                yield str(node.module)


def _stages(modules: Iterator[str]) -> set[str]:
    """The stages among imported modules."""
    names = {module.split(".")[1] for module in modules if module.startswith("components.")}
    return names & set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_none_but_those_it_is_composed_of(stage: str) -> None:
    assert _stages(_imported(COMPONENTS / stage)) - {stage} == COMPOSED.get(stage, set())


def test_core_imports_no_stage() -> None:
    assert _stages(_imported(COMPONENTS / "core")) == set()


def test_components_import_neither_pipelines_nor_tests() -> None:
    assert {name.split(".")[0] for name in _imported(COMPONENTS)} & {"pipelines", "tests"} == set()
