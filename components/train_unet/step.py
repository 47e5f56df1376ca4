"""The stage as a step of a pipeline."""

from __future__ import annotations

from components.core.documents.tutorial import TRAIN_CONFIG
from components.core.step import Artifact, Document, Metrics, document_text, step
from components.core.storage import join_uri
from components.core.storage.mounted import data_root_if_any
from components.train_unet.launch import Launch
from components.train_unet.peers import Peers
from components.train_unet.report import write_report
from components.train_unet.train_unet import train

CHECKPOINTS = "checkpoints"
EVENTS = "tensorboard"
"""Folders of the data root."""


def run(
    project: Artifact,
    model: Artifact,
    metrics: Metrics,
    report: Artifact | None,
    config: Document,
    encoder_weights: str,
    initial_model_uri: str,
    data_root: str,
    work_dir: str,
    max_bad: int,
    gpus: int,
) -> None:
    """Run the stage; see `train`. As one of several processes that torchrun starts, train with the others.

    Args:
        project: The project, a folder or URI; the config's image tags choose its items.
        model: The folder or URI to write, with weights, description, metrics and history.
        metrics: Measures of the best validation; megabytes read and written.
        report: Page of the training curves.
        config: Training config, merged over the defaults; empty for the tutorial's; {"base": "robust"}, or the name
            alone on a command line, for that of steadier and more accurate models.
        encoder_weights: Instead of the config's: imagenet, none, or a path or URI of a weights file.
        initial_model_uri: Folder or URI of a trained model to start from; empty for none.
        data_root: Folder or URI prefix for rasters, which gets checkpoints, in `checkpoints`, and curves for
            TensorBoard, in `tensorboard`; empty for the cluster's own (FOOTPRINTS_DATA_ROOT), and where there is none
            either, none are kept.
        work_dir: Folder or URI prefix for checkpoints instead, such as a mounted volume; empty for that of data_root.
        max_bad: How many images may turn out to be broken when they are read.
        gpus: How many GPUs the step was placed on: it uses all of them, and stops where it sees fewer; 0 for none, or
            to go by the config's `gpu_devices`. Of processes that torchrun starts each uses one.
    """
    peers = Peers(Launch.of_environment())
    with step(metrics if peers.is_first else None, model) as numbers, peers:
        result = train(
            project.path,
            model.path,
            config=document_text(config) or TRAIN_CONFIG,
            encoder_weights=encoder_weights,
            initial_model=initial_model_uri,
            work_dir=work_dir or _in_data_root(data_root, CHECKPOINTS),
            events_dir=_in_data_root(data_root, EVENTS),
            max_bad=max_bad,
            gpus=gpus,
            peers=peers,
        )
        if report is not None:
            write_report(result, report.path)
        numbers.update(result.scalars())


def _in_data_root(data_root: str, folder: str) -> str | None:
    root = data_root_if_any(data_root)
    return join_uri(root, folder) if root else None
