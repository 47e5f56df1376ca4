"""Publish detected scenes on the command line: `python -m components.publish_collection`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.core.cli import argument_parser, run_main, write_metrics
from components.core.collection.parts import fetched_parts, remove_parts
from components.core.collection.plan import read_plan
from components.core.storage import counted
from components.publish_collection.publish_collection import publish_collection


def parser() -> argparse.ArgumentParser:
    """The flags; they carry the names of the component's inputs and outputs."""
    result = argument_parser(
        "python -m components.publish_collection",
        "Publish detected scenes, and bring the footprint layer of their collection up to date.",
    )
    add = result.add_argument
    add("--plan", type=Path, required=True, help="what plan_imagery wrote; it says where the collection lies")
    add("--summary", type=Path, required=True, help="JSON file of what was done to write")
    add("--metrics", type=Path, help="JSON file of counts to write")
    add("--report", type=Path, help="HTML file of what was done to write")
    add("--formats", default="", help="of the whole layer beside GeoParquet: gpkg, geojsonl; separated by commas")
    add(
        "--join-tiles",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="join buildings across the common border of scenes that are tiles of one grid",
    )
    add("--max-bad", type=int, default=0, help="how many images may be left out")
    add("--workers", type=int, default=0, help="processes; 0 for one a core")
    return result


def main(options: argparse.Namespace) -> None:
    """Publish, and say what was done."""
    with counted() as moved:
        plan = read_plan(options.plan)
        with fetched_parts(plan) as parts:
            counts = publish_collection(
                options.plan,
                parts,
                options.summary,
                report=options.report,
                formats=options.formats,
                join_tiles=options.join_tiles,
                max_bad=options.max_bad,
                workers=options.workers,
            )
        remove_parts(plan)
    sys.stdout.write(write_metrics(counts | moved.megabytes(), options.metrics))


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
