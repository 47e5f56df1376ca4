"""A thousand mutations of each kind of input: a result that is true, or a clear error; no crash, hang or leftover."""

from __future__ import annotations

import pytest

from tests.fuzzing.kinds import KINDS
from tests.fuzzing.rounds import fuzz

CASES = 1000


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_whatever_it_is_the_answer_is_a_result_or_a_clear_error(kind: str) -> None:
    outcome = fuzz(kind, CASES)
    shown = "\n".join(f"--- case {number}\n{fault}" for number, fault in list(outcome.faults.items())[:5])
    assert not outcome.faults, f"{len(outcome.faults)} faults of {CASES}; the first:\n{shown}"
    assert outcome.accepted + outcome.refused == CASES
