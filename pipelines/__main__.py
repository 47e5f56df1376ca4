"""The pipelines' command line: `python -m pipelines compile|run|detect|reference|submit|schedule|runs|size|traffic`.

Each command has a module of its own, `pipelines.<command>_cli` with `add_flags` and `main`, which is imported when the
command is given: an image that submits runs has neither a local runner nor what the stages need.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from components.core.cli import HelpFormatter, argument_parser, run_main

COMMANDS = {
    "run": "run the training pipeline on this machine",
    "detect": "run the detection pipeline on this machine",
    "traffic": "show how many bytes each stage of a local run moved",
    "compile": "compile the pipelines to YAML, which is committed",
    "size": "show how many pods a run takes in Kubeflow, and how large it becomes in Argo",
    "reference": "bring the generated parts of the documentation up to date",
    "submit": "start a run of a pipeline in Kubeflow",
    "schedule": "create or update the recurring run of a pipeline in Kubeflow",
    "runs": "list the latest runs in Kubeflow",
}
"""Every command, and what it does."""


class CommandParser(argparse.ArgumentParser):
    """The parser of one command, which gets its flags once the command is given."""

    command: str = ""
    """Its name, until it has its flags."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Import the command's module, and parse."""
        if self.command:
            module = import_module(f"pipelines.{self.command}_cli")
            module.add_flags(self)
            self.set_defaults(main=module.main)
            self.command = ""
        return super().parse_known_args(args, namespace)


def parser() -> argparse.ArgumentParser:
    """The command line; parsed options have the command's `main`, which takes them."""
    result = argument_parser("python -m pipelines", "Compile, run, submit and schedule the pipelines.")
    commands = result.add_subparsers(dest="command", required=True, parser_class=CommandParser)
    for name, text in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            formatter_class=HelpFormatter,
        )
        command.command = name
    return result


if __name__ == "__main__":
    sys.exit(run_main(lambda options: options.main(options), parser()))
