"""Inference on the command line: `python -m components.infer_windows`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.core.cli import argument_parser, run_main, write_metrics
from components.core.documents.tutorial import INFERENCE_CONFIG
from components.core.network.gpus import check_gpus
from components.core.storage import counted
from components.infer_windows.infer_windows import infer_windows


def parser() -> argparse.ArgumentParser:
    """The flags; they carry the names of the component's inputs and outputs."""
    result = argument_parser(
        "python -m components.infer_windows", "Find a model's classes in whole images, window by window."
    )
    add = result.add_argument
    add("--project", type=Path, required=True, help="directory of the project whose images are looked at")
    add("--model", type=Path, help="folder that train_unet wrote")
    add("--model-uri", default="", help="instead of --model: where such a folder is, perhaps in object storage")
    add("--data-root", required=True, help="folder or URI prefix for masks and confidences")
    add("--predictions", type=Path, required=True, help="directory of the project to write")
    add("--metrics", type=Path, help="JSON file of counts to write")
    add("--config", default=str(INFERENCE_CONFIG), help="the inference config: a JSON file or JSON text")
    add("--image-tags", nargs="*", default=["test"], help="images with one of these tags are taken; none for all")
    add("--shard", default="1/1", help="which part of those images: 2/5 is the second of five")
    add("--project-name", default="inf_INRIA_test_part", help="name of the predictions, which queries use")
    add("--max-bad", type=int, default=0, help="how many images may be left out because they are broken or too small")
    add("--gpus", type=int, default=0, help="how many GPUs this machine is to have")
    add("--require-gpus", action="store_true", help="fewer GPUs than --gpus are an error")
    return result


def main(options: argparse.Namespace) -> None:
    """Infer, and say what was done."""
    check_gpus(options.gpus, options.require_gpus)
    with counted() as moved:
        report = infer_windows(
            options.project,
            options.model,
            options.predictions,
            data_root=options.data_root,
            model_uri=options.model_uri,
            config=options.config,
            image_tags=options.image_tags,
            shard=options.shard,
            project_name=options.project_name,
            max_bad=options.max_bad,
        )
    sys.stdout.write(write_metrics(report.counts() | moved.megabytes(), options.metrics))


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
