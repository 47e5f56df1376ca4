"""Fuzz on the command line: `python -m tests.fuzzing rasters --cases 10000 --seed 7`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from tests.fuzzing.kinds import KINDS
from tests.fuzzing.rounds import described, fuzz, go_through, kind_of, limit_memory


def main() -> int:
    """Go through cases; each fault is told with the number that repeats it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS), help="what is mutated")
    parser.add_argument("--cases", type=int, default=1000, help="how many mutations")
    parser.add_argument("--seed", type=int, default=0, help="of all of them")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--log", type=Path, help="go through them in this process; file for the number under way")
    options = parser.parse_args()
    logging.disable()
    if options.log is not None:
        limit_memory()
        outcome = go_through(kind_of(options.kind), options.seed, options.first, options.cases, options.log)
        sys.stdout.write(f"{described(outcome)}\n")
        return 0
    outcome = fuzz(options.kind, options.cases, options.seed)
    for number, fault in outcome.faults.items():
        sys.stdout.write(f"--- case {number}\n{fault}\n")
    sys.stdout.write(f"{outcome.accepted} accepted, {outcome.refused} refused, {len(outcome.faults)} faults\n")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
