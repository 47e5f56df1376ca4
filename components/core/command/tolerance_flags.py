"""`--tolerance` on the command line, and the two flags that earlier versions had in its place."""

from __future__ import annotations

import argparse
from typing import Any

from components.core.footprints.tolerance import DEFAULT


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--tolerance`, and the two flags that earlier versions had in its place."""
    parser.add_argument(
        "--tolerance",
        default=str(DEFAULT),
        help="of simplification, in pixels or metres, such as '0.5 m'; 0 keeps the pixels' edges",
    )
    add_earlier_flags(parser)


def add_earlier_flags(parser: argparse.ArgumentParser) -> None:
    """Add the two flags that earlier versions had in the place of `--tolerance`, which must be there."""
    for unit in ("px", "m"):
        parser.add_argument(
            f"--tolerance-{unit}",
            dest="tolerance",
            action=_EarlierFlag,
            default=argparse.SUPPRESS,
            metavar="NUMBER",
            help=argparse.SUPPRESS,
        )


class _EarlierFlag(argparse.Action):
    """Sets the tolerance, but for 0 metres, which stood for the tolerance in pixels."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        unit = self.option_strings[0].rpartition("-")[2]
        if unit == "px" or values.strip().strip("0.") != "":
            namespace.tolerance = f"{values} {unit}"
