"""Starting a run in Kubeflow, waiting for its end, and listing the latest."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from components.core.errors import ConfigError
from pipelines.connection import Connection, equals
from pipelines.endpoint import EndpointError
from pipelines.local import RunFailedError
from pipelines.uploading import UploadedVersion

log = logging.getLogger(__name__)

ENDED = frozenset({"SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"})
WELL_ENDED = frozenset({"SUCCEEDED", "SKIPPED"})
POLL_PATIENCE_S = 300.0
MOST_NAMES = 10


@dataclass(frozen=True)
class SubmittedRun:
    """One run in a list.

    Attributes:
        name: Of the run.
        state: Such as "RUNNING".
        created_at: ISO 8601, or empty.
        duration_s: From its creation to its end, or until now.
        url: Of its page.
    """

    name: str
    state: str
    created_at: str
    duration_s: int
    url: str

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def experiment_id(connection: Connection, name: str, create: bool = False) -> str:
    """Find an experiment.

    Args:
        connection: To Kubeflow.
        name: Of the experiment.
        create: Create it if it is missing.

    Raises:
        ConfigError: It is missing and not to be created, or it is archived.
    """
    client, where = connection.client, {"namespace": connection.namespace}
    named = equals("display_name", name)
    listed = connection.every("list experiments", client.list_experiments, "experiments", filter=named, **where)
    found = [experiment for experiment in listed if experiment.display_name == name]
    if not found and create:
        found = [connection.call(f"create experiment '{name}'", client.create_experiment, name=name, **where)]
        log.info("created experiment '%s'", name)
    place = f"{connection.endpoint.url}: experiment '{name}'"
    if not found:
        others = connection.every("list experiments", client.list_experiments, "experiments", **where)
        known = ", ".join(f"'{other.display_name}'" for other in itertools.islice(others, MOST_NAMES)) or "none"
        raise ConfigError(f"{place} does not exist; give --create-experiment, or --experiment with one of: {known}")
    if found[0].storage_state == "ARCHIVED":
        raise ConfigError(f"{place} is archived; restore it in Kubeflow, or give another --experiment")
    identifier: str = found[0].experiment_id
    return identifier


def start_run(
    connection: Connection,
    experiment: str,
    version: UploadedVersion,
    name: str,
    arguments: Mapping[str, Any],
    pipeline_root: str = "",
    service_account: str = "",
) -> str:
    """Start a run.

    Args:
        connection: To Kubeflow.
        experiment: Id of the experiment.
        version: What to run.
        name: Of the run.
        arguments: Of the pipeline; others keep their defaults.
        pipeline_root: Where artifacts go; the installation's own unless given.
        service_account: That the pods run as; the installation's own unless given.

    Returns:
        The run's id.
    """
    try:
        run = connection.call(
            f"start run '{name}'",
            connection.client.run_pipeline,
            experiment_id=experiment,
            job_name=name,
            params=dict(arguments),
            pipeline_id=version.pipeline_id,
            version_id=version.version_id,
            pipeline_root=pipeline_root or None,
            service_account=service_account or None,
        )
    except EndpointError as error:
        if not error.transient:
            raise
        message = f"{error}. The run may have started anyway: see `python -m pipelines runs`"
        raise EndpointError(message, error.status, error.transient) from error
    run_id: str = run.run_id
    return run_id


def wait_for_run(
    connection: Connection, run_id: str, tasks: Collection[str], timeout_s: float, poll_s: float = 10.0
) -> None:
    """Wait until a run has ended, and log what changes.

    Args:
        connection: To Kubeflow.
        run_id: The run.
        tasks: Names of the pipeline's tasks.
        timeout_s: When to give up waiting.
        poll_s: Time between looks.

    Raises:
        RunFailedError: It failed or was canceled; the message names the tasks.
        EndpointError: It has not ended in time, or Kubeflow stays away; the run itself goes on.
    """
    url, shown, started = connection.run_url(run_id), "", time.monotonic()
    for run in _looks(connection, run_id, poll_s):
        line = progress_line(run, tasks)
        if line != shown:
            log.info("%s, after %.0f s", line, time.monotonic() - started)
            shown = line
        if run.state in WELL_ENDED:
            return
        if run.state in ENDED:
            raise RunFailedError(f"{url}: the run ended as {run.state}{failures(run, tasks)}; read its logs there")
        if time.monotonic() - started + poll_s > timeout_s:
            raise EndpointError(
                f"{url}: the run has not ended within {timeout_s:g} s and is still running; raise --timeout-s"
            )


def _looks(connection: Connection, run_id: str, poll_s: float) -> Iterator[Any]:
    """Look at the run again and again; an absence of some minutes is borne."""
    seen = time.monotonic()
    while True:
        try:
            yield connection.call("look at the run", connection.client.get_run, run_id=run_id)
            seen = time.monotonic()
        except EndpointError as error:
            if not error.transient or time.monotonic() - seen > POLL_PATIENCE_S:
                raise EndpointError(
                    f"{error}. The run continues: {connection.run_url(run_id)}", error.status
                ) from error
            log.warning("%s", error)
        time.sleep(poll_s)


def task_states(run: Any, tasks: Collection[str]) -> dict[str, str]:
    """State of each task that has begun; a task in a loop is what the worst of its turns is.

    The API also lists what Kubeflow runs around the tasks, such as drivers; only the tasks count.
    """
    states: dict[str, str] = {}
    for detail in (run.run_details.task_details or ()) if run.run_details else ():
        name, state = detail.display_name, detail.state or "PENDING"
        if name in tasks:
            states[name] = max(states.get(name, state), state, key=_gravity)
    return states


def _gravity(state: str) -> int:
    return 2 if state in ENDED - WELL_ENDED else 0 if state in WELL_ENDED else 1


def progress_line(run: Any, tasks: Collection[str]) -> str:
    """Such as "RUNNING: 4 of 8 tasks done, now train-unet"."""
    states = task_states(run, tasks)
    done = sum(state in WELL_ENDED for state in states.values())
    parts = [f"{run.state or 'PENDING'}: {done} of {len(tasks)} tasks done"]
    now = sorted(name for name, state in states.items() if state not in ENDED)
    failed = sorted(name for name, state in states.items() if state in ENDED - WELL_ENDED)
    parts += [f"now {', '.join(now)}"] if now else []
    parts += [f"failed: {', '.join(failed)}"] if failed else []
    return ", ".join(parts)


def failures(run: Any, tasks: Collection[str]) -> str:
    """What failed, as ": task, task (message)", or nothing."""
    names = sorted(name for name, state in task_states(run, tasks).items() if state == "FAILED")
    text = ", ".join(names)
    if run.error and run.error.message:
        text += f" ({run.error.message})"
    return f": {text.strip()}" if text else ""


def latest_runs(connection: Connection, limit: int, experiment: str | None = None) -> list[SubmittedRun]:
    """The latest runs, newest first.

    Args:
        connection: To Kubeflow.
        limit: How many at most.
        experiment: Id of an experiment, or None for all.
    """
    where = {"experiment_id": experiment} if experiment else {"namespace": connection.namespace}
    runs = connection.every("list runs", connection.client.list_runs, "runs", sort_by="created_at desc", **where)
    now = datetime.now(UTC)
    return [_summary(run, connection, now) for run in itertools.islice(runs, limit)]


def _summary(run: Any, connection: Connection, now: datetime) -> SubmittedRun:
    created: datetime | None = run.created_at
    finished: datetime | None = run.finished_at
    # A run that has not ended carries the year 1970 as its end.
    end = finished if created and finished and finished >= created else now
    return SubmittedRun(
        name=run.display_name,
        state=run.state or "PENDING",
        created_at=created.isoformat(timespec="seconds") if created else "",
        duration_s=round((end - created).total_seconds()) if created else 0,
        url=connection.run_url(run.run_id),
    )


def table(runs: list[SubmittedRun]) -> str:
    """Lines of text: a row a run."""
    rows = [("state", "created", "duration", "name", "link")]
    rows += [(run.state, run.created_at, _duration(run.duration_s), run.name, run.url) for run in runs]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join("  ".join(map(str.ljust, row, widths)).rstrip() + "\n" for row in rows)


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"
