"""Split tagging on the command line: `python -m components.split_tagging --project P --tagged O`."""

from __future__ import annotations

import argparse
import sys

from components.core.cli import argument_parser, run_main, write_metrics
from components.core.dtl.stage import add_stage_arguments, check_asked_for
from components.core.storage import counted
from components.split_tagging.split_tagging import split_tagging


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argument_parser("python -m components.split_tagging", "Tag images for training and testing.")
    add_stage_arguments(result, "tagged")
    result.add_argument("--train-share", type=float, default=0.0, help="above 0: one branch with this share instead")
    result.add_argument("--project-name", default="INRIA", help="of the imported project, for --train-share")
    return result


def main(options: argparse.Namespace) -> None:
    """Do what the options say."""
    check_asked_for(options)
    with counted() as moved:
        run = split_tagging(
            options.project,
            options.output,
            query=options.query,
            train_share=options.train_share,
            project_name=options.project_name,
            report=options.report,
            seed=options.seed,
            workers=options.workers,
            max_bad=options.max_bad,
        )
    if options.pictures:
        from components.core.dtl.report import write_pictures

        write_pictures(run, options.output, options.pictures)
    write_metrics(run.metrics() | moved.megabytes(), options.metrics)
    sys.stdout.write(f"{run.sentence()}, at {options.output}\n")


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
