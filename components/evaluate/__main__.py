"""Evaluate on the command line: `python -m components.evaluate`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from components.core.cli import argument_parser, run_main, write_metrics
from components.core.storage import counted
from components.evaluate.evaluate import METRICS_FILE, evaluate
from components.evaluate.pairing import MATCH_BY
from components.evaluate.report import write_report
from components.evaluate.result import EvaluationResult


def parser() -> argparse.ArgumentParser:
    """The flags; they carry the names of the component's inputs and outputs."""
    result = argument_parser(
        "python -m components.evaluate", "Compare predicted buildings with the truth: pixels, objects and boundaries."
    )
    add = result.add_argument
    add("--predictions", type=Path, required=True, help="project with the predicted objects")
    add("--truth", type=Path, required=True, help="project with the true objects; may hold more images")
    add("--evaluation", type=Path, required=True, help=f"directory to write, with {METRICS_FILE}")
    add("--metrics", type=Path, help="JSON file of the main figures to write")
    add("--report", type=Path, help="HTML file of the table and of scenes beside their truth and predictions")
    add("--unsplit", type=Path, help="predictions before they were split into objects, for the report")
    add("--pictures", type=Path, help="folder for the report's pictures as PNG")
    add("--truth-class", default="untitled", help="class of the true objects")
    add("--predicted-class", default="untitled_dl", help="class of the predicted objects")
    add("--image-tags", nargs="*", default=[], help="only images with one of these tags; none for all")
    add("--group-tags", nargs="*", default=[], help="image tags to report by; none for all but the split's")
    add("--match-by", choices=MATCH_BY, default="image", help="how images of the two projects are paired")
    add("--iou-threshold", type=float, default=0.5, help="least IoU of a predicted object with a true one to match")
    add("--boundary-px", type=int, default=5, help="distance of Boundary IoU, in pixels")
    add("--allow-unmatched", action="store_true", help="leave out and count images without a partner")
    add("--max-bad", type=int, default=0, help="how many images may lack a partner or be unreadable")
    add("--workers", type=int, default=0, help="processes; 0 for one a core")
    return result


def main(options: argparse.Namespace) -> None:
    """Evaluate, and print the table."""
    with counted() as moved:
        result = evaluate(
            options.predictions,
            options.truth,
            options.evaluation,
            truth_class=options.truth_class,
            predicted_class=options.predicted_class,
            image_tags=options.image_tags,
            group_tags=options.group_tags,
            match_by=options.match_by,
            iou_threshold=options.iou_threshold,
            boundary_px=options.boundary_px,
            allow_unmatched=options.allow_unmatched,
            max_bad=options.max_bad,
            workers=options.workers,
        )
        if options.report:
            write_report(
                result,
                options.report,
                predictions=options.predictions,
                truth=options.truth,
                unsplit=options.unsplit,
                pictures=options.pictures,
            )
    write_metrics(result.scalars() | moved.megabytes(), options.metrics)
    sys.stdout.write(table(result))
    sys.stdout.write(f"{options.evaluation / METRICS_FILE}\n")


def table(result: EvaluationResult) -> str:
    """Lines of figures in percent: a row a group, the whole last."""
    lines = [f"{'':16}{'images':>8}{'IoU':>8}{'acc.':>8}{'obj. P':>8}{'obj. R':>8}{'obj. F1':>8}{'bound.':>8}"]
    for group in (*result.groups, result.overall):
        pixels, objects = group.counts.pixels, group.counts.objects
        measures: Sequence[float | None] = (
            pixels.iou,
            pixels.accuracy,
            objects.precision,
            objects.recall,
            objects.f1,
            group.counts.boundary.iou,
        )
        cells = "".join(f"{'–' if value is None else format(100 * value, '.2f'):>8}" for value in measures)
        lines.append(f"{group.name:16}{group.images:>8}{cells}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
