"""Plan shards on the command line: `python -m components.plan_shards`."""

from __future__ import annotations

import argparse
import sys

from components.core.cli import argument_parser, run_main
from components.plan_shards.plan_shards import plan_shards


def parser() -> argparse.ArgumentParser:
    """The flags; they carry the names of the component's inputs."""
    result = argument_parser("python -m components.plan_shards", "Spread the images of a project over shards.")
    result.add_argument("--project", required=True, help="directory of the project whose images are looked at")
    result.add_argument("--image-tags", nargs="*", default=["test"], help="images with one of these tags; none for all")
    result.add_argument("--max-shards", type=int, default=1, help="at most so many shards")
    return result


def main(options: argparse.Namespace) -> None:
    """Print the shards, one a line."""
    for shard in plan_shards(options.project, image_tags=options.image_tags, max_shards=options.max_shards):
        sys.stdout.write(f"{shard}\n")


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
