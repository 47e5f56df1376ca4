"""Check a training run's inputs on the command line: `python -m components.check_inputs`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields

from components.check_inputs.check_inputs import check_inputs
from components.check_inputs.inputs import Inputs
from components.core.cli import argument_parser, run_main

DOCUMENT = "a JSON file or JSON text; the tutorial's unless given"


def parser() -> argparse.ArgumentParser:
    """The flags; they carry the names of the component's inputs."""
    result = argument_parser(
        "python -m components.check_inputs", "Check what a training run is given, and name all faults at once."
    )
    add = result.add_argument
    add("--images-uri", default="", help="folder or URI prefix of images; none with --makes-scenes")
    add("--masks-uri", default="", help="folder or URI prefix of masks, where --images-uri does not hold them")
    add("--bands", default="", help="numbers of the red, green and blue band, such as 3,2,1; empty to go by the images")
    add("--data-root", default="", help="folder or URI prefix for rasters; the cluster's own unless given")
    add("--output-uri", default="", help="folder or URI prefix that gets a copy of the footprints")
    add("--split-tagging-query", default="", help=DOCUMENT)
    add("--train-share", type=float, default=0.0, help="above 0: tag this share for training instead")
    add("--crop-augment-query", default="", help=DOCUMENT)
    add("--train-config", default="", help=DOCUMENT)
    add("--encoder-weights", default="", help="instead of the config's: imagenet, none, or a path or URI")
    add("--initial-model-uri", default="", help="folder or URI of a trained model to start from")
    add("--inference-config", default="", help=DOCUMENT)
    add("--image-tags", nargs="*", default=["test"], help="images with one of these tags are tested; none for all")
    add("--max-shards", type=int, default=1, help="how many steps inference is spread over at most")
    add("--split-masks-query", default="", help=DOCUMENT)
    add("--mask-value", default="", help="values of masks that are building, as import_images takes them")
    add("--allow-unpaired", action="store_true", help="images without a mask, where others have one, show no building")
    add("--max-bad", type=int, default=0, help="how many images may be left out because they are broken")
    add("--train-gpus", type=int, default=0, help="how many GPUs training is placed on; 0 for none, or not known")
    add("--infer-gpus", type=int, default=0, help="how many GPUs inference is placed on; 0 for none, or not known")
    add("--makes-scenes", action="store_true", help="the run makes its own images")
    return result


def main(options: argparse.Namespace) -> None:
    """Check, and say that nothing is wrong."""
    names = [field.name for field in fields(Inputs)]
    flags = {name: f"--{name.replace('_', '-')}" for name in names}
    check_inputs(Inputs(**{name: getattr(options, name) for name in names}), flags)
    sys.stdout.write("nothing is wrong\n")


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
