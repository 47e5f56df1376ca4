"""`python -m pipelines schedule`: the recurring run of a pipeline in Kubeflow."""

from __future__ import annotations

import argparse
import logging
import sys

from components.core.errors import ConfigError
from pipelines.arguments import read_arguments
from pipelines.cron import checked_cron
from pipelines.kubeflow_cli import add_endpoint_flags, add_run_flags, connect, package_of
from pipelines.scheduling import Schedule, apply_schedule
from pipelines.submitting import experiment_id
from pipelines.uploading import upload_version

log = logging.getLogger(__name__)

MOST_CONCURRENT = 10


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add_endpoint_flags(parser)
    add_run_flags(parser)
    add = parser.add_argument
    add("--cron", required=True, help="six fields, seconds first, such as '0 0 3 * * *'; in the server's time zone")
    add("--name", default="", help="name of the recurring run; the pipeline's name unless given")
    add("--paused", action="store_true", help="create it paused")
    add("--max-concurrency", type=int, default=1, help="most runs at the same time")
    add("--catch-up", action="store_true", help="backfill every missed run, not only the last")


def main(options: argparse.Namespace) -> None:
    """Upload the version where it is new, bring the recurring run up to date, and print its link."""
    cron = checked_cron(options.cron)
    if not 1 <= options.max_concurrency <= MOST_CONCURRENT:
        raise ConfigError(f"--max-concurrency: {options.max_concurrency} must be from 1 to {MOST_CONCURRENT}")
    package = package_of(options)
    arguments = read_arguments(package, options.params, options.param)
    connection = connect(options)
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
