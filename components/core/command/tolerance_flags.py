"""The two flags that earlier versions had in the place of `--tolerance`."""

from __future__ import annotations

import argparse
from typing import Any

Flags = argparse.ArgumentParser | argparse._ArgumentGroup
"""What takes flags."""


def add_earlier_flags(parser: Flags) -> None:
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
