"""`python -m pipelines runs`: the latest runs in Kubeflow."""

from __future__ import annotations

import argparse
import json
import sys

from components.core.errors import ConfigError
from pipelines.kubeflow_cli import add_endpoint_flags, connect
from pipelines.submitting import experiment_id, latest_runs, table


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add_endpoint_flags(parser)
    add = parser.add_argument
    add("--experiment", default="", help="only runs of this experiment")
    add("--limit", type=int, default=10, help="most runs to list")
    add("--json", action="store_true", help="as JSON instead of a table")


def main(options: argparse.Namespace) -> None:
    """Print the runs."""
    if options.limit < 1:
        raise ConfigError(f"--limit: {options.limit} must be at least 1")
    connection = connect(options)
    experiment = experiment_id(connection, options.experiment) if options.experiment else None
    runs = latest_runs(connection, options.limit, experiment)
    if options.json:
        sys.stdout.write(json.dumps([run.as_json() for run in runs], indent=2) + "\n")
    else:
        sys.stdout.write(table(runs))
