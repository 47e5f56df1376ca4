"""`python -m pipelines reference`: the generated parts of the documentation."""

from __future__ import annotations

import argparse
import sys


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--check", action="store_true", help="check whether the committed files are current")


def main(options: argparse.Namespace) -> None:
    """Write, or compare."""
    from pipelines.reference.pages import check_pages, write_pages  # every component and the query language

    if options.check:
        check_pages()
    else:
        sys.stdout.writelines(f"{page}\n" for page in write_pages())
