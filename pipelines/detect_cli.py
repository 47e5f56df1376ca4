"""`python -m pipelines detect`: the whole detection pipeline on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from components.infer_windows.config import load_config as load_inference
from pipelines.detection import detection
from pipelines.local import Results, run_pipeline
from pipelines.places import absolute_place, check_in_object_storage, check_is_folder, text_of_file
from pipelines.run_cli import DOCUMENTS, RUNNERS

REDO = ("changed", "all")


def add_detect_command(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "detect",
        help="run the detection pipeline on this machine",
        description="Find what is new in a folder of imagery, and keep a layer of building footprints up to date.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--images", required=True, help="folder or URI prefix of imagery; what is new or changed in it is done")
    add("--model", required=True, help="folder or URI of a trained model")
    add("--output", default="runs/collection", help="folder or URI prefix of the layer and all that belongs to it")
    add("--runs", type=Path, default=Path("runs/detect"), help="folder that holds one folder a run")
    add("--runner", choices=RUNNERS, default="subprocess", help="docker: each stage in its own image")
    add("--data-root", default="", help="folder or URI for rasters; <runs>/data unless given")
    add("--documents", choices=sorted(DOCUMENTS), default="laptop", help="query and config to use")
    add("--inference-config", default="", metavar="FILE", help="instead of the documents'")
    add("--split-masks-query", default="", metavar="FILE", help="instead of the documents'")
    add("--min-area-m2", type=float, default=0.0, help="smaller buildings are left out")
    add("--tolerance-px", type=float, default=1.0, help="tolerance of simplification in pixels")
    add("--regularise", action="store_true", help="give polygons right angles")
    add("--confidence", action="store_true", help="publish confidence rasters beside the masks")
    add("--formats", default="", help="of the whole layer beside GeoParquet: gpkg, geojsonl; separated by commas")
    add("--redo", choices=REDO, default="changed", help="all: do again what another model or other settings did")
    add("--shard-megapixels", type=float, default=2000.0, help="size of a shard; larger scenes are cut")
    add("--max-bad", type=int, default=0, help="images that may be left out before the run counts as failed")
    add("--threads", type=int, default=1, help="CPU threads of the network; more help larger ones")
    parser.set_defaults(main=detect_command)


def detect_command(options: argparse.Namespace) -> None:
    """Run the pipeline and say what was found."""
    _check_places(options)
    documents = DOCUMENTS[options.documents]()
    inference = text_of_file(options.inference_config) or documents.inference
    load_inference(inference)
    arguments: dict[str, Any] = {
        "images_uri": absolute_place(options.images),
        "model_uri": absolute_place(options.model),
        "output_uri": absolute_place(options.output),
        "data_root": options.data_root or str((options.runs / "data").resolve()),
        "inference_config": inference,
        "split_masks_query": text_of_file(options.split_masks_query) or documents.split_masks,
        "require_gpus": False,
    }
    for name in ("min_area_m2", "tolerance_px", "regularise", "confidence", "formats", "redo", "shard_megapixels"):
        arguments[name] = getattr(options, name)
    results = run_pipeline(
        detection, arguments | {"max_bad": options.max_bad}, options.runs, options.runner, options.threads
    )
    sys.stdout.write(summary(results))


def _check_places(options: argparse.Namespace) -> None:
    check_is_folder("--images", options.images)
    check_is_folder("--model", options.model)
    if options.runner == "docker":
        places = {"--images": options.images, "--model": options.model, "--output": options.output}
        check_in_object_storage(places | {"--data-root": options.data_root or "runs/detect/data"})


def summary(results: Results) -> str:
    """What a detection run did, and where its results lie."""
    stages = [name for name in results.outputs if name.startswith("publish-collection") and name.endswith("/summary")]
    said = json.loads(results.path(stages[0]).read_text(encoding="utf-8"))
    lines = [said["sentence"], *(f"{name:10}  {place}" for name, place in said["places"].items())]
    return "\n".join(lines) + "\n"
