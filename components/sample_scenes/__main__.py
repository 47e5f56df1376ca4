"""Sample scenes on the command line: `python -m components.sample_scenes --data-root DIR`."""

from __future__ import annotations

import argparse
import os
import sys

from components.core.cli import argument_parser, run_main
from components.core.geometry import Size
from components.sample_scenes.sample_scenes import generate_in_data_root
from components.sample_scenes.towns import TOWNS


def parser() -> argparse.ArgumentParser:
    """Flags of the stage."""
    flags = argument_parser("sample_scenes", "Write synthetic aerial scenes with geo-referencing and building masks.")
    flags.add_argument("--data-root", required=True, help="folder or s3:// prefix of all imagery")
    flags.add_argument("--towns", default=",".join(TOWNS), help="names, separated by commas")
    flags.add_argument("--scenes-per-town", type=int, default=6, help="scenes of each town")
    flags.add_argument("--size-px", type=int, default=768, help="height and width of a scene in pixels")
    flags.add_argument("--gsd-m", type=float, default=0.3, help="ground sample distance in metres a pixel")
    flags.add_argument("--seed", type=int, default=0, help="other seeds give other scenes")
    flags.add_argument("--tiled", action="store_true", help="512-pixel tiles and compression instead of plain strips")
    flags.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    return flags


def main(options: argparse.Namespace) -> None:
    """Run the stage with parsed flags."""
    made = generate_in_data_root(
        options.data_root,
        towns=[name.strip() for name in options.towns.split(",") if name.strip()],
        scenes_per_town=options.scenes_per_town,
        size=Size(options.size_px, options.size_px),
        gsd_m=options.gsd_m,
        seed=options.seed,
        tiled=options.tiled,
        workers=options.workers,
    )
    sys.stdout.write(f"{len(made.names)} scenes: {made.images_uri} and {made.masks_uri}\n")


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
