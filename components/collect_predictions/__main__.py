"""Collect predictions on the command line: `python -m components.collect_predictions`."""

from __future__ import annotations

import argparse
import sys

from components.collect_predictions.collect_predictions import collect_predictions
from components.core.cli import argument_parser, run_main


def parser() -> argparse.ArgumentParser:
    """The flags; they carry the names of the component's inputs and outputs."""
    result = argument_parser("python -m components.collect_predictions", "Put inferred parts together.")
    result.add_argument("--parts", nargs="+", required=True, help="directories of the inferred parts")
    result.add_argument("--project", required=True, help="directory of the project whose images were looked at")
    result.add_argument("--predictions", required=True, help="directory of the project to write")
    return result


def main(options: argparse.Namespace) -> None:
    """Collect, and say how many items there are."""
    count = collect_predictions(options.parts, options.project, options.predictions)
    sys.stdout.write(f"{count} items, at {options.predictions}\n")


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
