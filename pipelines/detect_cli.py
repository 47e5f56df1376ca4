"""`python -m pipelines detect`: the whole detection pipeline on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.core.documents.imagery import DetectionImages
from components.plan_imagery.names import PARAMETERS
from pipelines.images_flags import add_image_flags, by_flags, images_options
from pipelines.local_cli import (
    DOCUMENTS,
    RUNNERS,
    ReadDocument,
    check_all,
    flags_of,
    own_document,
    stage_flags,
    unread_document,
)
from pipelines.places import absolute_place, check_in_object_storage, check_runs

if TYPE_CHECKING:
    from pipelines.local import Results

REDO = ("changed", "all")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.description = "Find what is new in a folder of imagery, and keep a layer of building footprints up to date."
    add = parser.add_argument
    add(
        "--images",
        required=True,
        help="folder or URI of imagery, or a STAC document; what is new is done",
    )
    add("--model", required=True, help="folder or URI of a trained model")
    add("--output", default="runs/collection", help="folder or URI prefix of the layer and all that belongs to it")
    add("--runs", type=Path, default=Path("runs/detect"), help="folder that holds one folder per run")
    add("--runner", choices=RUNNERS, default="subprocess", help="docker: each stage in its own image")
    add("--data-root", default="", help="folder or URI for rasters; <runs>/data unless given")
    add("--documents", choices=sorted(DOCUMENTS), default="laptop", help="query and config to use")
    add("--inference-config", default="", metavar="FILE", help="inference config, instead of that of --documents")
    add(
        "--split-masks-query",
        default="",
        metavar="QUERY",
        help="query of split_masks, instead of that of --documents: a file, or the name of a ready-made one",
    )
    planned, published = (stage_flags(parser, stage) for stage in ("plan_imagery", "publish_collection"))
    planned("scaling", default=DetectionImages().scaling)
    planned("bands")
    planned("class_title")
    planned("min_area_m2")
    planned("tolerance")
    planned("regularise")
    published("join_tiles")
    published("confirm", metavar="K_OF_N")
    planned("confidence")
    published("formats")
    planned("redo", choices=REDO, metavar=None)
    planned("shard_megapixels")
    planned("max_shards")
    planned("captured_pattern")
    add_image_flags(parser)
    planned("max_bad")
    add("--threads", type=int, default=1, help="CPU threads for PyTorch; more help larger networks")


def main(options: argparse.Namespace) -> None:
    """Run the pipeline and say what was found."""
    check_all(
        partial(check_runs, options.runs), partial(_check_places, options), by_flags(partial(_check_inputs, options))
    )
    from pipelines.detection import detection  # compiled by its import: after what may be refused
    from pipelines.local import run_pipeline

    results = run_pipeline(detection, pipeline_arguments(options), options.runs, options.runner, options.threads)
    sys.stdout.write(summary(results))


def pipeline_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """What the command's flags say, as the pipeline's parameters; all of those that do not place it on a cluster."""
    return {PARAMETERS.get(name, name): value for name, value in _inputs(options, own_document).items()}


def _inputs(options: argparse.Namespace, read: ReadDocument) -> dict[str, Any]:
    """What the flags say, by the names that plan_imagery has for its inputs."""
    chosen = DOCUMENTS[options.documents]()
    made = {
        "images_uri": absolute_place(options.images),
        "model_uri": absolute_place(options.model),
        "output_uri": absolute_place(options.output),
        "data_root": absolute_place(_data_root(options)),
        "inference_config": read(options, "inference_config", chosen.inference),
        "split_masks_query": read(options, "split_masks_query", chosen.split_masks),
        "images_options": images_options(options, DetectionImages, read),
    }
    return {name: getattr(options, name) for name in PARAMETERS} | made


def _data_root(options: argparse.Namespace) -> str:
    return str(options.data_root or options.runs / "data")


def _check_places(options: argparse.Namespace) -> None:
    if options.runner == "docker":
        places = {"--images": options.images, "--model": options.model, "--output": options.output}
        places |= {"--aoi": options.aoi_uri}
        check_in_object_storage(places | {"--data-root": _data_root(options)})


def _check_inputs(options: argparse.Namespace) -> None:
    """Find faults now that a later stage would find, as the pipeline's own first step does."""
    from components.plan_imagery.preflight import DetectionInputs, check_inputs

    values = _inputs(options, unread_document)
    check_inputs(DetectionInputs.of(values), flags_of(values))


def summary(results: Results) -> str:
    """What a detection run did, and where its results lie."""
    last = "publish-collection" if "publish-collection/summary" in results.outputs else "plan-imagery"
    outcome = json.loads(results.path(f"{last}/summary").read_text(encoding="utf-8"))
    lines = [outcome["sentence"], *(f"{name:10}  {place}" for name, place in outcome["places"].items())]
    lines.append(f"{'log':10}  {results.log}")
    return "\n".join(lines) + "\n"
