"""What every stage's command line shares: logging, and errors as one clear line."""

from __future__ import annotations

import argparse
import io
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence

from components.core.errors import FootprintsError

BAD_INPUT = 2


def configure_logging() -> None:
    """Log to standard error, one short line a record."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")


class HelpFormatter(argparse.HelpFormatter):
    """Shows the default of every flag that has one; nothing, and a switch that is off, say nothing."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        default = action.default
        if (not default and not _is_number(default)) or default == argparse.SUPPRESS or "%(default)" in text:
            return text
        shown = " ".join(map(str, default)).replace("%", "%%") if isinstance(default, list) else "%(default)s"
        return f"{text} (default: {shown})"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def argument_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """A parser whose help shows every default that says something."""
    return argparse.ArgumentParser(prog=prog, description=description, formatter_class=HelpFormatter)


def write_metrics(values: Mapping[str, float], file: str | None) -> str:
    """Write numbers by name as a JSON file, where a path or URI of one is named.

    Returns:
        The text of it.
    """
    text = json.dumps(values, indent=1) + "\n"
    if file is not None:
        from components.core.storage import staged_file  # not for the commands that write no file

        with staged_file(file) as staged:
            staged.write_text(text, encoding="utf-8")
    return text


def run_main(
    main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser, argv: Sequence[str] | None = None
) -> int:
    """Parse the arguments, run `main` and turn an error on purpose into one line.

    Returns:
        The exit status: 0, or 2 after an error that the message explains.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # an old terminal may know none of our arrows
        sys.stdout.reconfigure(errors="backslashreplace")
    options = parser.parse_args(argv)
    configure_logging()
    try:
        main(options)
    except FootprintsError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return BAD_INPUT
    return 0
