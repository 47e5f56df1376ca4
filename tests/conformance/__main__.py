"""Run recorded cases through our engine: `python -m tests.conformance FOLDER [--case NAME]`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from components.core.cli import BAD_INPUT, argument_parser
from components.core.errors import FootprintsError
from tests.conformance.case import AGREES, NOT_OFFERED, Verdict, find_cases, judge


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a case; gives 1 where our engine is wrong somewhere, 2 where the cases cannot be read."""
    parser = argument_parser("python -m tests.conformance", "Compare what our engine makes of recorded cases.")
    parser.add_argument("folder", type=Path, help="holds one folder a case")
    parser.add_argument("--case", help="name of the one case to run, or its beginning; all unless given")
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    try:
        cases = [case for case in find_cases(options.folder) if case.name.startswith(options.case or "")]
        if not cases:
            parser.error(f"--case: no case of {options.folder} is called {options.case!r}")
        verdicts = [_shown(judge(case)) for case in cases]
    except FootprintsError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return BAD_INPUT
    finally:
        logging.disable(logging.NOTSET)
    sys.stdout.write(_summary(verdicts) + "\n")
    return 1 if any(verdict.is_failure for verdict in verdicts) else 0


def _shown(verdict: Verdict) -> Verdict:
    sys.stdout.write(verdict.line() + "\n")
    sys.stdout.flush()
    return verdict


def _summary(verdicts: Sequence[Verdict]) -> str:
    ordinary = [verdict for verdict in verdicts if not verdict.case.quirk]
    offered = [verdict for verdict in ordinary if verdict.word != NOT_OFFERED]
    agreeing = sum(verdict.word == AGREES for verdict in offered)
    return f"{agreeing} of {len(offered)} cases agree; {len(ordinary) - len(offered)} use actions not offered"


if __name__ == "__main__":
    sys.exit(main())
