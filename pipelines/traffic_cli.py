"""`python -m pipelines traffic`: what the stages of a local run read and wrote."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipelines.traffic import traffic_table


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("run", type=Path, help="folder of the run, such as runs/latest")


def main(options: argparse.Namespace) -> None:
    """Print the table."""
    sys.stdout.write(traffic_table(options.run) + "\n")
