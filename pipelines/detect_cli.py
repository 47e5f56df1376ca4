"""`python -m pipelines detect`: the whole detection pipeline on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.core.collection.plan import MAX_SHARDS, SHARD_MEGAPIXELS
from components.core.command import tolerance_flags
from pipelines.local_cli import DOCUMENTS, RUNNERS, check_all, flags_of, own_document, unread_document
from pipelines.places import absolute_place, check_in_object_storage, check_runs

if TYPE_CHECKING:
    from pipelines.local import Results

REDO = ("changed", "all")

PARAMETERS = {
    "scaling": "images_scaling",
    "bands": "images_bands",
    "class_title": "footprints_class_title",
    "tolerance": "footprints_tolerance",
    "min_area_m2": "footprints_min_area_m2",
    "regularise": "footprints_regularise",
    "confidence": "footprints_confidence",
    "formats": "footprints_formats",
    "join_tiles": "footprints_join_tiles",
    "redo": "images_redo",
    "shard_megapixels": "shards_megapixels",
    "max_shards": "shards_max",
    "captured_pattern": "images_captured_pattern",
    "max_bad": "images_max_bad",
}
"""Flags that are taken as they are, and the pipeline's parameters that they become."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.description = "Find what is new in a folder of imagery, and keep a layer of building footprints up to date."
    add = parser.add_argument
    add("--images", required=True, help="folder or URI prefix of imagery; what is new or changed in it is done")
    add("--model", required=True, help="folder or URI of a trained model")
    add("--output", default="runs/collection", help="folder or URI prefix of the layer and all that belongs to it")
    add("--runs", type=Path, default=Path("runs/detect"), help="folder that holds one folder per run")
    add("--runner", choices=RUNNERS, default="subprocess", help="docker: each stage in its own image")
    add("--data-root", default="", help="folder or URI for rasters; <runs>/data unless given")
    add("--documents", choices=sorted(DOCUMENTS), default="laptop", help="query and config to use")
    add("--inference-config", default="", metavar="FILE", help="inference config, instead of the one of --documents")
    add(
        "--split-masks-query",
        default="",
        metavar="FILE",
        help="query of split_masks, instead of the one of --documents",
    )
    add("--scaling", default="percentile", help="how imagery of more than 8 bits becomes 8; see import_images")
    add("--bands", default="", help="numbers of the red, green and blue band, such as 3,2,1; empty to go by the images")
    add("--class-title", default="untitled_dl", help="class of the query's objects that become buildings")
    add("--min-area-m2", type=float, default=0.0, help="smaller buildings are left out")
    tolerance_flags.add_flags(parser)
    add("--regularise", action="store_true", help="give polygons right angles")
    add(
        "--join-tiles",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="join buildings across the common border of scenes that are tiles of one grid",
    )
    add("--confidence", action="store_true", help="publish confidence rasters beside the masks")
    add(
        "--formats",
        default="",
        help="further formats of the whole layer, beside GeoParquet: gpkg, geojsonl; separated by commas",
    )
    add("--redo", choices=REDO, default="changed", help="all: do again what another model or other settings did")
    add("--shard-megapixels", type=float, default=SHARD_MEGAPIXELS, help="size of a shard; larger scenes are cut")
    add("--max-shards", type=int, default=MAX_SHARDS, help="at most so many shards; the next run does the rest")
    add(
        "--captured-pattern", default="", help="regular expression for the capture date in file names; none disables it"
    )
    add("--max-bad", type=int, default=0, help="images that may be skipped before the run counts as failed")
    add("--threads", type=int, default=1, help="CPU threads for PyTorch; more help larger networks")


def main(options: argparse.Namespace) -> None:
    """Run the pipeline and say what was found."""
    check_all(partial(check_runs, options.runs), partial(_check_places, options), partial(_check_inputs, options))
    from pipelines.detection import detection  # compiled by its import: after what may be refused
    from pipelines.local import run_pipeline

    results = run_pipeline(detection, pipeline_arguments(options), options.runs, options.runner, options.threads)
    sys.stdout.write(summary(results))


def pipeline_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """What the command's flags say, as the pipeline's parameters; all of those that do not place it on a cluster."""
    documents = DOCUMENTS[options.documents]()
    return {
        "images_uri": absolute_place(options.images),
        "model_uri": absolute_place(options.model),
        "output_uri": absolute_place(options.output),
        "output_data_root": absolute_place(_data_root(options)),
        "infer_config": own_document(options, "inference_config", documents.inference),
        "split_masks_query": own_document(options, "split_masks_query", documents.split_masks),
    } | {name: getattr(options, flag) for flag, name in PARAMETERS.items()}


def _data_root(options: argparse.Namespace) -> str:
    return str(options.data_root or options.runs / "data")


def _check_places(options: argparse.Namespace) -> None:
    if options.runner == "docker":
        places = {"--images": options.images, "--model": options.model, "--output": options.output}
        check_in_object_storage(places | {"--data-root": _data_root(options)})


def _check_inputs(options: argparse.Namespace) -> None:
    """Find faults now that a later stage would find, as the pipeline's own first step does."""
    from components.plan_imagery.preflight import DetectionInputs, check_inputs

    chosen = DOCUMENTS[options.documents]()
    values = {name: getattr(options, name) for name in PARAMETERS} | {
        "images_uri": absolute_place(options.images),
        "model_uri": absolute_place(options.model),
        "output_uri": absolute_place(options.output),
        "data_root": absolute_place(_data_root(options)),
        "inference_config": unread_document(options, "inference_config", chosen.inference),
        "split_masks_query": unread_document(options, "split_masks_query", chosen.split_masks),
    }
    others = {"images_uri": "images", "model_uri": "model", "output_uri": "output"}
    check_inputs(DetectionInputs.of(values), flags_of({name: name for name in values} | others))


def summary(results: Results) -> str:
    """What a detection run did, and where its results lie."""
    last = "publish-collection" if "publish-collection/summary" in results.outputs else "plan-imagery"
    said = json.loads(results.path(f"{last}/summary").read_text(encoding="utf-8"))
    lines = [said["sentence"], *(f"{name:10}  {place}" for name, place in said["places"].items())]
    lines.append(f"{'log':10}  {results.log}")
    return "\n".join(lines) + "\n"
