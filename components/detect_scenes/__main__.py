"""Detect one shard on the command line: `python -m components.detect_scenes`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.core.cli import argument_parser, run_main, write_metrics
from components.core.imagery.scaling import PERCENTILE
from components.core.network.gpus import check_gpus
from components.core.storage import counted
from components.detect_scenes.detect_scenes import ITEM_PIXELS, detect_scenes


def parser() -> argparse.ArgumentParser:
    """The flags; they carry the names of the component's inputs and outputs."""
    result = argument_parser("python -m components.detect_scenes", "Detect the buildings of one shard of a plan.")
    add = result.add_argument
    add("--plan", type=Path, required=True, help="what plan_imagery wrote")
    add("--shard", required=True, help="name of the shard: 2/5 is the second of five")
    add("--data-root", required=True, help="folder or URI prefix for masks and confidences")
    add("--metrics", type=Path, help="JSON file of counts to write")
    add("--scaling", default=PERCENTILE, help="how more than 8 bits become 8: percentile, full, or LOW,HIGH")
    add("--max-item-pixels", type=int, default=ITEM_PIXELS, help="larger images become several items; 0 for never")
    add("--workers", type=int, default=0, help="processes; 0 for one a core")
    add("--gpus", type=int, default=0, help="how many GPUs this machine is to have")
    add("--require-gpus", action="store_true", help="fewer GPUs than --gpus are an error")
    return result


def main(options: argparse.Namespace) -> None:
    """Detect, and say what was done."""
    check_gpus(options.gpus, options.require_gpus)
    with counted() as moved:
        counts = detect_scenes(
            options.plan,
            options.shard,
            data_root=options.data_root,
            scaling=options.scaling,
            max_item_pixels=options.max_item_pixels,
            workers=options.workers,
        )
    sys.stdout.write(write_metrics(counts | moved.megabytes(), options.metrics))


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
