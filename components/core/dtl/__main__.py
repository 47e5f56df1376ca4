"""Run any query on any project: `python -m components.core.dtl --query Q --project P --output O`."""

from __future__ import annotations

import argparse
import sys

from components.core.cli import argument_parser, run_main
from components.core.dtl.run import QueryRun, execute_query, predict_query
from components.core.errors import ConfigError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argument_parser("python -m components.core.dtl", "Run a DTL query on manifest or Supervisely projects.")
    result.add_argument("--query", help="JSON file, the JSON text itself, or the name of a ready-made query")
    result.add_argument("--project", action="append", default=[], help="a project's directory; may be repeated")
    result.add_argument("--output", help="directory of the new project")
    result.add_argument("--seed", type=int, default=0, help="random seed")
    result.add_argument("--workers", type=int, default=1, help="worker processes (0 = one per core)")
    result.add_argument(
        "--max-bad", type=int, help="most source items that may be skipped; any number but all unless given"
    )
    result.add_argument(
        "--allow-empty", action="store_true", help="accept a project without items, or one whose items all failed"
    )
    result.add_argument(
        "--materialize", action="store_true", help="write the Supervisely folder format with real crops"
    )
    result.add_argument("--dry-run", action="store_true", help="check the query and predict counts; write nothing")
    result.add_argument(
        "--explain", metavar="QUERY", help="say what each layer of a query does, draw its graph, and end"
    )
    result.add_argument(
        "--drawing", metavar="FILE", help="with --explain: draw the graph as a page (*.html) or as SVG (*.svg)"
    )
    result.add_argument("--schema", action="store_true", help="print the JSON schema of a query and end")
    return result


def main(options: argparse.Namespace) -> None:
    """Do what the options say."""
    if options.schema:
        from components.core.dtl.schema import query_schema_text

        sys.stdout.write(query_schema_text())
        return
    if options.explain or options.drawing:
        _explain(options.explain, options.drawing)
        return
    if not options.query:
        raise ConfigError("--query: is missing; give a JSON file, JSON text, or the name of a ready-made query")
    if options.dry_run:
        sys.stdout.write(prediction(predict_query(options.query, options.project, seed=options.seed)))
        return
    if not options.output:
        raise ConfigError("--output: is missing; give the new project's directory, or --dry-run")
    run = execute_query(
        options.query,
        options.project,
        options.output,
        seed=options.seed,
        workers=options.workers,
        max_bad=options.max_bad,
        allow_empty=options.allow_empty,
        as_files=options.materialize,
    )
    sys.stdout.write(f"{run.sentence()}, at {options.output}\n")


def _explain(query: str | None, drawing: str | None) -> None:
    """Print what a query does; its faults are the command's, once all is said."""
    from components.core.dtl.explain import explain, write_drawing

    if not query:
        raise ConfigError("--drawing: needs --explain, which says of what")
    explanation = explain(query)
    sys.stdout.write(explanation.text())
    sys.stdout.flush()
    if explanation.faults:
        raise ConfigError(*explanation.faults)
    if drawing:
        write_drawing(explanation, drawing)


def prediction(run: QueryRun) -> str:
    """A dry run's counts, one line a layer."""
    lines = []
    for layer in run.query.layers:
        counts = ", ".join(
            f"{name} {run.result.emitted[layer.index, port]}"
            for port, name in enumerate(layer.dst)
            if layer is not run.query.save_layer
        )
        arrived = run.result.received[layer.index]
        what = " ".join(filter(None, (layer.place, layer.action.name, layer.action.summary())))
        lines.append(f"{what}: {arrived} in → {counts or 'saved'}")
    bound = "" if run.result.exact else "at most " if run.result.counted else "more or fewer than "
    lines.append(f"{run.result.read} items in, {bound}{run.result.written} out: project {run.meta.name!r}")
    lines += [f"would be skipped: {entry}" for entry in run.result.skipped]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(run_main(main, parser()))
