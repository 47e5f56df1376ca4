"""A network after its training, on the device that it was trained on: what it makes of validation windows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from components.core.network.segmentation import SegmentationNetwork
from components.train_unet.calibration import Calibration, CalibrationMeasures
from components.train_unet.dataset import Sample, WindowDataset
from components.train_unet.devices import DevicePlan
from components.train_unet.history import History

log = logging.getLogger(__name__)


@contextmanager
def trained_network(network: SegmentationNetwork, plan: DevicePlan) -> Iterator[Callable[[Tensor], Tensor]]:
    """Give what maps (N, bands, H, W) windows to (N, C, H, W) logits on the device.

    Args:
        network: The trained one, on the CPU and in evaluation mode, as it is again afterwards.
        plan: Where it computes.
    """
    device = torch.device(f"cuda:{plan.devices[0]}" if plan.accelerator == "gpu" else "cpu")

    @torch.inference_mode()
    def logits(window: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=plan.precision == "bf16-mixed"):
            found: Tensor = network(window.to(device))
        return found.float()

    network.to(device)
    try:
        yield logits
    finally:
        network.to("cpu")


def read_samples(dataset: WindowDataset, positions: Iterator[int]) -> Iterator[tuple[int, Sample]]:
    """Samples at some positions, without those that cannot be read."""
    for position in positions:
        sample = dataset[position]
        if not sample.unreadable:
            yield position, sample


def calibrate_best(history: History, network: SegmentationNetwork, val: WindowDataset, plan: DevicePlan) -> None:
    """See that the history has what the best validation tells of probabilities.

    That of a release which knew nothing of it has not, where a training goes on from its checkpoint: then the
    validation windows are looked at once more, with the weights of that validation.

    Args:
        history: Of the training.
        network: With its best weights.
        val: The validation windows.
        plan: Where the network computes.
    """
    best = history.best()
    if best.step in history.calibrations:
        return
    log.info("the best validation is of an earlier release: what it tells of probabilities is found now")
    found = _calibration(network, val, plan)
    history.calibrations[best.step] = found and Calibration.of_json(found.as_json())  # as a checkpoint keeps it


def _calibration(network: SegmentationNetwork, val: WindowDataset, plan: DevicePlan) -> Calibration | None:
    with trained_network(network, plan) as logits:
        measures = CalibrationMeasures(network.classes)
        for _, sample in read_samples(val, iter(range(len(val)))):
            found = logits(sample.image[None])
            measures.to(found.device).update(found, sample.mask[None].to(found.device))
    return measures.compute().calibration()
