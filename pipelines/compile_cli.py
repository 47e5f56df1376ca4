"""`python -m pipelines compile`: the pipelines as YAML."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.core.errors import ConfigError
from pipelines.package import COMPILED


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add = parser.add_argument
    add("--check", action="store_true", help="only see whether what is committed is current")
    add(
        "--node-pools",
        type=Path,
        metavar="FILE",
        help="a site's copy of node_pools.yaml to take instead; needs --output",
    )
    add("--output", type=Path, metavar="FOLDER", help=f"where to write instead of {COMPILED.name}")


def main(options: argparse.Namespace) -> None:
    """Compile, or compare."""
    from pipelines.compiling import check_compiled, compile_all, compile_elsewhere  # its import makes every pipeline

    if options.check:
        if options.node_pools or options.output:
            raise ConfigError("--check looks at what is committed; leave out --node-pools and --output")
        check_compiled()
    elif options.node_pools:
        if not options.output:
            raise ConfigError("--node-pools makes other pipelines than those committed; say where with --output")
        compile_elsewhere(options.node_pools, options.output)
    else:
        for file in compile_all(options.output or COMPILED):
            sys.stdout.write(f"{file}\n")
