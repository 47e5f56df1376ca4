"""`python -m pipelines submit`: a run of a pipeline in Kubeflow."""

from __future__ import annotations

import argparse
import logging
import sys
from datetime import UTC, datetime

from components.core.errors import ConfigError
from pipelines.arguments import read_arguments
from pipelines.kubeflow_cli import add_endpoint_flags, add_run_flags, connect, package_of
from pipelines.submitting import experiment_id, start_run, wait_for_run
from pipelines.uploading import upload_version

log = logging.getLogger(__name__)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add_endpoint_flags(parser)
    add_run_flags(parser)
    add = parser.add_argument
    add("--run-name", default="", help="name of the run; the pipeline's name and the time unless given")
    add("--wait", action="store_true", help="wait for the end; status 2 if the run fails")
    add("--timeout-s", type=float, default=86400.0, help="longest time to wait, in seconds")
    add("--poll-s", type=float, default=10.0, help="polling interval in seconds")


def main(options: argparse.Namespace) -> None:
    """Upload the version where it is new, start the run, and print its link."""
    if options.poll_s <= 0:
        raise ConfigError(f"--poll-s: {options.poll_s:g} must be above 0")
    package = package_of(options)
    arguments = read_arguments(package, options.params, options.param)
    connection = connect(options)
    experiment = experiment_id(connection, options.experiment, options.create_experiment)
    version = upload_version(connection, package, options.pipeline_name, options.version_name)
    name = options.run_name or f"{package.name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    run_id = start_run(connection, experiment, version, name, arguments, options.pipeline_root, options.service_account)
    log.info("started run '%s'", name)
    sys.stdout.write(f"{connection.run_url(run_id)}\n")
    sys.stdout.flush()
    if options.wait:
        wait_for_run(connection, run_id, package.tasks, options.timeout_s, options.poll_s)
