"""Publish footprints on the command line: `python -m components.publish_footprints`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.core.cli import argument_parser, run_main, write_metrics
from components.core.footprints import tolerance
from components.core.storage import counted
from components.publish_footprints.layers import FORMATS
from components.publish_footprints.publish_footprints import formats_of_text, publish


def parser() -> argparse.ArgumentParser:
    """The flags; they carry the names of the component's inputs and outputs."""
    result = argument_parser(
        "python -m components.publish_footprints", "Write the objects of a project as polygons in map coordinates."
    )
    add = result.add_argument
    add("--project", type=Path, required=True, help="project with the objects, as bitmaps")
    add("--footprints", type=Path, required=True, help="directory of the layers' files to write")
    add("--metrics", type=Path, help="JSON file of counts and areas to write")
    add("--output-uri", default="", help="folder or URI prefix that gets a copy of the files; empty for none")
    add("--class-title", default="untitled_dl", help="class of the objects")
    tolerance.add_flags(result)
    add("--min-area-m2", type=float, default=0.0, help="smaller objects are left out; scenes without a CRS keep all")
    add(
        "--join-tiles",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="join buildings across the common border of scenes that are tiles of one grid",
    )
    add("--formats", default=",".join(FORMATS), help="file formats, separated by commas")
    add("--max-bad", type=int, default=0, help="how many scenes may be left out")
    add("--workers", type=int, default=0, help="processes; 0 for one a core")
    return result


def main(options: argparse.Namespace) -> None:
    """Publish, and say what lies where."""
    with counted() as moved:
        result = publish(
            options.project,
            options.footprints,
            output_uri=options.output_uri,
            class_title=options.class_title,
            tolerance=options.tolerance,
            min_area_m2=options.min_area_m2,
            formats=formats_of_text(options.formats),
            join_tiles=options.join_tiles,
            max_bad=options.max_bad,
            workers=options.workers,
        )
    write_metrics(result.scalars() | moved.megabytes(), options.metrics)
    for layer in result.layers:
        area = "" if layer.area_m2 is None else f", {layer.area_m2:,.0f} m²"
        sys.stdout.write(f"{layer.name}: {layer.footprints} footprints{area}, {layer.coordinates}\n")
        sys.stdout.writelines(f"{options.footprints / file}\n" for file in layer.files)


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
