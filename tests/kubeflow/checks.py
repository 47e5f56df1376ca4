"""What was checked and what came of it, for the table at the end."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from components.core.errors import FootprintsError
from tests.kubeflow.installation import CheckError
from tests.kubeflow.kubectl import KubectlError

OK, FAILED, SKIPPED = "ok", "failed", "skipped"
LINE = 120


class UnavailableError(Exception):
    """A check cannot be made here; the message says what it would take."""


@dataclass
class Outcome:
    """What came of one check.

    Attributes:
        name: Of the check.
        state: "ok", "failed" or "skipped".
        words: What was seen, what is wrong and what to do, or why it was skipped.
        seconds: How long it took.
    """

    name: str
    state: str = OK
    words: str = ""
    seconds: float = 0.0


@dataclass
class Checks:
    """All checks in their order.

    Attributes:
        title: What was checked, for the table.
        outcomes: By the checks' names.
        notes: Sentences below the table.
    """

    title: str = ""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def passed(self, name: str) -> bool:
        """Whether a check was made and is well."""
        return name in self.outcomes and self.outcomes[name].state == OK

    @contextmanager
    def check(self, name: str, *needs: str) -> Iterator[Outcome]:
        """Make a check: its end, and an error that it raises, is noted.

        Args:
            name: Of the check.
            needs: Names of checks without which this one makes no sense.

        Yields:
            Gets the words for what was seen.
        """
        outcome = self.outcomes.setdefault(name, Outcome(name))
        missing = next((other for other in needs if not self.passed(other)), None)
        started = time.monotonic()
        try:
            if missing is not None:
                raise UnavailableError(f"'{missing}' did not pass")
            yield outcome
        except UnavailableError as error:
            outcome.state, outcome.words = SKIPPED, str(error)
            pytest.skip(outcome.words)
        except (CheckError, FootprintsError, KubectlError) as error:
            outcome.state, outcome.words = FAILED, str(error)
            pytest.fail(outcome.words, pytrace=False)
        except BaseException as error:
            outcome.state, outcome.words = FAILED, f"{type(error).__name__}: {error}"
            raise
        finally:
            outcome.seconds = time.monotonic() - started

    def table(self) -> list[str]:
        """Lines for people: a check a line, and more where there is more to say."""
        width = max(map(len, self.outcomes), default=0)
        lines = [self.title]
        for outcome in self.outcomes.values():
            head = f"  {outcome.state:<7}  {outcome.name:<{width}}  {outcome.seconds:4.0f} s  "
            rest = " " * len(head)
            for line in outcome.words.splitlines() or [""]:
                lines += textwrap.wrap(
                    line.strip(), LINE, initial_indent=head, subsequent_indent=rest, break_long_words=False
                ) or [head.rstrip()]
                head = rest
        total_s = sum(outcome.seconds for outcome in self.outcomes.values())
        return [*lines, f"  {total_s:.0f} s in all", *self.notes]
