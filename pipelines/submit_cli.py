"""`python -m pipelines submit|schedule|runs`: the pipelines in Kubeflow."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.core.errors import ConfigError
from pipelines.arguments import read_arguments
from pipelines.connection import Connection
from pipelines.cron import checked_cron
from pipelines.endpoint import Endpoint
from pipelines.package import read_package
from pipelines.scheduling import Schedule, apply_schedule
from pipelines.submitting import experiment_id, latest_runs, start_run, table, wait_for_run
from pipelines.uploading import upload_version

log = logging.getLogger(__name__)

MOST_CONCURRENT = 10


def add_submit_commands(commands: Any) -> None:
    """Register the commands.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    _add_submit(commands)
    _add_schedule(commands)
    _add_runs(commands)


def _command(commands: Any, name: str, text: str, main: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}. KFP_TOKEN or KFP_TOKEN_FILE, or KFP_COOKIES, say who asks.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.set_defaults(main=main)
    add = parser.add_argument_group("Kubeflow").add_argument
    add("--endpoint", default="", help="address of Kubeflow Pipelines, else KFP_ENDPOINT")
    add("--namespace", default="", help="in an installation for several users, else KFP_NAMESPACE")
    add("--token-file", default="", help="file with a bearer token, read for every request, else KFP_TOKEN_FILE")
    add("--ca-bundle", default="", help="PEM file of trusted certificate authorities, else KFP_CA_BUNDLE")
    add("--insecure", action="store_true", help="accept any certificate, as does KFP_INSECURE=true")
    add("--ui-url", default="", help="where links lead if not to the endpoint, else KFP_UI_URL")
    return parser


def _add_run_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--pipeline", default="training", help="one of pipelines/compiled, or a compiled YAML file")
    add("--pipeline-name", default="", help="its name in Kubeflow; its own unless given")
    add("--version-name", default="", help="unless given, the package's version and a digest of the YAML")
    add("--params", type=Path, metavar="FILE", help="YAML or JSON file of parameters")
    add("--param", action="append", default=[], metavar="NAME=VALUE", help="one parameter; goes before the file")
    add("--experiment", default="Default", help="that the run belongs to")
    add("--create-experiment", action="store_true", help="create the experiment if it is missing")
    add("--pipeline-root", default="", help="URI for artifacts; the installation's own unless given")
    add("--service-account", default="", help="that the pods run as; the installation's own unless given")


def _add_submit(commands: Any) -> None:
    parser = _command(commands, "submit", "start a run of a pipeline in Kubeflow", _submit)
    _add_run_flags(parser)
    parser.add_argument("--run-name", default="", help="the pipeline's name and the time unless given")
    parser.add_argument("--wait", action="store_true", help="wait for the end; status 2 if the run fails")
    parser.add_argument("--timeout-s", type=float, default=86400.0, help="when to give up waiting")
    parser.add_argument("--poll-s", type=float, default=10.0, help="seconds between looks while waiting")


def _add_schedule(commands: Any) -> None:
    parser = _command(commands, "schedule", "create or update the recurring run of a pipeline in Kubeflow", _schedule)
    _add_run_flags(parser)
    add = parser.add_argument
    add("--cron", required=True, help="six fields, seconds first, such as '0 0 3 * * *'; in the server's time zone")
    add("--name", default="", help="of the recurring run; the pipeline's name unless given")
    add("--paused", action="store_true", help="have it there, but not at work")
    add("--max-concurrency", type=int, default=1, help="runs at the same time")
    add("--catch-up", action="store_true", help="run for every missed time, not only for the last")


def _add_runs(commands: Any) -> None:
    parser = _command(commands, "runs", "list the latest runs in Kubeflow", _runs)
    parser.add_argument("--experiment", default="", help="only of this experiment")
    parser.add_argument("--limit", type=int, default=10, help="how many at most")
    parser.add_argument("--json", action="store_true", help="as JSON instead of a table")


def _connect(options: argparse.Namespace) -> Connection:
    flags = {name: getattr(options, name) for name in ("endpoint", "namespace", "token_file", "ca_bundle", "ui_url")}
    return Connection(Endpoint.from_environment(flags | {"insecure": "true" if options.insecure else ""}))


def _submit(options: argparse.Namespace) -> None:
    if options.poll_s <= 0:
        raise ConfigError(f"--poll-s: {options.poll_s:g} must be above 0")
    package = read_package(options.pipeline)
    arguments = read_arguments(package, options.params, options.param)
    connection = _connect(options)
    experiment = experiment_id(connection, options.experiment, options.create_experiment)
    version = upload_version(connection, package, options.pipeline_name, options.version_name)
    name = options.run_name or f"{package.name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    run_id = start_run(connection, experiment, version, name, arguments, options.pipeline_root, options.service_account)
    log.info("started run '%s'", name)
    sys.stdout.write(f"{connection.run_url(run_id)}\n")
    sys.stdout.flush()
    if options.wait:
        wait_for_run(connection, run_id, package.tasks, options.timeout_s, options.poll_s)


def _schedule(options: argparse.Namespace) -> None:
    cron = checked_cron(options.cron)
    if not 1 <= options.max_concurrency <= MOST_CONCURRENT:
        raise ConfigError(f"--max-concurrency: {options.max_concurrency} must be from 1 to {MOST_CONCURRENT}")
    package = read_package(options.pipeline)
    arguments = read_arguments(package, options.params, options.param)
    connection = _connect(options)
    experiment = experiment_id(connection, options.experiment, options.create_experiment)
    schedule = Schedule(
        name=options.name or package.name,
        cron=cron,
        version=upload_version(connection, package, options.pipeline_name, options.version_name),
        arguments=arguments,
        enabled=not options.paused,
        max_concurrency=options.max_concurrency,
        catch_up=options.catch_up,
        pipeline_root=options.pipeline_root,
        service_account=options.service_account,
    )
    result = apply_schedule(connection, experiment, schedule)
    log.info("recurring run '%s': %s", schedule.name, result.change)
    sys.stdout.write(f"{connection.recurring_run_url(result.recurring_run_id)}\n")


def _runs(options: argparse.Namespace) -> None:
    if options.limit < 1:
        raise ConfigError(f"--limit: {options.limit} must be at least 1")
    connection = _connect(options)
    experiment = experiment_id(connection, options.experiment) if options.experiment else None
    runs = latest_runs(connection, options.limit, experiment)
    if options.json:
        sys.stdout.write(json.dumps([run.as_json() for run in runs], indent=2) + "\n")
    else:
        sys.stdout.write(table(runs))
