"""What is skipped, how it is named, and how much of it a run may skip."""

from __future__ import annotations

import errno
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.core.errors import ConfigError, DataError, StorageError, TooManySkippedError
from components.core.skip_budget import SHOWN, SHOWN_AT_START, SkipBudget, Skipped, log_skipped

TORN = Skipped("a.tif", "is torn")


@pytest.mark.parametrize(
    ("skipped", "text"),
    [
        (TORN, "a.tif: is torn"),
        (Skipped("a.tif", "is torn", "import_images"), "a.tif: import_images: is torn"),
        (Skipped("a.tif", "a.tif: is torn"), "a.tif: is torn"),
        (Skipped("a.tif", "a.tif: is torn", "import_images"), "a.tif: import_images: a.tif: is torn"),
        (Skipped("a", "a.tif: is torn"), "a: a.tif: is torn"),
    ],
)
def test_it_is_named_once_with_its_stage_and_its_reason(skipped: Skipped, text: str) -> None:
    assert str(skipped) == text


@pytest.mark.parametrize("skipped", [TORN, Skipped("a.tif", "is torn", "import_images")])
def test_it_goes_through_files_and_processes(skipped: Skipped) -> None:
    assert Skipped(**skipped.as_json()) == skipped
    assert pickle.loads(pickle.dumps(skipped)) == skipped


def test_files_of_earlier_versions_know_no_stage() -> None:
    assert TORN.as_json() == {"name": "a.tif", "reason": "is torn"}


def test_the_log_names_each_once_in_the_same_words(caplog: pytest.LogCaptureFixture) -> None:
    budget = SkipBudget(2, 3)
    budget.add(TORN)
    with budget.tolerated("b.tif"):
        raise DataError("b.tif: has no CRS")
    budget.check()
    assert caplog.messages == ["skipped: a.tif: is torn", "skipped: b.tif: has no CRS"]
    assert budget.skipped == [TORN, Skipped("b.tif", "b.tif: has no CRS")]


def test_a_long_list_is_named_in_part_where_something_else_names_all(caplog: pytest.LogCaptureFixture) -> None:
    log_skipped([TORN] * 5, 3, "the plan names")
    assert caplog.messages == [*["skipped: a.tif: is torn"] * 3, "skipped: 2 more, which the plan names"]


@pytest.mark.parametrize(
    ("allowed", "total", "allow_empty", "count", "is_refused"),
    [
        (0, 3, False, 0, False),
        (0, 3, False, 1, True),
        (2, 3, False, 2, False),
        (2, 3, False, 3, True),
        (9, 3, False, 3, True),
        (9, 3, True, 3, False),
        (2, 3, True, 3, True),
        (None, 3, True, 3, False),
        (None, 3, False, 2, False),
        (None, 3, False, 3, True),
        (9, 0, False, 0, False),
        (2, None, False, 2, False),
        (2, None, False, 3, True),
    ],
)
def test_more_than_allowed_is_refused_and_all_where_something_must_be_left(
    allowed: int | None, total: int | None, allow_empty: bool, count: int, is_refused: bool
) -> None:
    skipped = [Skipped(f"{number}.tif", "is torn") for number in range(count)]
    for check in (SkipBudget.check, lambda budget: budget.check_expected(skipped)):
        budget = SkipBudget(allowed, total, allow_empty=allow_empty)
        if check is SkipBudget.check:
            budget.add(*skipped)
        if not is_refused:
            check(budget)
            continue
        with pytest.raises(TooManySkippedError):
            check(budget)


@pytest.mark.parametrize(
    ("budget", "count", "note", "message"),
    [
        (
            SkipBudget(1, 5),
            2,
            "the others are published",
            "2 of 5 images skipped, and max_bad allows 1, but never all: 0: is torn; 1: is torn; fix or replace them, "
            "or set max_bad to at least 2 to go on without them; the others are published",
        ),
        (
            SkipBudget(0, 1, allow_empty=True),
            1,
            "",
            "1 of 1 image skipped, and max_bad allows 0: 0: is torn; fix or replace them, or set max_bad to at least "
            "1 to go on without them",
        ),
        (
            SkipBudget(7, 2, "item"),
            2,
            "",
            "2 of 2 items skipped, and max_bad allows 7, but never all: 0: is torn; 1: is torn; fix or replace them",
        ),
        (
            SkipBudget(None, 1, "val item"),
            1,
            "",
            "1 of 1 val item skipped, and one val item must be left: 0: is torn; fix or replace them",
        ),
        (
            SkipBudget(0),
            1,
            "",
            "1 image skipped, and max_bad allows 0: 0: is torn; fix or replace them, or set max_bad to at least 1 to "
            "go on without them",
        ),
    ],
)
def test_the_error_says_how_many_of_how_many_what_is_allowed_why_and_what_to_do(
    budget: SkipBudget, count: int, note: str, message: str
) -> None:
    budget.add(*(Skipped(str(number), "is torn") for number in range(count)))
    with pytest.raises(TooManySkippedError) as caught:
        budget.check(note)
    assert str(caught.value) == message


def test_the_error_names_some_of_many() -> None:
    many = [Skipped(f"{number:03}", "is torn") for number in range(SHOWN_AT_START + 2)]
    budget = SkipBudget(0, len(many) + 1)
    with pytest.raises(TooManySkippedError, match=r"099: is torn; and 2 more; fix") as caught:
        budget.check_expected(many)
    assert "100: is" not in str(caught.value) and budget.skipped == []
    budget.add(*many[: SHOWN + 3])
    with pytest.raises(TooManySkippedError, match=r"; and 3 more, which the log lists; fix"):
        budget.check()


def test_what_was_named_before_counts_and_is_not_named_again(caplog: pytest.LogCaptureFixture) -> None:
    budget = SkipBudget(1)
    budget.count(TORN, Skipped("b.tif", "is torn"))
    assert caplog.messages == []
    with pytest.raises(TooManySkippedError, match=r"^2 images"):
        budget.check()


def test_a_loop_goes_on_until_it_is_one_too_many() -> None:
    budget, done = SkipBudget(1, 4), []
    with pytest.raises(TooManySkippedError, match=r"^2 of 4 images") as caught:
        for name in "abcd":
            with budget.tolerated(name):
                if name in "ac":
                    raise ValueError(name)
                done.append(name)
    assert done == ["b"] and isinstance(caught.value.__cause__, DataError)


def test_a_full_disk_is_no_fault_of_what_is_done() -> None:
    budget = SkipBudget(None)
    with pytest.raises(StorageError, match="free some space"), budget.tolerated("a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert budget.skipped == []


def test_workers_return_what_they_skip() -> None:
    def work(number: int) -> int | Skipped:
        return Skipped(str(number), "is odd") if number % 2 else number

    budget = SkipBudget(2, 4)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(work, range(4)))
    budget.add(*(result for result in results if isinstance(result, Skipped)))
    budget.check()
    assert [entry.name for entry in budget.skipped] == ["1", "3"]


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ConfigError, match="max_bad: -1 is negative; use 0 to skip none"):
        SkipBudget(-1, 3)
