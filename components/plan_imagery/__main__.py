"""Plan imagery on the command line: `python -m components.plan_imagery`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.core.cli import argument_parser, run_main, write_metrics
from components.core.collection.plan import MAX_SHARDS, SHARD_MEGAPIXELS
from components.core.footprints import tolerance
from components.core.imagery.scaling import PERCENTILE
from components.core.storage import counted
from components.plan_imagery.checking import REDO_ALL, REDO_CHANGED
from components.plan_imagery.preflight import Inputs
from components.plan_imagery.run import check_and_plan


def parser() -> argparse.ArgumentParser:
    """The flags; they carry the names of the component's inputs and outputs."""
    result = argument_parser(
        "python -m components.plan_imagery", "Find the images that are to be detected, and spread them over shards."
    )
    add = result.add_argument
    add("--images-uri", required=True, help="folder or URI prefix; images at any depth below it are scenes")
    add("--output-uri", required=True, help="folder or URI prefix of the collection, whose ledger says what is done")
    add("--model-uri", required=True, help="folder or URI prefix of the model, as train_unet wrote it")
    add("--plan", type=Path, required=True, help="directory of the plan to write")
    add("--summary", type=Path, required=True, help="JSON file to write: what is to be done, or was done")
    add("--report", type=Path, required=True, help="HTML file to write, of the same")
    add("--metrics", type=Path, help="JSON file of counts to write")
    add("--inference-config", default="", help="a JSON file or JSON text; empty for the default of infer_windows")
    add("--split-masks-query", default="", help="a JSON file or JSON text; empty for the default of split_masks")
    add("--class-title", default="untitled_dl", help="class of the objects that become footprints")
    tolerance.add_flags(result)
    add("--min-area-m2", type=float, default=0.0, help="smaller objects are left out")
    add("--regularise", action="store_true", help="give polygons right angles")
    add("--confidence", action="store_true", help="publish confidence rasters, too")
    add(
        "--redo",
        default=REDO_CHANGED,
        help=f"{REDO_CHANGED} leaves scenes of another model or other settings alone, {REDO_ALL} does them again",
    )
    add("--shard-megapixels", type=float, default=SHARD_MEGAPIXELS, help="how much one shard should do at most")
    add("--max-shards", type=int, default=MAX_SHARDS, help="at most so many shards; the next run does the rest")
    add(
        "--captured-pattern",
        default="",
        help="regular expression that finds the day of capture in keys, with the named groups year, month and day, and "
        "wins over metadata; empty for the usual forms, none for none",
    )
    add("--scaling", default=PERCENTILE, help="of detect_scenes; checked here")
    add("--bands", default="", help="numbers of the red, green and blue band, such as 3,2,1; empty to go by the images")
    add("--data-root", default="", help="of detect_scenes, the cluster's own unless given; checked here")
    add("--formats", default="", help="of publish_collection")
    add("--join-tiles", action=argparse.BooleanOptionalAction, default=True, help="of publish_collection")
    add("--max-bad", type=int, default=0, help="of publish_collection")
    return result


def main(options: argparse.Namespace) -> None:
    """Check, plan, and say what is to be done."""
    values = {name: getattr(options, name) for name in Inputs.names()}
    flags = {name: f"--{name.replace('_', '-')}" for name in values}
    with counted() as moved:
        _, counts = check_and_plan(Inputs.of(values), options.plan, options.summary, options.report, flags)
    sys.stdout.write(write_metrics(counts | moved.megabytes(), options.metrics))


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
