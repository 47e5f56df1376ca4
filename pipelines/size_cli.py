"""`python -m pipelines size`: how many pods a run takes, and how large it becomes in Argo."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pipelines.package import COMPILED, PipelinePackage, read_package
from pipelines.workflow_size import LIMIT_BYTES, MOST, SHARE, WorkflowSize, most_shards, workflow_size

SHARDS = "0,1,3,16,64"

HEADER = [
    "| shards | pods | nodes | spec, bytes | nodes, compressed | whole | of the limit |",
    "|--:|--:|--:|--:|--:|--:|--:|",
]


def size_table(sizes: Sequence[WorkflowSize]) -> str:
    """A Markdown table of estimates, a row each."""
    return "\n".join([*HEADER, *map(_row, sizes)])


def _row(size: WorkflowSize) -> str:
    counts = (size.shards, size.pods, size.nodes, size.spec_bytes, size.nodes_bytes, size.whole_bytes)
    return f"| {' | '.join(f'{count:,}' for count in counts)} | {size.share:.0%} |"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "--pipeline",
        default="",
        metavar="NAME_OR_FILE",
        help="one of pipelines/compiled, or a compiled YAML file; all of pipelines/compiled unless given",
    )
    parser.add_argument(
        "--shards", type=_numbers, default=SHARDS, metavar="N,…", help="number of loop iterations; 0 for nothing new"
    )


def _numbers(text: str) -> list[int]:
    if not all(number.isdecimal() for number in text.split(",")):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers; write them such as {SHARDS}")
    return [int(number) for number in text.split(",")]


def main(options: argparse.Namespace) -> None:
    """Print a table for each pipeline."""
    compiled = sorted(file.stem for file in COMPILED.glob("*.yaml"))
    for name in [options.pipeline] if options.pipeline else compiled:
        package = read_package(name)
        sizes = [workflow_size(package, shards) for shards in options.shards]
        sys.stdout.write(f"{package.name}\n\n{size_table(sizes)}\n\n{_most(package)}\n\n")


def _most(package: PipelinePackage) -> str:
    most = most_shards(package)
    if most == MOST:
        return "No loop runs over a step's output, so the number of shards makes no difference."
    return f"At most {most} shards stay under {SHARE:.0%} of the {LIMIT_BYTES:,} bytes of Argo's limit."
