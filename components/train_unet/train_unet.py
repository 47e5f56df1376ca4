"""Trains a network on the items of a project and writes the model as a folder."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from components.core.champion import resolve_model
from components.core.documents.start import CONTINUE, check_start
from components.core.documents.training import TrainConfig, load_config
from components.core.documents.tutorial import TRAIN_CONFIG
from components.core.drift import TrainingStatistics
from components.core.imagery_facts import IMAGERY, ImageryFacts, facts_of_items, seen_gsd_m
from components.core.models import DATA_FILE, HISTORY_FILE, METRICS_FILE, STATISTICS_FILE, placed_model
from components.core.network.allocator import keep_freed_memory
from components.core.network.architectures import architecture_spec, names_weights
from components.core.network.classes import mask_values, model_classes
from components.core.network.description import ModelConfig
from components.core.network.encoders import NO_WEIGHTS
from components.core.network.gpus import usable_devices
from components.core.network.model_artifact import LoadedModel, load_model, save_model
from components.core.network.onnx_export import write_onnx_or_warn
from components.core.network.segmentation import SegmentationNetwork
from components.core.network.weights import read_state
from components.core.project import Project, open_project
from components.core.project.fetching import local_project
from components.core.skip_budget import check_max_bad
from components.core.storage import (
    get_file,
    get_tree,
    is_remote,
    join_uri,
    parse_uri,
    scratch_folder,
    suffix_of,
)
from components.train_unet.afterwards import calibrate_best
from components.train_unet.bare_ground import NO_GROUND, find_bare_ground
from components.train_unet.calibration import Calibration
from components.train_unet.checkpoint_store import CheckpointStore
from components.train_unet.data import Datasets
from components.train_unet.dataset import WindowDataset, rows_with_tag
from components.train_unet.devices import DevicePlan, device_of_process, plan_devices
from components.train_unet.identity import check_same, checkpoint_store, common_identity, identity_of, key_of
from components.train_unet.leak import mirrored_items
from components.train_unet.peers import ALONE, Peers
from components.train_unet.places import check_places
from components.train_unet.statistics import training_statistics
from components.train_unet.training import Fitted, fit
from components.train_unet.watched import WatchedWindows

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training gave.

    Attributes:
        model: The model's folder or URI.
        thresholds: What its config says: of probabilities, by class.
        metrics: Content of its `metrics.json`.
        history: Content of its `history.json`: rows {step, epoch, phase, loss, accuracy, dice, iou, lr}.
        watched: Some validation windows as the network saw them.
    """

    model: str
    thresholds: dict[str, float]
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    watched: WatchedWindows

    def scalars(self) -> dict[str, float]:
        """The best validation's measures by a flat name, for a table."""
        return (
            {f"val_{name}": value for name, value in self.metrics["val"].items()}
            | {
                "best_epoch": self.metrics["best_epoch"],
                "steps": self.metrics["steps"],
            }
            | self._calibration()
        )

    def _calibration(self) -> dict[str, float]:
        """The temperature, and the calibration error of the model as it is."""
        told = self.metrics["calibration"]
        if told is None:
            return {}
        model = told["calibrated" if told["used"] else "plain"]
        return {"temperature": told["temperature"] if told["used"] else 1.0, "val_calibration_error": model["error"]}


def train(
    project: Path | str,
    model_dir: Path | str,
    *,
    config: Path | str | dict[str, Any] = TRAIN_CONFIG,
    encoder_weights: str = "",
    initial_model: Path | str = "",
    work_dir: Path | str | None = None,
    events_dir: Path | str | None = None,
    max_bad: int = 0,
    gpus: int = 0,
    peers: Peers = ALONE,
) -> TrainingResult:
    """Train a network on a project.

    Args:
        project: Directory or URI of the project; the config's image tags choose its items.
        model_dir: Folder or URI where the model appears when it is whole.
        config: The training config: JSON text, a path or the parsed document; merged over the defaults.
        encoder_weights: Instead of the config's: "imagenet", "none", or a path or URI; empty keeps the config's.
        initial_model: Folder or URI of a trained model to start from, or of a pointer to it; empty for none.
        work_dir: Folder or URI for checkpoints, in a folder of each training's own, so that a killed training goes on
            when it is started again with the same config and data; None keeps none. They are removed when the model is
            written, not sooner: a training that is killed at its end has it to go on from.
        events_dir: Folder or URI for TensorBoard's event files, in a folder of each training's own; None for none. An
            MLflow run that the environment names gets the curves, too.
        max_bad: How many images may turn out to be broken only now that all their pixels are read; the items that are
            cut from them are skipped. The config's `allow_corrupted_samples` counts items instead.
        gpus: How many GPUs it was placed on and uses; 0 for those of the config's `gpu_devices` that exist.
        peers: The processes that train together, where they were started elsewhere, such as by torchrun: each uses the
            GPU of its number on its machine. All but the first leave the block of `peers` when they have trained.

    Returns:
        Where the model lies, its metrics and its history.

    Raises:
        ConfigError: If the config breaks a rule, `max_bad` is negative, GPUs are missing that it was placed on, the
            loss stops being a number, or processes were started on different things.
        DataError: If items, weights or the initial model cannot be used.
        TooManySkippedError: If more images and more items than allowed cannot be read.
        StorageError: If a place cannot be written, which is found out before the training.
        SystemExit: After a SIGTERM, once a checkpoint is written; with 143.
    """
    check_max_bad(max_bad)
    check_places(model_dir, {"work_dir": work_dir, "events_dir": events_dir}, peers)
    settings = load_config(config)
    if encoder_weights:
        settings = settings.model_copy(update={"encoder_weights": encoder_weights})
    with local_project(project) as folder, scratch_folder("train_unet") as scratch:
        source = open_project(folder)
        special = settings.special_classes
        classes = model_classes(source.meta.classes, special.background, special.neutral)
        described = ModelConfig.of(
            settings.encoder,
            classes,
            special.background,
            special.neutral,
            settings.input_size.size,
            settings.architecture,
            settings.bands,
        )
        datasets = _datasets(source, settings, mask_values(classes, special.neutral), max_bad)
        plan = _plan(settings, gpus, peers)
        if datasets.windows < plan.world:
            log.warning(
                "%s training windows for %s processes: some learn from the same in each step; start fewer processes",
                datasets.windows, plan.world,
            )  # fmt: skip
        initial = _initial_model(initial_model, scratch)
        network = build_network(settings, described, initial, scratch)
        common: dict[str, str] = {}
        if work_dir is not None or events_dir is not None or peers.world > 1:
            common = common_identity(settings, source, network, plan)
            check_same(common, peers)
        store, events = _kept(work_dir, events_dir, common, datasets, peers)
        fitted = fit(network, datasets, settings, plan, store, max_bad, events, peers)
        calibrate_best(fitted.history, fitted.network, datasets.val, plan)
        described = _calibrated(described, fitted.history.calibration, settings.calibrate)
        statistics = training_statistics(fitted.network, datasets.train, datasets.val, plan, described.temperature)
        with placed_model(model_dir) as made:
            result = _write(made, str(model_dir), fitted, settings, described, source, datasets, plan, statistics)
    best = fitted.history.best()
    log.info("model of epoch %.2f (validation IoU %.4f) in %s", best.epoch, best.iou, model_dir)
    if store is not None:
        store.remove()
    return result


def _plan(config: TrainConfig, gpus: int, peers: Peers) -> DevicePlan:
    if peers.is_launched:
        device = device_of_process(peers.local_rank, gpus, config.gpu_devices)
        plan = replace(plan_devices(device, config.precision), launched=peers.world)
    else:
        plan = plan_devices(usable_devices(gpus, config.gpu_devices), config.precision)
    if plan.accelerator == "cpu":
        keep_freed_memory()
    return plan


def _kept(
    work_dir: Path | str | None,
    events_dir: Path | str | None,
    common: Mapping[str, str],
    datasets: Datasets,
    peers: Peers,
) -> tuple[CheckpointStore | None, str]:
    """The training's checkpoints, and the folder of its curves, as the first process finds them."""
    if work_dir is None and events_dir is None:
        return None, ""
    identity = identity_of(common, datasets) if peers.is_first else {}
    key = peers.agree(key_of(identity))
    events = "" if events_dir is None else join_uri(str(events_dir), key)
    if work_dir is None:
        return None, events
    if peers.is_first:
        return checkpoint_store(work_dir, identity), events
    return CheckpointStore(join_uri(str(work_dir), key)), events


def _datasets(project: Project, config: TrainConfig, values: dict[str, int], max_bad: int) -> Datasets:
    size = config.input_size.size
    train_rows = rows_with_tag(project, config.dataset_tags.train, "train")
    val_rows = rows_with_tag(project, config.dataset_tags.val, "val")
    log.info("%s training and %s validation items of %s", len(train_rows), len(val_rows), project.meta.name)
    replacements, pads, bands = config.allow_corrupted_samples.train, config.pad == "reflect", tuple(config.bands)
    ground = find_bare_ground(project, train_rows.tolist()) if config.negatives else NO_GROUND
    datasets = Datasets(
        WindowDataset(
            project,
            train_rows,
            values,
            size,
            replacements,
            other_images=max_bad,
            pads=pads,
            bare_ground=ground,
            bands=bands,
        ),
        WindowDataset(project, val_rows, values, size, pads=pads, bands=bands),
        config.negatives,
    )
    if config.negatives:
        taken = datasets.backgrounds.taken
        log.info("%d windows of bare ground in each epoch, %.1f %% of all", taken, 100 * taken / datasets.windows)
    return datasets


def _initial_model(place: Path | str, scratch: Path) -> LoadedModel | None:
    if not str(place):
        return None
    uri = resolve_model(str(place)).uri
    folder = parse_uri(uri).path
    if is_remote(uri):
        folder = scratch / "initial_model"
        get_tree(uri, folder)
    return load_model(folder)


def build_network(
    config: TrainConfig, described: ModelConfig, initial: LoadedModel | None, scratch: Path
) -> SegmentationNetwork:
    """Build a network with the weights that the training starts from.

    Args:
        config: The training config.
        described: What the trained model will say of itself.
        initial: A trained model to start from; None starts from the config's encoder weights.
        scratch: An existing folder for downloads.

    Returns:
        The network, float32, on the CPU; layers without given weights are drawn by the config's seed.

    Raises:
        ConfigError: If the config does not go with the initial model, or with there being none.
        DataError: If weights cannot be used.
    """
    titles = [entry.title for entry in described.classes]
    check_start(config, titles, None if initial is None else initial.config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = architecture_spec(config.architecture).build(
            len(described.classes), config.encoder, len(described.bands)
        )
    network.check_window(described.size)
    with torch.no_grad():
        network.last_layer.weight.mul_(config.head_scale)
    if initial is None:
        _load_encoder(network, config, scratch)
        return network
    state = initial.network.state_dict()
    if config.weights_init_type != CONTINUE:
        state = {name: value for name, value in state.items() if not name.startswith(f"{network.head_name}.")}
    network.load_state_dict(state, strict=False)
    return network


def _load_encoder(network: SegmentationNetwork, config: TrainConfig, scratch: Path) -> None:
    place = config.encoder_weights
    if place == NO_WEIGHTS:
        log.info("encoder weights drawn by seed %s", config.seed)
        return
    if names_weights(config.architecture, place):
        network.load_encoder(network.named_weights(place), place)
        return
    path = parse_uri(place).path
    if is_remote(place):
        path = scratch / f"encoder{suffix_of(place)}"
        get_file(place, path)
    network.load_encoder(read_state(path), place)


def _write(
    folder: Path,
    place: str,
    fitted: Fitted,
    config: TrainConfig,
    described: ModelConfig,
    project: Project,
    datasets: Datasets,
    plan: DevicePlan,
    statistics: TrainingStatistics,
) -> TrainingResult:
    best, calibration = fitted.history.best(), fitted.history.calibration
    metrics = {
        "val": {"loss": best.loss, "accuracy": best.accuracy, "dice": best.dice, "iou": best.iou},
        "calibration": calibration and {**calibration.as_json(), "used": config.calibrate},
        "best_step": best.step,
        "best_epoch": best.epoch,
        "steps": fitted.steps,
        "epochs": config.epochs,
        "devices": plan.message,
        "precision": plan.precision,
        "items": {"train": len(datasets.train), "val": len(datasets.val)},
        "mirrored_validation_items": mirrored_items(datasets.train, datasets.val),
        "corrupted_samples": [entry.as_json() for entry in fitted.history.unreadable],
    }
    data = {
        "project": project.meta.name,
        "digest": project.digest(),
        "items": {"train": len(datasets.train), "val": len(datasets.val)},
        "training_config": config.model_dump(mode="json"),
        IMAGERY: ImageryFacts.of(facts_of_items(project.item(int(row)) for row in datasets.train.rows)).as_json(),
    }
    rows = [asdict(row) for row in fitted.history.rows]
    documents = {METRICS_FILE: metrics, DATA_FILE: data, HISTORY_FILE: rows, STATISTICS_FILE: statistics.as_json()}
    more = partial(_write_onnx, fitted.network, described, config, datasets) if config.onnx else None
    save_model(folder, fitted.network, described, documents, more)
    return TrainingResult(place, dict(described.thresholds), metrics, rows, fitted.history.watched)


def _write_onnx(
    network: SegmentationNetwork, described: ModelConfig, config: TrainConfig, datasets: Datasets, folder: Path
) -> None:
    train = datasets.train
    items = (train.project.item(int(row)) for row in train.rows)
    gsd_m = seen_gsd_m(items, train.size, pads=train.pads)
    write_onnx_or_warn(folder, network, described, gsd_m)


def _calibrated(described: ModelConfig, calibration: Calibration | None, is_wanted: bool) -> ModelConfig:
    """The description with what the best validation tells: thresholds, and the temperature where it is wanted."""
    if calibration is None:
        if is_wanted:
            log.warning("the model is not calibrated: its best validation has no pixel that counts")
        return described
    temperature = calibration.temperature if is_wanted else 1.0
    pairs = zip(described.classes[1:], calibration.thresholds, strict=True)
    thresholds = {entry.title: pair[is_wanted] for entry, pair in pairs}
    known = {title: threshold for title, threshold in thresholds.items() if threshold is not None}
    return described.model_copy(update={"temperature": temperature, "thresholds": known})
