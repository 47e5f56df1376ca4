"""`python -m pipelines run`: the whole training pipeline on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.check_inputs.names import PARAMETERS
from components.core.documents.imagery import TrainingImages
from components.core.documents.named import TRAINING_CONFIGS
from components.core.errors import ConfigError
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

ENCODER_WORDS = ("", "imagenet", "none")

IMAGES_ALONE = ("images_uri", "masks_uri", "bands", "mask_value", "labels", "images_options")
"""Inputs that a run on sample scenes does not have."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.description = "Run the training pipeline on this machine, on sample scenes or on your own imagery."
    add = parser.add_argument
    checked, imported, made = (
        stage_flags(parser, stage) for stage in ("check_inputs", "import_images", "sample_scenes")
    )
    add("--images", default="", help="folder or URI of images, or a STAC document; sample scenes unless given")
    add("--masks", default="", help="folder or URI of their masks, where --images does not hold them")
    add(
        "--labels",
        default="",
        metavar="PLACE",
        help="vector labels in the place of masks: a file for all images, or a folder of one file an image",
    )
    add("--label-attribute", default="", metavar="NAME", help="attribute of the labels that says the class")
    add("--labelled-area", default="", metavar="FILE", help="vector file of the ground that was labelled; else all")
    imported("bands")
    add("--runs", type=Path, default=Path("runs"), help="folder that holds one folder per run")
    add("--runner", choices=RUNNERS, default="subprocess", help="docker: each stage in its own image")
    add("--data-root", default="", help="folder or URI for rasters; <runs>/data unless given")
    add("--documents", choices=sorted(DOCUMENTS), default="laptop", help="queries and configs to use")
    add(
        "--split-tagging-query",
        default="",
        metavar="QUERY",
        help="query of split_tagging, instead of that of --documents: a file, or the name of a ready-made one",
    )
    checked("train_share")
    add(
        "--crop-augment-query",
        default="",
        metavar="QUERY",
        help="query of crop_augment, instead of that of --documents: a file, or the name of a ready-made one"
        " such as crop_augment_by_source, which keeps the crops of one image together",
    )
    add(
        "--train-config",
        default="",
        metavar="CONFIG",
        help=f"training config, instead of that of --documents: a file, or one of {', '.join(TRAINING_CONFIGS)}",
    )
    checked("encoder_weights")
    add("--initial-model", default="", help="folder or URI of a trained model to start from")
    add("--inference-config", default="", metavar="FILE", help="inference config, instead of that of --documents")
    add(
        "--split-masks-query",
        default="",
        metavar="QUERY",
        help="query of split_masks, instead of that of --documents: a file, or the name of a ready-made one",
    )
    add(
        "--pointer",
        default="",
        metavar="FILE",
        help="file or URI of a pointer to the model in use, such as models/current.json: the new model takes its place"
        " if it is better on the held-out images",
    )
    add(
        "--promote-config", default="", metavar="CONFIG", help="when it does: a file, or JSON; see the promotion config"
    )
    made("scenes_per_town", default=10)
    made("size_px")
    imported("mask_value")
    imported("allow_unpaired")
    add_image_flags(parser)
    checked("max_bad")
    add("--threads", type=int, default=1, help="CPU threads for PyTorch; more help larger networks")
    add(
        "--seed",
        type=int,
        default=0,
        help="random seed of scenes, splits and crops; training has its own",
    )


def main(options: argparse.Namespace) -> None:
    """Run the pipeline and say what was reached."""
    check_all(
        partial(check_runs, options.runs),
        partial(_check_masks, options),
        partial(_check_data_root, options),
        by_flags(partial(_check_inputs, options)),
    )
    from pipelines.local import run_pipeline
    from pipelines.training import sample_training, training  # compiled by their import: after what may be refused

    pipeline = training if options.images else sample_training
    results = run_pipeline(pipeline, pipeline_arguments(options), options.runs, options.runner, options.threads)
    sys.stdout.write(summary(results))


def pipeline_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """What the command's flags say, as the parameters of `training`, or of `sample_training` without images."""
    inputs = _inputs(options, own_document)
    weights = inputs.pop("encoder_weights")
    if weights:
        inputs["train_config"] = {**inputs["train_config"], "encoder_weights": weights}
    if not options.images:
        inputs = {name: value for name, value in inputs.items() if name not in IMAGES_ALONE}
        inputs |= {"sample_scenes_per_town": options.scenes_per_town, "sample_size_px": options.size_px}
    return {PARAMETERS.get(name, name): value for name, value in inputs.items()} | {"seed": options.seed}


def _inputs(options: argparse.Namespace, read: ReadDocument) -> dict[str, Any]:
    """What the flags say, by the names that check_inputs has for its inputs."""
    chosen = DOCUMENTS[options.documents]()
    tagging = [] if options.train_share else chosen.split_tagging
    return {
        "images_uri": absolute_place(options.images),
        "masks_uri": absolute_place(options.masks) if options.images else "",
        "bands": options.bands if options.images else "",
        "data_root": _data_root(options),
        "split_tagging_query": read(options, "split_tagging_query", tagging),
        "train_share": options.train_share,
        "crop_augment_query": read(options, "crop_augment_query", chosen.crop_augment),
        "train_config": read(options, "train_config", chosen.training),
        "encoder_weights": _weights(options.encoder_weights),
        "initial_model_uri": absolute_place(options.initial_model),
        "inference_config": read(options, "inference_config", chosen.inference),
        "split_masks_query": read(options, "split_masks_query", chosen.split_masks),
        "promote_config": _promotion(options, read),
        "mask_value": options.mask_value,
        "labels": _labels(options, read),
        "images_options": images_options(options, TrainingImages, read),
        "max_bad": options.max_bad,
    }


def _promotion(options: argparse.Namespace, read: ReadDocument) -> Any:
    """The promotion config with the pointer in it that a flag names."""
    if not options.pointer:
        return read(options, "promote_config", {})
    document = own_document(options, "promote_config", {})
    if not isinstance(document, dict):
        raise ConfigError("--promote-config: is JSON, but not an object {…}; give one, or --pointer alone")
    document = {**document, "pointer_uri": absolute_place(options.pointer)}
    return document if read is own_document else json.dumps(document)


def _labels(options: argparse.Namespace, read: ReadDocument) -> Any:
    """The labels config that the flags say."""
    if not options.labels:
        return {} if read is own_document else ""
    document = {
        "labels_uri": absolute_place(options.labels),
        "label_attribute": options.label_attribute,
        "labelled_area_uri": absolute_place(options.labelled_area),
    }
    return document if read is own_document else json.dumps(document)


def _check_masks(options: argparse.Namespace) -> None:
    if options.labels and not options.images:
        raise ConfigError("--labels: is given without --images; give both, or neither for sample scenes")
    for flag, value in (("--label-attribute", options.label_attribute), ("--labelled-area", options.labelled_area)):
        if value and not options.labels:
            raise ConfigError(f"{flag}: is given without --labels; give both, or neither")
    if options.aoi_uri and not options.images:
        raise ConfigError("--aoi: is given without --images; give both, or neither for sample scenes")
    if options.masks and not options.images:
        raise ConfigError("--masks: is given without --images; give both, or neither for sample scenes")


def _check_data_root(options: argparse.Namespace) -> None:
    if options.runner != "docker":
        return
    places = {"--data-root": options.data_root or "runs/data", "--images": options.images, "--masks": options.masks}
    places |= {"--labels": options.labels, "--labelled-area": options.labelled_area, "--aoi": options.aoi_uri}
    places |= {"--initial-model": options.initial_model, "--pointer": options.pointer}
    if options.encoder_weights not in ENCODER_WORDS:
        places["--encoder-weights"] = options.encoder_weights
    check_in_object_storage(places)


def _check_inputs(options: argparse.Namespace) -> None:
    """Find faults now that a later stage would find, as the pipeline's own first step does."""
    from components.check_inputs.check_inputs import check_inputs
    from components.check_inputs.inputs import TrainingInputs

    values = _inputs(options, unread_document)
    check_inputs(TrainingInputs(**values, makes_scenes=not options.images), flags_of(values))


def _data_root(options: argparse.Namespace) -> str:
    return options.data_root or absolute_place(str(options.runs / "data"))


def _weights(place: str) -> str:
    return place if place in ENCODER_WORDS else absolute_place(place)


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
        *_promoted(results),
        f"log         {results.log}",
    ]
    return "\n".join(lines) + "\n"


def _promoted(results: Results) -> list[str]:
    """What became of the pointer, where the run had one."""
    if "promote/decision" not in results.outputs:
        return []
    decision = json.loads(results.path("promote/decision").read_text(encoding="utf-8"))
    return [f"promotion   {sentence}" for sentence in decision["sentences"]]


def _percent(group: dict[str, Any]) -> str:
    iou = group["pixels"]["iou"]
    return "–" if iou is None else f"{100 * iou:.1f} %"
