"""Recurring runs: one of a name, whatever happens on the way."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipelines.scheduling import Existing, Schedule, kept
from pipelines.uploading import UploadedVersion
from tests.pipelines.conftest import Cli
from tests.pipelines.kubeflow_server import Fault, Kubeflow
from tests.waiting import HANGS_S

BASE = ("--param", "data_root=s3://bucket/data", "--name", "nightly")
NIGHTLY = (*BASE, "--cron", "0 0 3 * * *")
LATER = (*BASE, "--cron", "0 0 4 * * *")


def the_one(kubeflow: Kubeflow) -> object:
    (run,) = kubeflow.recurring.values()
    return run


def never_two_at_work(kubeflow: Kubeflow) -> bool:
    return all(counts.get("nightly", 0) <= 1 for counts in kubeflow.enabled)


def test_created_once(kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli("schedule", *NIGHTLY) == 0
    first = the_one(kubeflow)
    assert capsys.readouterr().out.endswith(f"/#/recurringrun/details/{first.recurring_run_id}\n")
    assert first.mode == "ENABLE"
    assert (first.trigger.cron_schedule.cron, first.max_concurrency, first.no_catchup) == ("0 0 3 * * *", "1", True)
    assert first.runtime_config.parameters == {"data_root": "s3://bucket/data"}
    kubeflow.requests.clear()
    assert cli("schedule", *NIGHTLY) == 0
    assert the_one(kubeflow) is first
    assert all(request.startswith("GET ") for request in kubeflow.requests)


@pytest.mark.parametrize(
    "changed",
    [
        LATER,
        (*NIGHTLY, "--param", "seed=7"),
        (*NIGHTLY, "--max-concurrency", "2"),
        (*NIGHTLY, "--catch-up"),
        (*NIGHTLY, "--pipeline-root", "s3://bucket/root"),
        (*NIGHTLY, "--service-account", "trainer"),
        (*NIGHTLY, "--version-name", "v2"),
    ],
)
def test_changed_is_updated_and_then_left_alone(kubeflow: Kubeflow, cli: Cli, changed: tuple[str, ...]) -> None:
    assert cli("schedule", *NIGHTLY) == 0
    first = the_one(kubeflow)
    assert cli("schedule", *changed) == 0
    second = the_one(kubeflow)
    assert second is not first
    assert second.mode == "ENABLE"
    assert never_two_at_work(kubeflow)
    assert cli("schedule", *changed) == 0
    assert the_one(kubeflow) is second


def test_other_names_and_experiments_are_left_alone(kubeflow: Kubeflow, cli: Cli) -> None:
    kubeflow.page_size = 1
    kubeflow.add_experiment("towns")
    assert cli("schedule", *NIGHTLY[:2], "--name", "weekly", "--cron", "0 0 3 * * 0") == 0
    assert cli("schedule", *NIGHTLY, "--experiment", "towns") == 0
    assert cli("schedule", *NIGHTLY) == cli("schedule", *LATER) == 0
    crons = sorted((run.display_name, run.trigger.cron_schedule.cron) for run in kubeflow.recurring.values())
    assert crons == [("nightly", "0 0 3 * * *"), ("nightly", "0 0 4 * * *"), ("weekly", "0 0 3 * * 0")]


def test_paused_and_resumed(kubeflow: Kubeflow, cli: Cli) -> None:
    for flags, mode in ((("--paused",), "DISABLE"), ((), "ENABLE"), (("--paused",), "DISABLE")):
        assert cli("schedule", *NIGHTLY, *flags) == 0
        assert the_one(kubeflow).mode == mode
    assert cli("schedule", *LATER, "--paused") == 0
    assert the_one(kubeflow).mode == "DISABLE"


def double(kubeflow: Kubeflow, cli: Cli) -> None:
    """Two of the same name at work, as another tool leaves them."""
    assert cli("schedule", *BASE, "--cron", "0 0 1 * * *") == 0
    first = the_one(kubeflow)
    assert cli("schedule", *NIGHTLY) == 0
    kubeflow.recurring[first.recurring_run_id] = first
    first.mode = "ENABLE"
    kubeflow.enabled.clear()


@pytest.mark.parametrize("flags", [NIGHTLY, LATER])
def test_duplicates_are_cleaned(kubeflow: Kubeflow, cli: Cli, flags: tuple[str, ...]) -> None:
    double(kubeflow, cli)
    assert cli("schedule", *flags) == 0
    assert (the_one(kubeflow).mode, the_one(kubeflow).trigger.cron_schedule.cron) == ("ENABLE", flags[-1])


@pytest.mark.parametrize("status", [500, 0])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "request_", ["POST /recurringruns", "POST /recurringruns/.*:disable", "POST /recurringruns/.*:enable"]
)
def test_failure_on_the_way_leaves_the_old_at_work(
    kubeflow: Kubeflow, cli: Cli, request_: str, after: bool, status: int
) -> None:
    assert cli("schedule", *NIGHTLY) == 0
    first = the_one(kubeflow)
    kubeflow.faults.append(Fault(request_, status, after=after))
    assert cli("schedule", *LATER) == 2
    at_work = [run for run in kubeflow.recurring.values() if run.mode == "ENABLE"]
    assert at_work == [first]
    assert cli("schedule", *LATER) == 0
    assert the_one(kubeflow).trigger.cron_schedule.cron == "0 0 4 * * *"
    assert the_one(kubeflow).mode == "ENABLE"
    assert never_two_at_work(kubeflow)


def test_failure_to_delete_leaves_the_new_at_work(kubeflow: Kubeflow, cli: Cli) -> None:
    assert cli("schedule", *NIGHTLY) == 0
    kubeflow.faults.append(Fault("DELETE /recurringruns/.*", 500))
    assert cli("schedule", *LATER) == 2
    crons = [run.trigger.cron_schedule.cron for run in kubeflow.recurring.values() if run.mode == "ENABLE"]
    assert crons == ["0 0 4 * * *"]
    assert cli("schedule", *LATER) == 0
    assert the_one(kubeflow).mode == "ENABLE"


def test_old_one_deleted_by_someone_else_meanwhile(kubeflow: Kubeflow, cli: Cli) -> None:
    assert cli("schedule", *NIGHTLY) == 0
    first = the_one(kubeflow)

    def other(request: str) -> None:
        if request.endswith(":disable"):
            kubeflow.recurring.pop(first.recurring_run_id, None)

    kubeflow.before = other
    assert cli("schedule", *LATER) == 0
    assert the_one(kubeflow).trigger.cron_schedule.cron == "0 0 4 * * *"


def test_two_at_the_same_time_leave_one(kubeflow: Kubeflow, cli: Cli, tiny: Path) -> None:
    meeting = threading.Barrier(2)

    def meet(request: str) -> None:
        if request == "POST /recurringruns":
            meeting.wait(HANGS_S)

    assert cli("submit", *NIGHTLY[:2]) == 0
    kubeflow.before = meet
    command = [sys.executable, "-m", "pipelines", "schedule", "--pipeline", str(tiny), *NIGHTLY]
    processes = [subprocess.Popen(command) for _ in range(2)]
    for process in processes:
        process.wait(HANGS_S)
    kubeflow.before = lambda request: None
    assert cli("schedule", *NIGHTLY) == 0
    assert the_one(kubeflow).mode == "ENABLE"
    assert never_two_at_work(kubeflow)


def test_cron_with_five_fields(kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli("schedule", *BASE, "--cron", "0 3 * * *") == 2
    assert "give '0 0 3 * * *'" in capsys.readouterr().err
    assert not kubeflow.requests


def test_refused_by_the_server(kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    kubeflow.faults.append(Fault("POST /recurringruns", 400, body='{"message": "quota is used up"}'))
    assert cli("schedule", *NIGHTLY) == 2
    assert "cannot create recurring run 'nightly': the server refuses the request (400: quota is used up)" in (
        capsys.readouterr().err
    )


def test_the_oldest_of_equals_is_kept() -> None:
    schedule = Schedule("nightly", "0 0 3 * * *", UploadedVersion("p", "v"), {"seed": 1})
    runs = [Existing(name, when, True, schedule.facts) for name, when in (("b", "2024"), ("c", "2023"), ("a", "2024"))]
    other = Existing("d", "2020", True, schedule.facts | {"arguments": {"seed": 2}})
    assert kept([*runs, other], schedule) == runs[1]
    assert kept([other], schedule) is None
