"""Every file of every package has its hash in requirements/, and the project installs nothing without."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.locks import REQUIREMENTS, ROOT, asked_for, logical_lines, pins

LOCKS = sorted(path.name for path in REQUIREMENTS.glob("*.txt"))
PLACES = ("Makefile", "docker", ".ci", "components", "pipelines", "manifests")
"""Where the project could install something; tests and documents are left out."""

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


@dataclass(frozen=True)
class Install:
    """A `pip install` of the project."""

    place: str
    command: str

    @property
    def options(self) -> argparse.Namespace:
        parser = argparse.ArgumentParser(exit_on_error=False)
        for flag in ("require-hashes", "no-deps", "no-build-isolation", "quiet", "disable-pip-version-check"):
            parser.add_argument(f"--{flag}", action="store_true")
        for option in ("requirement", "only-binary", "no-binary", "editable"):
            parser.add_argument(f"--{option}")
        parser.add_argument("packages", nargs="*")
        return parser.parse_args(shlex.split(self.command.partition("pip install")[2]))


def files() -> Iterator[Path]:
    for place in PLACES:
        top = ROOT / place
        yield from [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file())


def installs() -> list[Install]:
    """Every `pip install` of the project, but for that of the project itself, which fetches nothing."""
    commands = [
        Install(str(path.relative_to(ROOT)), command)
        for path in files()
        if path.suffix != ".pyc"
        for line in logical_lines(path.read_text(errors="ignore"))
        for command in re.split(r"&&|\|\||;", line)
        if "pip install" in command
    ]
    return [command for command in commands if command.options.editable != "." or not command.options.no_deps]


def test_every_group_has_its_lock():
    assert sorted(path.with_suffix(".txt").name for path in REQUIREMENTS.glob("*.in")) == LOCKS


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_with_hashes_and_names_no_place(lock):
    text = (REQUIREMENTS / lock).read_text()
    assert "://" not in text
    assert len(HASH.findall(text)) == text.count("--hash=")
    assert pins(lock)
    for name, pin in pins(lock).items():
        assert pin.version, name
        assert pin.hashes, f"{lock}: {name} has no hash; run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_is_asked_for(lock):
    for wanted in asked_for(Path(lock).with_suffix(".in").name):
        pin = pins(lock).get(canonicalize_name(wanted.name))
        assert pin, f"{lock} lacks {wanted}; run `make lock`"
        assert wanted.specifier.contains(pin.version, prereleases=True), f"{lock}: {wanted}; run `make lock`"


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock != "lock.txt"])  # the tool that locks is in no other
def test_locks_agree(lock):
    everything = pins("dev.txt")
    for name, pin in pins(lock).items():
        if lock == "docs.txt" and name not in everything:  # the site has an environment of its own
            continue
        assert name in everything, f"dev.txt lacks {name} of {lock}; run `make lock`"
        assert pin.version == everything[name].version, f"{lock}: {name}; run `make lock`"
        assert pin.hashes == everything[name].hashes, f"{lock}: {name}; run `make lock`"


def test_a_step_needs_one_package_of_kubeflow():
    assert pins("kfp.txt").keys() == {"kfp"}


def test_nothing_is_installed_without_hashes():
    assert {install.place for install in installs()} == {"Makefile", "docker/Dockerfile"}
    for install in installs():
        options = install.options
        assert options.require_hashes, install
        assert options.only_binary == ":all:", install
        assert Path(options.requirement).name in LOCKS, install
        assert not options.packages, install


def test_what_has_no_wheel_is_built_with_what_is_locked():
    for install in installs():
        assert not install.options.no_binary or install.options.no_build_isolation, install
    assert pins("pip.txt").keys() >= {"pip", "setuptools"}


def _imported(folder: str) -> dict[str, str]:
    """Packages of others that a folder's modules import, wherever in a module, and one module of each."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            found |= {name.partition(".")[0]: str(path.relative_to(ROOT)) for name in names}
    own = {*sys.stdlib_module_names, "components", "pipelines"}
    return {name: place for name, place in found.items() if name not in own}


@pytest.mark.parametrize(("folder", "groups"), [("components", ["torch", "smp", "kfp"]), ("pipelines", ["dev"])])
def test_what_is_imported_is_asked_for(folder: str, groups: list[str]) -> None:
    asked = {canonicalize_name(wanted.name) for group in groups for wanted in asked_for(f"{group}.in")}
    of_module = packages_distributions()
    missing = {
        name: place
        for name, place in _imported(folder).items()
        if not asked & {canonicalize_name(package) for package in of_module.get(name, [])}
    }
    assert missing == {}
