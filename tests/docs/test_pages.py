"""What the pages say is there: paths, commands, flags, examples, messages."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cache

import pytest
import yaml

from components.core.command.signature import read_signature
from components.core.documents import inference, training
from components.core.dtl.graph import build_query
from components.core.dtl.query import parse_layers
from components.stages import STAGES
from pipelines.__main__ import COMMANDS
from pipelines.package import read_package
from pipelines.placement import load_node_pools
from tests.docs.pages import PAGES, code, fenced, name_of
from tests.locks import ROOT

PLACES = re.compile(r"^(?:components|pipelines|manifests|docker|tests|requirements|docs|\.ci|\.github)(?:/[\w.-]+)+/?$")

every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


@every_page
def test_paths_exist(page):
    missing = [
        word
        for word in code(page)
        if PLACES.match(word)
        and "NAME" not in word
        and not (ROOT / word).exists()
        and not (page.parent / word).exists()
    ]
    assert not missing, f"{name_of(page)} names paths that are not there"


@every_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target or target.startswith("#"):
            continue
        for folder in (page.parent, *including(page)):
            there = folder / target.partition("#")[0]
            assert there.exists(), f"{name_of(page)} links to {target}, not in {folder}; write its path as code"


def including(page):
    """Folders of the pages that include a page, in which its links must lead somewhere, too."""
    include = f'--8<-- "{page.relative_to(ROOT)}"'
    return [other.parent for other in (ROOT / "docs").rglob("*.md") if include in other.read_text()]


@every_page
def test_commands_exist(page):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for text in code(page):
        for target in re.findall(r"(?:^|&& )make ([a-z][\w-]*)", text, re.MULTILINE):
            assert target in targets, f"{name_of(page)}: make {target}"
        for module in re.findall(r"python -m ([\w.]+)(?![\w.]*…)", text):
            if module.startswith(("components.STAGE", "pip", "http")) or module == "venv":
                continue
            assert importlib.util.find_spec(module.rstrip(".")), f"{name_of(page)}: python -m {module}"
        for command in re.findall(r"python -m pipelines ([a-z]+)", text):
            assert command in COMMANDS, f"{name_of(page)}: python -m pipelines {command}"


@every_page
def test_flags_exist(page):
    """Every flag that a page names is one of some command of the project, or of the tools that it calls."""
    others = {"--from-literal", "--namespace", "--kustomize", "--server-side", "--filename", "--selector", "--follow"}
    others |= {"--dry-run", "--output", "--help", "--show-labels", "--logdir"}
    others |= {"--nnodes", "--node-rank", "--nproc-per-node", "--master-addr", "--master-port"}
    others |= set(re.findall(r"--[a-z][a-z0-9-]+", (ROOT / "Makefile").read_text()))
    known = set(re.findall(r"\"(--[a-z0-9-]+)\"", _sources())) | others
    known |= {parameter.flag for stage in STAGES for parameter in read_signature(stage).parameters}
    known |= {f"--no-{flag[2:]}" for flag in known}
    for text in code(page):
        unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", text)) - known
        assert not unknown, f"{name_of(page)}: {unknown}"


@cache
def _sources() -> str:
    files = [*(ROOT / "components").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")]
    return "\n".join(file.read_text() for file in files)


@every_page
def test_examples_in_json_are_what_the_stages_take(page):
    for text in fenced(page, "json"):
        document = json.loads(text)
        if isinstance(document, list):
            build_query(document)
        elif "action" in document:
            parse_layers([document])
        elif "mode" in document:
            inference.load_config(document)
        else:
            training.load_config(document)


@every_page
def test_examples_in_yaml_are_what_the_pipelines_take(page, tmp_path):
    for text in fenced(page, "yaml"):
        document = yaml.safe_load(text)
        if "stages" in document:
            file = tmp_path / "node_pools.yaml"
            file.write_text(text)
            load_node_pools(file)
        elif "images_uri" in document:
            pipeline = "detection" if "model_uri" in document else "training"
            assert document.keys() <= read_package(pipeline).parameters.keys()


TROUBLE = ROOT / "docs" / "guides" / "troubleshooting.md"


def messages() -> list[str]:
    return re.findall(r"`([^`]+)`", "\n".join(re.findall(r"^### (`.*)$", TROUBLE.read_text(), re.MULTILINE)))


@cache
def texts() -> tuple[str, ...]:
    """All texts of the code; what is put into them counts as `…`."""
    files = [*(ROOT / "components").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")]
    return tuple(text for file in files for text in _texts(ast.parse(file.read_text())))


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
        yield "".join(map(str, parts))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield re.sub(r"%(?:\(\w+\))?[.\d]*[sdfgr]|\{\w*\}", "…", node.value).replace("%%", "%")
    for child in ast.iter_child_nodes(node):
        yield from _texts(child)


@pytest.mark.parametrize("message", messages())
def test_the_messages_of_troubleshooting_are_those_of_the_code(message):
    pattern = re.compile(".*".join(re.escape(part.strip()) for part in message.split("…")), re.DOTALL)
    assert any(pattern.search(text) for text in texts()), (
        f"{name_of(TROUBLE)} quotes a message that the code does not have any more; bring the page up to date"
    )
