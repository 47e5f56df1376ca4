"""`python -m pipelines readme`: the README's table of components."""

from __future__ import annotations

import argparse
import sys

from pipelines.readme import README, check_readme, write_readme


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--check", action="store_true", help="only see whether what is committed is current")


def main(options: argparse.Namespace) -> None:
    """Write, or compare."""
    if options.check:
        check_readme()
    else:
        write_readme()
        sys.stdout.write(f"{README}\n")
