"""Cases of one kind gone through in a process of their own, so that a crash or a hang is found out and named."""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from components.core.errors import FootprintsError
from tests.fuzzing.kinds import KINDS, Kind

CASE_SECONDS = 20
"""More than any case takes on a busy machine by far; what takes longer hangs."""

MEMORY_BYTES = 8 << 30
"""Address space of the process: what asks for more was told a size that no file of a few kilobytes has."""


class HangError(Exception):
    """A case did not end in time."""


@dataclass
class Outcome:
    """What a round found.

    Attributes:
        accepted: Cases that gave a result, which was checked.
        refused: Cases that gave a clear error.
        faults: By case: what went wrong.
    """

    accepted: int = 0
    refused: int = 0
    faults: dict[str, str] = field(default_factory=dict)


def go_through(kind: Kind, seed: int, first: int, count: int, log: Path) -> Outcome:
    """Try cases one after the other in this process.

    Args:
        kind: What is mutated.
        seed: Of all random decisions; with the number of a case it decides the case.
        first: Number of the first case.
        count: How many.
        log: File that holds the number of the case under way.
    """
    outcome = Outcome()
    signal.signal(signal.SIGALRM, _hang)
    with tempfile.TemporaryDirectory(prefix="fuzzing-") as folder:
        place = Path(folder)
        kind.prepare(place / "seeds")
        for number in range(first, first + count):
            log.write_text(str(number))
            case = place / str(number)
            case.mkdir()
            signal.alarm(CASE_SECONDS)
            try:
                kind.attempt(case, random.Random(f"{seed}:{kind.name}:{number}"))
                outcome.accepted += 1
            except FootprintsError as error:
                outcome.refused += 1
                if not str(error):
                    outcome.faults[str(number)] = "an error that says nothing"
            except BaseException as error:
                outcome.faults[str(number)] = (
                    f"{type(error).__name__}: {error}\n{''.join(traceback.format_exc()[-3000:])}"
                )
            finally:
                signal.alarm(0)
            shutil.rmtree(case, ignore_errors=True)
    return outcome


def _hang(*_: Any) -> None:
    raise HangError(f"did not end within {CASE_SECONDS} s")


def fuzz(kind: str, cases: int, seed: int = 0) -> Outcome:
    """Try cases in processes of their own; the one that ends a process is a fault, and the next ones follow."""
    total = Outcome()
    first = 0
    with tempfile.TemporaryDirectory(prefix="fuzzing-log-") as folder:
        log = Path(folder) / "case"
        while first < cases:
            command = [sys.executable, "-m", "tests.fuzzing", kind, "--seed", str(seed), "--first", str(first)]
            command += ["--cases", str(cases - first), "--log", str(log)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                found = Outcome(**json.loads(done.stdout.splitlines()[-1]))
                total.accepted += found.accepted
                total.refused += found.refused
                total.faults |= found.faults
                break
            crashed = int(log.read_text()) if log.exists() else first
            total.faults[str(crashed)] = f"the process ended with {done.returncode}: {done.stderr[-2000:]}"
            first = crashed + 1
    return total


def limit_memory() -> None:
    """Let the process have so much address space and no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def described(outcome: Outcome) -> str:
    """For the round's last line."""
    return json.dumps(asdict(outcome))


def kind_of(name: str) -> Kind:
    """A kind by its name."""
    return KINDS[name]()
