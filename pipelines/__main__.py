"""The pipelines' command line: `python -m pipelines compile|run|readme|submit|schedule|runs`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from components.core.cli import argument_parser, run_main
from pipelines.compiling import COMPILED, check_compiled, compile_all
from pipelines.readme import README, check_readme, write_readme
from pipelines.run_cli import add_run_command
from pipelines.submit_cli import add_submit_commands
from pipelines.traffic import add_traffic_command


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argument_parser("python -m pipelines", "Compile and run the pipelines.")
    commands = result.add_subparsers(dest="command", required=True)
    add_run_command(commands)
    add_traffic_command(commands)
    _add_checked_command(commands, "compile", f"compile the pipelines to {COMPILED.name}/*.yaml", _compile)
    _add_checked_command(commands, "readme", "bring the README's table of components up to date", _readme)
    add_submit_commands(commands)
    return result


def _add_checked_command(commands: Any, name: str, text: str, main: Any) -> None:
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument("--check", action="store_true", help="only see whether what is committed is current")
    command.set_defaults(main=main)


def _compile(options: argparse.Namespace) -> None:
    if options.check:
        check_compiled()
        return
    for file in compile_all():
        sys.stdout.write(f"{file}\n")


def _readme(options: argparse.Namespace) -> None:
    if options.check:
        check_readme()
    else:
        write_readme()
        sys.stdout.write(f"{README}\n")


if __name__ == "__main__":
    sys.exit(run_main(lambda options: options.main(options), parser()))
