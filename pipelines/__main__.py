"""The pipelines' command line: `python -m pipelines compile|run|detect|readme|submit|schedule|runs`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from components.core.cli import argument_parser, run_main
from components.core.errors import ConfigError
from pipelines.compiling import COMPILED, check_compiled, compile_all, compile_elsewhere
from pipelines.detect_cli import add_detect_command
from pipelines.readme import README, check_readme, write_readme
from pipelines.run_cli import add_run_command
from pipelines.size_cli import add_size_command
from pipelines.submit_cli import add_submit_commands
from pipelines.traffic import add_traffic_command


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argument_parser("python -m pipelines", "Compile and run the pipelines.")
    commands = result.add_subparsers(dest="command", required=True)
    add_run_command(commands)
    add_detect_command(commands)
    add_traffic_command(commands)
    add_size_command(commands)
    compiling = _add_checked_command(commands, "compile", f"compile the pipelines to {COMPILED.name}/*.yaml", _compile)
    compiling.add_argument(
        "--node-pools",
        type=Path,
        metavar="FILE",
        help="a site's copy of node_pools.yaml to take instead; needs --output",
    )
    compiling.add_argument("--output", type=Path, metavar="FOLDER", help="where to write instead")
    _add_checked_command(commands, "readme", "bring the README's table of components up to date", _readme)
    add_submit_commands(commands)
    return result


def _add_checked_command(commands: Any, name: str, text: str, main: Any) -> Any:
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument("--check", action="store_true", help="only see whether what is committed is current")
    command.set_defaults(main=main)
    return command


def _compile(options: argparse.Namespace) -> None:
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


def _readme(options: argparse.Namespace) -> None:
    if options.check:
        check_readme()
    else:
        write_readme()
        sys.stdout.write(f"{README}\n")


if __name__ == "__main__":
    sys.exit(run_main(lambda options: options.main(options), parser()))
