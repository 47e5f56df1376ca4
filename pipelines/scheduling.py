"""The recurring run of a name: created or brought up to date, never doubled.

Kubeflow cannot change a recurring run. A changed one is created again, paused; then the old one is paused and the
new one enabled; then the old one is deleted. So at no moment are two of them enabled, and a failure on the way
leaves the old one at work.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.connection import Connection
from pipelines.endpoint import EndpointError
from pipelines.uploading import UploadedVersion

log = logging.getLogger(__name__)

NOT_FOUND = 404


@dataclass(frozen=True)
class Schedule:
    """What shall run when.

    Attributes:
        name: Of the recurring run.
        cron: Six fields, seconds first.
        version: What to run.
        arguments: Of the pipeline; others keep their defaults.
        enabled: False to have it there, but paused.
        max_concurrency: Runs at the same time, 1 to 10.
        catch_up: Run for every time that was missed, not only for the last.
        pipeline_root: Where artifacts go; the installation's own unless given.
        service_account: That the pods run as; the installation's own unless given.
    """

    name: str
    cron: str
    version: UploadedVersion
    arguments: Mapping[str, Any]
    enabled: bool = True
    max_concurrency: int = 1
    catch_up: bool = False
    pipeline_root: str = ""
    service_account: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """What makes two recurring runs the same, under names for people."""
        facts = {
            "cron": self.cron,
            "start and end": (None, None),
            "pipeline version": self.version.version_id,
            "arguments": dict(self.arguments),
            "max_concurrency": self.max_concurrency,
            "catch-up": self.catch_up,
            "pipeline root": self.pipeline_root,
        }
        # The server fills in a service account of its own where none is given.
        return facts | ({"service account": self.service_account} if self.service_account else {})


@dataclass(frozen=True)
class Existing:
    """A recurring run that Kubeflow holds."""

    id: str
    created_at: str
    enabled: bool
    facts: Mapping[str, Any] = field(default_factory=dict)

    def differences(self, schedule: Schedule) -> list[str]:
        """Names of the facts that are not as scheduled."""
        return [name for name, value in schedule.facts.items() if self.facts[name] != value]


@dataclass(frozen=True)
class Scheduled:
    """What came of a schedule.

    Attributes:
        recurring_run_id: The one that there is now.
        change: "created", "updated", "enabled", "paused" or "unchanged".
    """

    recurring_run_id: str
    change: str


def existing_of(run: Any) -> Existing:
    """Read a recurring run of the API."""
    reference, config = run.pipeline_version_reference, run.runtime_config
    cron = run.trigger.cron_schedule if run.trigger else None
    facts = {
        "cron": cron.cron if cron else None,
        "start and end": (cron.start_time, cron.end_time) if cron else (None, None),
        "pipeline version": reference.pipeline_version_id if reference else run.pipeline_version_id,
        "arguments": (config.parameters if config else None) or {},
        "max_concurrency": int(run.max_concurrency or 0),
        "catch-up": not run.no_catchup,
        "pipeline root": (config.pipeline_root if config else None) or "",
        "service account": run.service_account or "",
    }
    created_at = run.created_at.isoformat() if run.created_at else ""
    return Existing(run.recurring_run_id, created_at, run.mode == "ENABLE", facts)


def kept(existing: Sequence[Existing], schedule: Schedule) -> Existing | None:
    """The recurring run that is as scheduled: the oldest, so that several callers choose the same."""
    same = [run for run in existing if not run.differences(schedule)]
    return min(same, key=lambda run: (run.created_at, run.id), default=None)


def apply_schedule(connection: Connection, experiment: str, schedule: Schedule) -> Scheduled:
    """Have exactly one recurring run of the schedule's name in an experiment, as scheduled.

    Args:
        connection: To Kubeflow.
        experiment: Id of the experiment.
        schedule: What shall run when.

    Returns:
        The recurring run that there is now, and what was done.

    Raises:
        EndpointError: Kubeflow refuses; what was enabled before is enabled still, or the log says what is not.
    """
    before = _list(connection, experiment, schedule.name)
    keep, created = kept(before, schedule), None
    now = before
    if keep is None:
        for run in before:
            log.info("recurring run '%s' changes: %s", schedule.name, ", ".join(run.differences(schedule)))
        created = _create(connection, experiment, schedule)
        others = [run for run in _list(connection, experiment, schedule.name) if run.id != created.id]
        now = [*others, created]
        keep = kept(now, schedule) or created
    rest = [run for run in now if run.id != keep.id]
    _switch(connection, keep, rest, schedule.enabled, created)
    for run in rest:
        _tolerating_absence(connection, "delete", connection.client.delete_recurring_run, run)
    if created is not None:
        return Scheduled(keep.id, "updated" if before else "created")
    if keep.enabled != schedule.enabled:
        return Scheduled(keep.id, "enabled" if schedule.enabled else "paused")
    return Scheduled(keep.id, "updated" if rest else "unchanged")


def _list(connection: Connection, experiment: str, name: str) -> list[Existing]:
    runs = connection.every(
        "list recurring runs",
        connection.client.list_recurring_runs,
        "recurring_runs",
        experiment_id=experiment,
    )
    return [existing_of(run) for run in runs if run.display_name == name]


def _create(connection: Connection, experiment: str, schedule: Schedule) -> Existing:
    return existing_of(
        connection.call(
            f"create recurring run '{schedule.name}'",
            connection.client.create_recurring_run,
            experiment_id=experiment,
            job_name=schedule.name,
            cron_expression=schedule.cron,
            max_concurrency=schedule.max_concurrency,
            no_catchup=not schedule.catch_up,
            params=dict(schedule.arguments),
            pipeline_id=schedule.version.pipeline_id,
            version_id=schedule.version.version_id,
            enabled=False,
            pipeline_root=schedule.pipeline_root or None,
            service_account=schedule.service_account or None,
        )
    )


def _switch(
    connection: Connection, keep: Existing, rest: Sequence[Existing], enabled: bool, created: Existing | None
) -> None:
    """Pause the rest, then enable the one to keep; on a failure, go back."""
    client, paused = connection.client, list[Existing]()
    try:
        for run in rest:
            if run.enabled:
                paused.append(run)
                _tolerating_absence(connection, "pause", client.disable_recurring_run, run)
        if enabled and not keep.enabled:
            _change(connection, "enable", client.enable_recurring_run, keep)
        elif keep.enabled and not enabled:
            _change(connection, "pause", client.disable_recurring_run, keep)
    except EndpointError:
        _go_back(connection, keep, paused, created)
        raise


def _go_back(connection: Connection, keep: Existing, paused: Sequence[Existing], created: Existing | None) -> None:
    client = connection.client
    try:
        if created is not None:
            _change(connection, "delete", client.delete_recurring_run, created)
        elif not keep.enabled:
            _change(connection, "pause", client.disable_recurring_run, keep)
        if paused:
            _change(connection, "enable", client.enable_recurring_run, paused[-1])
    except EndpointError as error:
        log.error("%s; the recurring run may be paused now: run this again", error)


def _change(connection: Connection, verb: str, function: Callable[..., Any], run: Existing) -> None:
    connection.call(f"{verb} recurring run {run.id}", function, recurring_run_id=run.id)


def _tolerating_absence(connection: Connection, verb: str, function: Callable[..., Any], run: Existing) -> None:
    try:
        _change(connection, verb, function, run)
    except EndpointError as error:
        if error.status != NOT_FOUND:
            raise
