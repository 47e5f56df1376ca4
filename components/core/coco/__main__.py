"""Write a project as COCO annotations: `python -m components.core.coco --project P --output FILE`."""

from __future__ import annotations

import argparse
import sys

from components.core.cli import argument_parser, run_main
from components.core.coco.writing import write_annotations, write_results
from components.core.project import open_project


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argument_parser("python -m components.core.coco", "Write a project as COCO annotations, or as results.")
    result.add_argument("--project", required=True, help="a project's directory")
    result.add_argument("--output", required=True, help="JSON file to be written; may be s3://bucket/key")
    result.add_argument("--class-title", default="", help="objects of this class alone")
    result.add_argument("--results", action="store_true", help="objects with scores alone, of predictions")
    return result


def main(options: argparse.Namespace) -> None:
    """Do what the options say."""
    write = write_results if options.results else write_annotations
    count = write(open_project(options.project), options.output, options.class_title)
    sys.stdout.write(f"{count} {'results' if options.results else 'annotations'}: {options.output}\n")


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
