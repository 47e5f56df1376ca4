"""Train on the command line: `python -m components.train_unet`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.core.cli import argument_parser, run_main, write_metrics
from components.core.documents.tutorial import TRAIN_CONFIG
from components.core.network.gpus import check_gpus
from components.core.storage import counted
from components.train_unet.report import write_report
from components.train_unet.train_unet import train


def parser() -> argparse.ArgumentParser:
    """The flags; they carry the names of the component's inputs and outputs."""
    result = argument_parser("python -m components.train_unet", "Train UNetV2 on the items of a project.")
    add = result.add_argument
    add("--project", type=Path, required=True, help="directory of the project; the config's image tags choose items")
    add("--config", default=str(TRAIN_CONFIG), help="training config: a file, or JSON text; merged over the defaults")
    add("--model", type=Path, required=True, help="folder of the model to write")
    add("--metrics", type=Path, help="JSON file of the best validation's measures to write")
    add("--report", type=Path, help="HTML file of the training curves to write")
    add("--pictures", type=Path, help="folder for the report's pictures as PNG")
    add("--encoder-weights", default="", help="instead of the config's: imagenet, none, or a path or URI")
    add("--initial-model-uri", default="", help="folder or URI of a trained model to start from")
    add("--work-dir", default="", help="folder for checkpoints, so that a killed training goes on")
    add("--max-bad", type=int, default=0, help="how many images may turn out to be broken when they are read")
    add("--gpus", type=int, default=0, help="how many GPUs this machine is to have")
    add("--require-gpus", action="store_true", help="fewer GPUs than --gpus are an error")
    return result


def main(options: argparse.Namespace) -> None:
    """Train, and say how good the model is."""
    check_gpus(options.gpus, options.require_gpus)
    with counted() as moved:
        result = train(
            options.project,
            options.model,
            config=options.config,
            encoder_weights=options.encoder_weights,
            initial_model=options.initial_model_uri,
            work_dir=options.work_dir or None,
            max_bad=options.max_bad,
        )
        if options.report is not None:
            write_report(result, options.report, options.pictures)
    sys.stdout.write(write_metrics(result.scalars() | moved.megabytes(), options.metrics))


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
