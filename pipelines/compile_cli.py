"""`python -m pipelines compile`: the pipelines as YAML."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from components.core.errors import ConfigError
from pipelines.package import COMPILED
from pipelines.site import compile_for_site


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add = parser.add_argument
    add("--check", action="store_true", help="check whether the committed files are current")
    add(
        "--node-pools",
        type=Path,
        metavar="PLACE",
        help="the site's changes to node_pools.yaml: a file, or a folder of such files; needs --output",
    )
    add("--output", type=Path, metavar="FOLDER", help=f"output folder instead of pipelines/{COMPILED.name}")


def main(options: argparse.Namespace) -> None:
    """Compile, or compare."""
    if options.check:
        if options.node_pools or options.output:
            raise ConfigError("--check compares the committed files; leave out --node-pools and --output")
        _compiling().check_compiled()
        return
    if options.node_pools:
        if not options.output:
            raise ConfigError("--node-pools compiles pipelines that differ from the committed ones; give --output")
        files = compile_for_site(options.node_pools, options.output)
    else:
        files = _compiling().compile_all(options.output or COMPILED)
    sys.stdout.writelines(f"{file}\n" for file in files)


def _compiling() -> ModuleType:
    """The module whose import makes every pipeline."""
    return import_module("pipelines.compiling")
