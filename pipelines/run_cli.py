"""`python -m pipelines run`: the whole training pipeline on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.core.errors import ConfigError
from pipelines.documents import RunDocuments
from pipelines.local_cli import DOCUMENTS, RUNNERS, check_all, flags_of, own_document, unread_document
from pipelines.places import absolute_place, check_in_object_storage, check_runs

if TYPE_CHECKING:
    from pipelines.local import Results

ENCODER_WORDS = ("", "imagenet", "none")

CHECKED = {
    "images_uri": "images",
    "masks_uri": "masks",
    "bands": "bands",
    "data_root": "data_root",
    "split_tagging_query": "split_tagging_query",
    "train_share": "train_share",
    "crop_augment_query": "crop_augment_query",
    "train_config": "train_config",
    "encoder_weights": "encoder_weights",
    "initial_model_uri": "initial_model",
    "inference_config": "inference_config",
    "split_masks_query": "split_masks_query",
    "mask_value": "mask_value",
    "allow_unpaired": "allow_unpaired",
    "max_bad": "max_bad",
}
"""Options by the names that check_inputs has for them."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.description = "Run the training pipeline on this machine, on sample scenes or on your own imagery."
    add = parser.add_argument
    add("--images", default="", help="folder or URI of images; sample scenes unless given")
    add("--masks", default="", help="folder or URI of their masks, where --images does not hold them")
    add("--bands", default="", help="numbers of the red, green and blue band, such as 3,2,1; empty to go by the images")
    add("--runs", type=Path, default=Path("runs"), help="folder that holds one folder per run")
    add("--runner", choices=RUNNERS, default="subprocess", help="docker: each stage in its own image")
    add("--data-root", default="", help="folder or URI for rasters; <runs>/data unless given")
    add("--documents", choices=sorted(DOCUMENTS), default="laptop", help="queries and configs to use")
    add(
        "--split-tagging-query",
        default="",
        metavar="FILE",
        help="query of split_tagging, instead of the one of --documents",
    )
    add(
        "--train-share",
        type=float,
        default=0.0,
        help="share of images to tag for training, instead of a query; 0 for the query",
    )
    add(
        "--crop-augment-query",
        default="",
        metavar="FILE",
        help="query of crop_augment, instead of the one of --documents",
    )
    add("--train-config", default="", metavar="FILE", help="training config, instead of the one of --documents")
    add("--encoder-weights", default="", help="imagenet, none, a file or a URI; else the config's")
    add("--initial-model", default="", help="folder or URI of a trained model to start from")
    add("--inference-config", default="", metavar="FILE", help="inference config, instead of the one of --documents")
    add(
        "--split-masks-query",
        default="",
        metavar="FILE",
        help="query of split_masks, instead of the one of --documents",
    )
    add("--scenes-per-town", type=int, default=10, help="sample scenes of each of five towns")
    add("--size-px", type=int, default=768, help="height and width of a sample scene")
    add("--mask-value", default="", help="values of masks that are building: 1, or #FF0000, or 1,ignore=255")
    add("--allow-unpaired", action="store_true", help="images without a mask, where others have one, show no building")
    add("--max-bad", type=int, default=0, help="images that may be skipped because they are broken")
    add("--threads", type=int, default=1, help="CPU threads for PyTorch; more help larger networks")
    add(
        "--seed",
        type=int,
        default=0,
        help="random seed of scenes, splits and crops; training has its own in its config",
    )


def main(options: argparse.Namespace) -> None:
    """Run the pipeline and say what was reached."""
    check_all(
        partial(check_runs, options.runs),
        partial(_check_masks, options),
        partial(_check_data_root, options),
        partial(_check_inputs, options),
    )
    from pipelines.local import run_pipeline
    from pipelines.training import sample_training, training  # compiled by their import: after what may be refused

    pipeline = training if options.images else sample_training
    results = run_pipeline(pipeline, pipeline_arguments(options), options.runs, options.runner, options.threads)
    sys.stdout.write(summary(results))


def pipeline_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """What the command's flags say, as the parameters of `training`, or of `sample_training` without images."""
    documents = _documents(options)
    arguments: dict[str, Any] = {
        "output_data_root": _data_root(options),
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
        return arguments | {
            "images_uri": absolute_place(options.images),
            "images_masks_uri": absolute_place(options.masks),
            "images_bands": options.bands,
            "images_mask_value": options.mask_value,
            "images_allow_unpaired": options.allow_unpaired,
        }
    return arguments | {"sample_scenes_per_town": options.scenes_per_town, "sample_size_px": options.size_px}


def _check_masks(options: argparse.Namespace) -> None:
    if options.masks and not options.images:
        raise ConfigError("--masks: is given without --images; give both, or neither for sample scenes")


def _check_data_root(options: argparse.Namespace) -> None:
    if options.runner != "docker":
        return
    places = {"--data-root": options.data_root or "runs/data", "--images": options.images, "--masks": options.masks}
    places |= {"--initial-model": options.initial_model}
    if options.encoder_weights not in ENCODER_WORDS:
        places["--encoder-weights"] = options.encoder_weights
    check_in_object_storage(places)


def _check_inputs(options: argparse.Namespace) -> None:
    """Find faults now that a later stage would find, as the pipeline's own first step does."""
    from components.check_inputs.check_inputs import check_inputs
    from components.check_inputs.inputs import TrainingInputs

    chosen = DOCUMENTS[options.documents]()
    tagging = [] if options.train_share else chosen.split_tagging
    inputs = TrainingInputs(
        images_uri=absolute_place(options.images),
        masks_uri=absolute_place(options.masks) if options.images else "",
        data_root=_data_root(options),
        split_tagging_query=unread_document(options, "split_tagging_query", tagging),
        train_share=options.train_share,
        crop_augment_query=unread_document(options, "crop_augment_query", chosen.crop_augment),
        train_config=unread_document(options, "train_config", chosen.training),
        encoder_weights=_weights(options.encoder_weights),
        initial_model_uri=absolute_place(options.initial_model),
        inference_config=unread_document(options, "inference_config", chosen.inference),
        split_masks_query=unread_document(options, "split_masks_query", chosen.split_masks),
        mask_value=options.mask_value,
        allow_unpaired=options.allow_unpaired,
        max_bad=options.max_bad,
        makes_scenes=not options.images,
    )
    check_inputs(inputs, flags_of(CHECKED))


def _data_root(options: argparse.Namespace) -> str:
    return options.data_root or absolute_place(str(options.runs / "data"))


def _weights(place: str) -> str:
    return place if place in ENCODER_WORDS else absolute_place(place)


def _documents(options: argparse.Namespace) -> RunDocuments:
    """The chosen documents, each replaced where a file of the user's own is given; a share replaces the query."""
    chosen = DOCUMENTS[options.documents]()
    return RunDocuments(
        split_tagging=[] if options.train_share else own_document(options, "split_tagging_query", chosen.split_tagging),
        crop_augment=own_document(options, "crop_augment_query", chosen.crop_augment),
        training=own_document(options, "train_config", chosen.training),
        inference=own_document(options, "inference_config", chosen.inference),
        split_masks=own_document(options, "split_masks_query", chosen.split_masks),
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
        f"log         {results.log}",
    ]
    return "\n".join(lines) + "\n"


def _percent(group: dict[str, Any]) -> str:
    iou = group["pixels"]["iou"]
    return "–" if iou is None else f"{100 * iou:.1f} %"
