"""A trained network applied to the scenes of a project, window by window."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from components.core.champion import resolve_model
from components.core.documents.inference import WHERE, InferenceConfig, load_config
from components.core.documents.predicted import ClassPlan, plan_classes
from components.core.documents.predicted_items import predicted_items
from components.core.documents.thresholds import thresholds_of
from components.core.documents.tutorial import INFERENCE_CONFIG
from components.core.errors import ConfigError
from components.core.imagery_facts import warn_of_differences
from components.core.models import local_model, network_digest
from components.core.network.allocator import keep_freed_memory
from components.core.network.description import ModelConfig, read_config
from components.core.network.folding import folded
from components.core.network.gpus import usable_devices
from components.core.network.model_artifact import load_model
from components.core.network.seen_sizes import check_scales
from components.core.progress import progress
from components.core.project import Project, manifest_writer, open_project
from components.core.project.history import read_history
from components.core.project.manifest import ManifestWriter
from components.core.project.predicted_classes import predicted_classes
from components.core.project.selecting import Shard, choose_items
from components.core.skip_budget import SkipBudget
from components.core.storage import absolute_uri, check_writable, join_uri
from components.infer_windows.expected import expected_skips
from components.infer_windows.outputs import FOLDED, FOLDER
from components.infer_windows.predictor import NetworkPredictor, choose_batch_size, choose_device
from components.infer_windows.result import InferenceResult, Tally
from components.infer_windows.runner import RunSettings, SceneInference, prepare, run_scenes

__all__ = ["InferenceResult", "infer_windows"]

log = logging.getLogger(__name__)


def infer_windows(
    project: Path | str,
    model: Path | str | None,
    predictions: Path | str,
    *,
    data_root: str,
    model_uri: str = "",
    config: str | Path | dict[str, Any] | InferenceConfig = INFERENCE_CONFIG,
    image_tags: Sequence[str] = ("test",),
    shard: str = "1/1",
    project_name: str = "inf_INRIA_test_part",
    max_bad: int | None = 0,
    allow_empty: bool = False,
    max_item_pixels: int = 0,
    gpus: int = 0,
) -> InferenceResult:
    """Find the model's classes in the images of a project.

    For each image a mask of class indices and a confidence (uint8, probability of that class × 255, rounded) go to
    `data_root`, tiled GeoTIFFs on the image's grid, and the probabilities that both follow from
    (`components.core.project.probabilities`) unless the config says otherwise; the output project refers to them. Where
    an image says that it holds no data, the mask is 255, its nodata value, and the confidence 0. Scenes that an earlier
    run finished with the same image, model and settings are not done again, and where only the threshold is another,
    the network is not needed. Where the config's mode does not look at some of an image, that is as if it held no data.
    Of an image of which only some rows are wanted (`components.core.project.parts`) these alone are done, and are the
    same as in the whole image.

    Args:
        project: Directory of the input project.
        model: The model's folder; None where `model_uri` names it.
        predictions: Directory of the output project; it appears when it is whole.
        data_root: Folder or URI prefix for rasters; they lie in `predictions` there.
        model_uri: The model's folder, perhaps in object storage, or a pointer to it; empty where `model` names it.
        config: The inference config: JSON text, a file, the parsed document or the checked settings.
        image_tags: Images with one of these tags are taken; none for all images.
        shard: Which part of those images, as plan_shards gives it: 2/5 is the second of five.
        project_name: Name of the output project, which queries use.
        max_bad: How many images may be skipped because they are broken, smaller than the window, or larger than what
            goes through the network at once.
        allow_empty: Whether the output project may hold nothing, because the input does or all images are skipped.
        max_item_pixels: An image of more pixels becomes several items, each some of its rows; 0 for never.
        gpus: How many GPUs it was placed on; it uses the first. 0 to go by the config's `gpu_devices`.

    Returns:
        What was done.

    Raises:
        ConfigError: If the config or a parameter breaks a rule, or GPUs are missing that it was placed on.
        DataError: If the project or the model cannot be used, or no item carries a wanted tag.
        StorageError: If a place cannot be written, which is found out before the network runs.
        TooManySkippedError: If more images are skipped than `max_bad`, or all; no project is written.
    """
    settings = load_config(config)
    _check(data_root, project_name, max_item_pixels, model, model_uri)
    source = open_project(project)
    for place in (join_uri(data_root, FOLDER), predictions):
        check_writable(place)
    rows = [] if allow_empty and not len(source) else choose_items(source, image_tags)
    rows = Shard.parse(shard).rows(source, rows)
    budget = SkipBudget(max_bad, len(rows), allow_empty=allow_empty)
    budget.check_expected(expected_skips(source, rows, settings.mode))
    with local_model(resolve_model(model_uri).uri or str(model), settings.runtime) as folder:
        classes = plan_classes(source.meta, read_config(folder).class_infos, settings, project_name)
        warn_of_differences(folder, (source.item(row) for row in rows))
        run = None if not rows else _opened(settings, folder, data_root, max_item_pixels, gpus)
        with manifest_writer(predictions, classes.meta) as writer:
            report = _infer(source, rows, run, classes, writer, budget)
            writer.history = (*read_history(project), report.stage_run())
    log.info(
        "%d scenes, %d of them done before, %.1f megapixels in %.1f s, %.1f s of it in the network",
        report.scenes,
        report.reused,
        report.megapixels,
        report.seconds,
        report.network_seconds,
    )
    return report


def _check(data_root: str, project_name: str, max_item_pixels: int, model: Path | str | None, model_uri: str) -> None:
    for name, value in (("data_root", data_root), ("project_name", project_name)):
        if not value:
            raise ConfigError(f"{name}: is empty; give one")
    if max_item_pixels < 0:
        raise ConfigError(f"max_item_pixels: {max_item_pixels} is negative; use 0 to cut no image")
    if bool(model) == bool(model_uri):
        given = "both" if model else "none"
        raise ConfigError(
            f"model, model_uri: {given} is given; give the artifact of a training, or the URI of a model's folder"
        )


def _opened(
    config: InferenceConfig, model: Path, data_root: str, max_item_pixels: int, gpus: int
) -> tuple[RunSettings, NetworkPredictor]:
    """What all scenes share, and the network on its device."""
    opened = _onnx(model, gpus) if config.runtime == "onnx" else _torch(config, model, gpus)
    device, described, mode = opened.device, opened.described, config.mode
    if device.type == "cpu":
        keep_freed_memory()
    predictor = NetworkPredictor(
        opened.network, described.size, device, opened.precision, mode.flips, described.temperature, mode.scales
    )
    settings = RunSettings(
        config=config,
        channels=len(described.classes),
        batch_size=choose_batch_size(predictor, config, device, len(described.bands)),
        model=network_digest(model, config.runtime),
        arithmetic=FOLDED if (config.runtime, device.type) == ("torch", "cpu") else "",
        data_root=absolute_uri(data_root),
        max_item_pixels=max_item_pixels,
        thresholds=thresholds_of(config, described),
        bands=described.bands,
    )
    return settings, predictor


class _OpenedModel(NamedTuple):
    """A network, what its folder says of it, where it computes, and in which numbers."""

    network: nn.Module
    described: ModelConfig
    device: torch.device
    precision: str


def _torch(config: InferenceConfig, model: Path, gpus: int) -> _OpenedModel:
    loaded = load_model(model)
    check_scales(config.mode.scales, loaded.config.size, loaded.network.why_no_window)
    device = choose_device(usable_devices(gpus, config.gpu_devices))
    network = folded(loaded.network) if device.type == "cpu" else loaded.network
    return _OpenedModel(network, loaded.config, device, config.precision)


def _onnx(model: Path, gpus: int) -> _OpenedModel:
    from components.core.network.onnx_network import load_onnx_network  # onnxruntime, for those who use it

    if gpus:
        log.warning(
            "%s: runtime: 'onnx' computes on the CPU, and this step was placed on %d GPU(s), which stay idle; use the "
            "runtime 'torch', or place the step on none (accelerators in node_pools.yaml)",
            WHERE,
            gpus,
        )
    network, described = load_onnx_network(model)
    log.info("inference by onnxruntime on the CPU")
    return _OpenedModel(network, described, torch.device("cpu"), "float32")


def _infer(
    source: Project,
    rows: Sequence[int],
    run: tuple[RunSettings, NetworkPredictor] | None,
    classes: ClassPlan,
    writer: ManifestWriter,
    budget: SkipBudget,
) -> InferenceResult:
    """Do all scenes; `run` is None where there is none."""
    tally = Tally()
    started = time.perf_counter()
    network_seconds = 0.0
    if run is not None:
        settings, predictor = run
        predicted = predicted_classes(classes.predicted, settings.channels, settings.thresholds)
        scenes = ((source.label(row), partial(_prepared, source, row, settings)) for row in rows)
        for label, finish in progress(run_scenes(scenes, predictor, settings.thresholds), len(rows), "scenes"):
            with budget.tolerated(label):
                job = finish()
                parts = [files.part for files in job.files]
                # All of them first: a scene that fails half-way leaves nothing of itself.
                items = list(predicted_items(job.item, classes, parts, job.extents, job.plan.inputs(), predicted))
                for item in items:
                    writer.add(item)
                reused = job.reused or job.inferred
                tally.add(job.pixels, job.classified_pixels, job.skipped_windows, reused=reused)
        network_seconds = predictor.seconds
    return tally.report(writer.count, time.perf_counter() - started, network_seconds, tuple(budget.skipped))


def _prepared(source: Project, row: int, settings: RunSettings) -> SceneInference:
    return prepare(source.item(row), settings)
