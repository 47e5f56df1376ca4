"""Starting runs, waiting for them and listing them, over HTTP."""

import json
import logging
import os
from pathlib import Path

import pytest

from pipelines import submitting
from pipelines.package import COMPILED, read_package
from tests.pipelines.conftest import Cli
from tests.pipelines.kubeflow_server import Fault, Kubeflow, Moment

ROOT = ("--param", "data_root=s3://bucket/data")
WAIT = (*ROOT, "--wait", "--poll-s", "0.01")


def only(entries: dict[str, object]) -> object:
    (entry,) = entries.values()
    return entry


def test_submit_uploads_and_starts(
    kubeflow: Kubeflow, cli: Cli, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "params.yaml").write_text("data_root: s3://bucket/data\nseed: 1\ntags: [test, new]\nshare: 1\n")
    flags = ("--params", str(tmp_path / "params.yaml"), "--param", "seed=7", "--run-name", "a run")
    assert cli("submit", *flags, "--pipeline-root", "s3://bucket/root", "--service-account", "trainer") == 0
    run = only(kubeflow.runs)
    assert run.display_name == "a run"
    assert run.runtime_config.parameters == {
        "data_root": "s3://bucket/data",
        "seed": 7,
        "tags": ["test", "new"],
        "share": 1,
    }
    assert (run.runtime_config.pipeline_root, run.service_account) == ("s3://bucket/root", "trainer")
    version = only(kubeflow.versions)
    package = read_package(str(tiny))
    assert version.name == package.version_name
    assert version.name.endswith(f"-{package.sha256[:12]}")
    assert run.pipeline_version_reference.pipeline_version_id == version.pipeline_version_id
    assert only(kubeflow.pipelines).display_name == "tiny-pipeline"
    assert capsys.readouterr().out == f"{endpoint()}/#/runs/details/{run.run_id}\n"


def endpoint() -> str:
    return os.environ["KFP_ENDPOINT"]


def test_every_committed_pipeline_can_be_submitted(kubeflow: Kubeflow, cli: Cli) -> None:
    names = sorted(file.stem for file in COMPILED.glob("*.yaml"))
    assert "training" in names
    for name in names:
        required = [parameter.name for parameter in read_package(name).parameters.values() if parameter.required]
        flags = [flag for parameter in required for flag in ("--param", f"{parameter}=s3://bucket/{parameter}")]
        assert cli("submit", "--pipeline", name, *flags) == 0
    assert len(kubeflow.pipelines) == len(kubeflow.runs) == len(names)


def test_same_content_is_uploaded_once(kubeflow: Kubeflow, cli: Cli) -> None:
    assert cli("submit", *ROOT) == cli("submit", *ROOT) == 0
    assert len(kubeflow.runs) == 2
    assert kubeflow.requests.count("POST /pipelines/upload_version") == 1
    assert len(kubeflow.pipelines) == len(kubeflow.versions) == 1


def test_changed_content_is_a_new_version(kubeflow: Kubeflow, cli: Cli, tiny: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.yaml"
    changed.write_text(tiny.read_text().replace("python:3.11", "python:3.12"))
    assert cli("submit", *ROOT) == cli("submit", *ROOT, "--pipeline", str(changed)) == 0
    assert len(kubeflow.pipelines) == 1
    assert len({version.name for version in kubeflow.versions.values()}) == 2


def test_version_conflict(
    kubeflow: Kubeflow, cli: Cli, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "changed.yaml"
    changed.write_text(tiny.read_text().replace("python:3.11", "python:3.12"))
    assert cli("submit", *ROOT, "--version-name", "v1") == 0
    assert cli("submit", *ROOT, "--version-name", "v1", "--pipeline", str(changed)) == 2
    assert "version 'v1' of pipeline 'tiny-pipeline' holds another content" in capsys.readouterr().err
    assert len(kubeflow.runs) == 1


def overtake(kubeflow: Kubeflow, content: bytes, name: str) -> None:
    """Someone else uploads a version of this name between the look for it and the upload."""

    def other(request: str) -> None:
        if request == "POST /pipelines/upload_version" and not kubeflow.versions:
            kubeflow.add_version(next(iter(kubeflow.pipelines)), name, content)

    kubeflow.before = other


def test_overtaken_by_the_same_content(kubeflow: Kubeflow, cli: Cli, tiny: Path) -> None:
    overtake(kubeflow, tiny.read_bytes(), read_package(str(tiny)).version_name)
    assert cli("submit", *ROOT) == 0
    assert len(kubeflow.versions) == len(kubeflow.runs) == 1


def test_overtaken_by_another_content(
    kubeflow: Kubeflow, cli: Cli, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overtake(kubeflow, tiny.read_bytes().replace(b"3.11", b"3.12"), "v1")
    assert cli("submit", *ROOT, "--version-name", "v1") == 2
    assert "holds another content" in capsys.readouterr().err
    assert not kubeflow.runs


@pytest.mark.parametrize("status", [500, 0])
def test_lost_answer_to_an_upload(kubeflow: Kubeflow, cli: Cli, status: int) -> None:
    kubeflow.faults.append(Fault("POST /pipelines/upload_version", status, after=True))
    assert cli("submit", *ROOT) == 0
    assert len(kubeflow.versions) == len(kubeflow.runs) == 1


def test_failed_upload(kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    kubeflow.faults.append(Fault("POST /pipelines/upload_version", 500, body='{"error_message": "disk is full"}'))
    assert cli("submit", *ROOT) == 2
    assert "cannot upload version" in (message := capsys.readouterr().err)
    assert "500: disk is full" in message


def test_pipeline_created_meanwhile(kubeflow: Kubeflow, cli: Cli) -> None:
    def other(request: str) -> None:
        if request == "POST /pipelines" and not kubeflow.pipelines:
            kubeflow.add_pipeline("tiny-pipeline")

    kubeflow.before = other
    assert cli("submit", *ROOT) == 0
    assert len(kubeflow.pipelines) == 1


def test_pipeline_and_version_on_a_later_page(kubeflow: Kubeflow, cli: Cli) -> None:
    kubeflow.page_size = 1
    for name in ("a", "b", "c"):
        kubeflow.add_experiment(name)
    assert cli("submit", *ROOT, "--experiment", "c") == cli("submit", *ROOT, "--experiment", "c") == 0
    assert len(kubeflow.versions) == 1


def test_missing_experiment(kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli("submit", *ROOT, "--experiment", "towns") == 2
    assert capsys.readouterr().err.endswith(
        f"{endpoint()}: experiment 'towns' does not exist; give --create-experiment, or --experiment with one of: "
        "'Default'\n"
    )
    assert not kubeflow.versions
    assert not kubeflow.runs
    assert cli("submit", *ROOT, "--experiment", "towns", "--create-experiment") == 0
    assert cli("submit", *ROOT, "--experiment", "towns", "--create-experiment") == 0
    towns = [entry for entry in kubeflow.experiments.values() if entry.display_name == "towns"]
    assert len(towns) == 1
    assert {run.experiment_id for run in kubeflow.runs.values()} == {towns[0].experiment_id}


def test_archived_experiment(kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    kubeflow.add_experiment("old", state="ARCHIVED")
    assert cli("submit", *ROOT, "--experiment", "old", "--create-experiment") == 2
    assert "experiment 'old' is archived" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "data_root: missing"),
        ((*ROOT, "--param", "sed=7"), "no such parameter; it has: data_root, extra, seed, share, strict, tags"),
        ((*ROOT, "--param", "seed=seven"), "--param seed: 'seven' must be a whole number"),
        ((*ROOT, "--pipeline", "absent"), "absent.yaml' cannot be read"),
    ],
)
def test_bad_parameters_stop_before_anything_is_asked(
    kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], message: str
) -> None:
    assert cli("submit", *flags) == 2
    assert message in capsys.readouterr().err
    assert not kubeflow.requests


def test_wait_tells_what_changes(kubeflow: Kubeflow, cli: Cli, caplog: pytest.LogCaptureFixture) -> None:
    kubeflow.script = [
        Moment("PENDING", {}),
        Moment("RUNNING", {"first": "RUNNING"}),
        Moment("RUNNING", {"first": "RUNNING"}),
        Moment("RUNNING", {"first": "SUCCEEDED", "second": "RUNNING"}),
        Moment("SUCCEEDED", {"first": "SUCCEEDED", "second": "SKIPPED"}),
    ]
    with caplog.at_level(logging.INFO):
        assert cli("submit", *WAIT) == 0
    lines = [
        record.getMessage().rpartition(", after")[0] for record in caplog.records if "tasks" in record.getMessage()
    ]
    assert lines == [
        "PENDING: 0 of 2 tasks done",
        "RUNNING: 0 of 2 tasks done, now first",
        "RUNNING: 1 of 2 tasks done, now second",
        "SUCCEEDED: 2 of 2 tasks done",
    ]


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_a_run_that_fails_while_waiting(
    kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    tasks = {"first": "SUCCEEDED", "second": "FAILED"}
    kubeflow.script = [Moment("RUNNING", {"first": "RUNNING"}), Moment(state, tasks, "pod ran out of memory")]
    assert cli("submit", *WAIT) == 2
    link, message = capsys.readouterr()
    assert f"{link.strip()}: the run ended as {state}: second (pod ran out of memory)" in message


def test_wait_gives_up_in_time(kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli("submit", *WAIT, "--timeout-s", "0.05") == 2
    assert "has not ended within 0.05 s and is still running" in capsys.readouterr().err


def test_wait_bears_an_absence(kubeflow: Kubeflow, cli: Cli) -> None:
    kubeflow.script = [Moment("RUNNING", {}), Moment("SUCCEEDED", {})]
    kubeflow.faults = [Fault("GET /runs/.*", 503, times=2), Fault("GET /runs/.*", 0)]
    assert cli("submit", *WAIT) == 0


def test_wait_ends_when_kubeflow_stays_away(
    kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "POLL_PATIENCE_S", 0.1)
    monkeypatch.setattr("pipelines.connection.READ_PATIENCE_S", 0.1)
    kubeflow.faults = [Fault("GET /runs/.*", 503, times=1000)]
    assert cli("submit", *WAIT) == 2
    link, message = capsys.readouterr()
    assert f"The run continues: {link.strip()}" in message


def test_an_expired_token_ends_the_wait(
    kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFP_TOKEN", "short-lived")
    kubeflow.faults = [Fault("GET /runs/.*", 401, times=1000)]
    assert cli("submit", *WAIT) == 2
    message = capsys.readouterr().err
    assert "refused, or have expired (401" in message
    assert "The run continues" in message


def test_start_whose_answer_is_lost(kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    kubeflow.faults.append(Fault("POST /runs", 0, after=True))
    assert cli("submit", *ROOT) == 2
    assert "may have started anyway" in capsys.readouterr().err
    assert len(kubeflow.runs) == 1


def test_runs(kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    kubeflow.page_size = 2
    kubeflow.add_experiment("towns")
    kubeflow.script = [Moment("SUCCEEDED", {"first": "SUCCEEDED"})]
    assert cli("submit", *WAIT, "--run-name", "oldest", "--experiment", "towns") == 0
    for number in range(3):
        assert cli("submit", *ROOT, "--run-name", f"run {number}") == 0
    capsys.readouterr()

    assert cli("runs", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [run["name"] for run in listed] == ["run 2", "run 1", "run 0", "oldest"]
    assert listed[-1]["state"] == "SUCCEEDED"
    assert listed[-1]["duration_s"] == 3723
    assert listed[0]["state"] == "PENDING"
    assert listed[0]["duration_s"] > 0

    assert cli("runs", "--limit", "1") == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["state", "created", "duration", "name", "link"]
    assert row.split()[0] == "PENDING"
    assert row.endswith(listed[0]["url"])

    assert cli("runs", "--experiment", "towns") == 0
    (row,) = capsys.readouterr().out.splitlines()[1:]
    assert row.split()[2:4] == ["1:02:03", "oldest"]
