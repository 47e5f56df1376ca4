"""Import imagery on the command line: `python -m components.import_images`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.core.cli import argument_parser, run_main, write_metrics
from components.core.imagery.scaling import PERCENTILE
from components.core.storage import counted
from components.import_images.import_images import import_images

MASK_VALUE = (
    "values of masks that are building, such as 1, or 2,3, or #FF0000, and 1,ignore=255; all above 0 unless given"
)


def parser() -> argparse.ArgumentParser:
    """The flags; they carry the names of the component's inputs and outputs."""
    result = argument_parser(
        "python -m components.import_images", "Import images and their binary masks as a project that refers to them."
    )
    add = result.add_argument
    add("--images-uri", required=True, help="folder or URI prefix of images, or of folders images/img and ann/gt/masks")
    add("--masks-uri", default="", help="folder or URI prefix of masks; empty where --images-uri holds them, or none")
    add("--data-root", required=True, help="folder or URI prefix for rasters that must be rewritten")
    add("--project", type=Path, required=True, help="directory of the project manifest to write")
    add("--metrics", type=Path, help="JSON file of counts to write")
    add("--project-name", default="INRIA", help="name of the project, which queries use")
    add("--dataset", default="ds", help="name of its one dataset")
    add("--class-title", default="untitled", help="class of the objects")
    add("--scaling", default=PERCENTILE, help="how more than 8 bits become 8: percentile, full, or LOW,HIGH")
    add("--mask-value", default="", help=MASK_VALUE)
    add("--allow-unpaired", action="store_true", help="images without a mask, where others have one, show no building")
    add("--bands", default="", help="numbers of the red, green and blue band, such as 3,2,1; empty to go by the images")
    add("--max-bad", type=int, default=0, help="how many scenes may be left out because their files are broken")
    add("--workers", type=int, default=0, help="processes; 0 for one a core")
    return result


def main(options: argparse.Namespace) -> None:
    """Import, and say what was done."""
    with counted() as moved:
        report = import_images(
            options.images_uri,
            options.masks_uri,
            options.project,
            data_root=options.data_root,
            project_name=options.project_name,
            dataset=options.dataset,
            class_title=options.class_title,
            scaling=options.scaling,
            mask_value=options.mask_value,
            allow_unpaired=options.allow_unpaired,
            bands=options.bands,
            max_bad=options.max_bad,
            workers=options.workers,
        )
    sys.stdout.write(write_metrics(report.counts() | moved.megabytes(), options.metrics))


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
