"""Every stage on the command line: `python -m components STAGE --flag …`; without a stage, what there is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches

from components.core.cli import BAD_INPUT
from components.core.command.run import stage_main
from components.core.command.signature import read_signature
from components.stages import STAGES

PROG = "python -m components"


def overview() -> str:
    """Every stage, and what it does."""
    width = max(map(len, STAGES)) + 2
    stages = "\n".join(f"  {stage:{width}}{read_signature(stage).summary}" for stage in STAGES)
    return f"usage: {PROG} STAGE [-h] [--flag …]\n\nstages:\n{stages}\n"


def main(argv: Sequence[str]) -> int:
    """Run the stage that the first argument names, with the others.

    Returns:
        The exit status: 0, or 2 after an error that a message explains.
    """
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(overview())
        return 0
    stage, *arguments = argv
    if stage not in STAGES:
        alike = "".join(f", such as {name}" for name in get_close_matches(stage, STAGES, 1))
        sys.stderr.write(f"{PROG}: {stage!r} is not a stage; give one{alike}, or see {PROG} --help\n")
        return BAD_INPUT
    return stage_main(stage, arguments, f"{PROG} {stage}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
