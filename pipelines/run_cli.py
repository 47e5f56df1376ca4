"""`python -m pipelines run`: the whole training pipeline on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from components.core.dtl.graph import build_query
from components.core.dtl.query import read_query
from components.core.errors import ConfigError
from components.core.settings import naming_file
from components.infer_windows.config import load_config as load_inference
from components.split_tagging.split_tagging import share_query
from components.train_unet.config import load_config as load_training
from pipelines.documents import Documents, laptop_documents, tutorial_documents
from pipelines.local import Results, run_pipeline
from pipelines.places import absolute_place, check_in_object_storage, check_is_folder, text_of_file
from pipelines.training import sample_training, training

RUNNERS = ("subprocess", "docker")
ENCODER_WORDS = ("", "imagenet", "none")
DOCUMENTS = {"laptop": laptop_documents, "tutorial": tutorial_documents}


def add_run_command(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "run",
        help="run the training pipeline on this machine",
        description="Run the training pipeline on this machine, on sample scenes or on your own imagery.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--images", default="", help="folder or URI of images; sample scenes unless given")
    parser.add_argument("--masks", default="", help="folder or URI of their masks, where --images does not hold them")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder that holds one folder a run")
    parser.add_argument("--runner", choices=RUNNERS, default="subprocess", help="docker: each stage in its own image")
    parser.add_argument("--data-root", default="", help="folder or URI for rasters; <runs>/data unless given")
    parser.add_argument("--documents", choices=sorted(DOCUMENTS), default="laptop", help="queries and configs to use")
    parser.add_argument("--split-tagging-query", default="", metavar="FILE", help="instead of the documents'")
    parser.add_argument("--train-share", type=float, default=0.0, help="above 0: tag this share for training instead")
    parser.add_argument("--crop-augment-query", default="", metavar="FILE", help="instead of the documents'")
    parser.add_argument("--train-config", default="", metavar="FILE", help="instead of the documents'")
    parser.add_argument("--encoder-weights", default="", help="imagenet, none, a file or a URI; else the config's")
    parser.add_argument("--initial-model", default="", help="folder or URI of a trained model to start from")
    parser.add_argument("--inference-config", default="", metavar="FILE", help="instead of the documents'")
    parser.add_argument("--split-masks-query", default="", metavar="FILE", help="instead of the documents'")
    parser.add_argument("--scenes-per-town", type=int, default=10, help="sample scenes of each of five towns")
    parser.add_argument("--size-px", type=int, default=768, help="height and width of a sample scene")
    parser.add_argument("--max-bad", type=int, default=0, help="images that may be left out because they are broken")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the network; more help larger ones")
    parser.add_argument("--seed", type=int, default=0, help="of every random decision")
    parser.set_defaults(main=run_command)


def run_command(options: argparse.Namespace) -> None:
    """Run the pipeline and say what was reached."""
    _check_folders(options)
    _check_data_root(options)
    documents = _documents(options)
    _check_documents(documents, options)
    arguments: dict[str, Any] = {
        "output_data_root": options.data_root or str((options.runs / "data").resolve()),
        "split_tagging_query": documents.split_tagging,
        "split_tagging_train_share": options.train_share,
        "crop_augment_query": documents.crop_augment,
        "train_config": documents.training,
        "train_encoder_weights": _weights(options.encoder_weights),
        "train_initial_model_uri": absolute_place(options.initial_model),
        "infer_config": documents.inference,
        "split_masks_query": documents.split_masks,
        "images_max_bad": options.max_bad,
        "seed": options.seed,
    }
    if options.images:
        own = {"images_uri": absolute_place(options.images), "images_masks_uri": absolute_place(options.masks)}
        results = run_pipeline(training, arguments | own, options.runs, options.runner, options.threads)
    else:
        sample = {"sample_scenes_per_town": options.scenes_per_town, "sample_size_px": options.size_px}
        results = run_pipeline(sample_training, arguments | sample, options.runs, options.runner, options.threads)
    sys.stdout.write(summary(results))


def _check_folders(options: argparse.Namespace) -> None:
    if options.masks and not options.images:
        raise ConfigError("--masks: is given without --images; give both, or neither for sample scenes")
    check_is_folder("--images", options.images)
    check_is_folder("--masks", options.masks)


def _check_data_root(options: argparse.Namespace) -> None:
    if options.runner != "docker":
        return
    places = {"--data-root": options.data_root or "runs/data", "--images": options.images, "--masks": options.masks}
    places |= {"--initial-model": options.initial_model}
    if options.encoder_weights not in ENCODER_WORDS:
        places["--encoder-weights"] = options.encoder_weights
    check_in_object_storage(places)


def _check_documents(documents: Documents, options: argparse.Namespace) -> None:
    """Find faults of the documents now, not after the stages before theirs."""
    if options.train_share and options.split_tagging_query:
        raise ConfigError("--train-share: is given with --split-tagging-query; give one of them")
    if options.train_share:
        share_query(options.train_share)
    for file, query in (
        (options.split_tagging_query, documents.split_tagging),
        (options.crop_augment_query, documents.crop_augment),
        (options.split_masks_query, documents.split_masks),
    ):
        with naming_file(file):
            if query:
                build_query(read_query(query))
    with naming_file(options.train_config):
        load_training(documents.training)
    with naming_file(options.inference_config):
        load_inference(documents.inference)


def _weights(place: str) -> str:
    return place if place in ENCODER_WORDS else absolute_place(place)


def _documents(options: argparse.Namespace) -> Documents:
    """The chosen documents, each replaced where a file of the user's own is given; a share replaces the query."""
    chosen = DOCUMENTS[options.documents]()
    return Documents(
        split_tagging="" if options.train_share else text_of_file(options.split_tagging_query) or chosen.split_tagging,
        crop_augment=text_of_file(options.crop_augment_query) or chosen.crop_augment,
        training=text_of_file(options.train_config) or chosen.training,
        inference=text_of_file(options.inference_config) or chosen.inference,
        split_masks=text_of_file(options.split_masks_query) or chosen.split_masks,
    )


def summary(results: Results) -> str:
    """What a training run reached, and where its results lie."""
    measures = json.loads((results.path("evaluate/evaluation") / "metrics.json").read_text(encoding="utf-8"))
    overall = measures["overall"]
    towns = ", ".join(f"{group['name']} {_percent(group)}" for group in measures["groups"])
    lines = [
        f"Building IoU {_percent(overall)} on {overall['images']} held-out scenes" + (f" ({towns})" if towns else ""),
        f"model       {results.path('train-unet/model')}",
        f"metrics     {results.path('evaluate/evaluation') / 'metrics.json'}",
        f"report      {results.path('evaluate/report.html')}",
        f"footprints  {results.path('publish-footprints/footprints')}",
    ]
    return "\n".join(lines) + "\n"


def _percent(group: dict[str, Any]) -> str:
    iou = group["pixels"]["iou"]
    return "–" if iou is None else f"{100 * iou:.1f} %"
