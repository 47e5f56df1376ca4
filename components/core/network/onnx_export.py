"""Writes a network as an ONNX file that onnxruntime and the QGIS plug-in Deepness run, checked against PyTorch."""

from __future__ import annotations

import copy
import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from components.core.documents.inference_modes import SlidingWindowMode
from components.core.errors import DataError, StorageError
from components.core.geometry import Size
from components.core.models import ONNX_FILE
from components.core.network.description import ModelConfig
from components.core.network.segmentation import SegmentationNetwork
from components.core.storage import not_written

LARGEST_DIFFERENCE = 1e-4
"""Of probabilities between onnxruntime and PyTorch, both in float32."""

OPSET = 18
IR_VERSION = 8
"""Versions of ONNX that onnxruntime reads since 1.14, of early 2023: what runs plug-ins is often old."""

CHECKED_WINDOWS = 2
GRAINS_PX = (1, 4, 16, 64)
"""Of the noise that the file is checked with: what varies from pixel to pixel, and what is as large as buildings."""

TALKATIVE = ("onnx_ir", "onnxscript", "torch.onnx")
"""Loggers that tell every step of an export."""

log = logging.getLogger(__name__)


class _Probabilities(nn.Module):
    """What the file holds: from standardised pixels to probabilities."""

    def __init__(self, network: SegmentationNetwork, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, image: Tensor) -> Tensor:
        return torch.softmax(self.network.segment(image) / self.temperature, dim=1)


def write_onnx_or_warn(
    folder: Path, network: SegmentationNetwork, config: ModelConfig, gsd_m: float | None = None
) -> None:
    """Write `model.onnx` into a model folder; where that fails, the model is whole without it, and the log says why.

    Args:
        folder: Of the model.
        network: The trained network, on any device.
        config: Its description.
        gsd_m: Side of a pixel of its input on the ground; None where that is not known.

    Raises:
        StorageError: If the disk cannot take the file.
    """
    path = folder / ONNX_FILE
    try:
        difference = write_onnx(path, network, config, gsd_m)
    except StorageError:
        raise
    except Exception as error:  # an exporter can fail in any way, and a training took hours
        path.unlink(missing_ok=True)
        reason = " ".join(str(error).split())[:400] or type(error).__name__
        log.warning(
            "%s is not written, and the model is whole without it: %s. onnxruntime and QGIS cannot run this model; "
            '"onnx": false in the training config leaves the file out without this warning',
            ONNX_FILE,
            reason,
        )
        return
    log.info("%s differs from torch by %.1e at most", ONNX_FILE, difference)
    if config.size.height != config.size.width:
        log.warning("%s is for windows of %s px, and Deepness in QGIS takes square ones alone", ONNX_FILE, config.size)


def write_onnx(path: Path, network: SegmentationNetwork, config: ModelConfig, gsd_m: float | None = None) -> float:
    """Write a network as one ONNX file, and see that onnxruntime computes what PyTorch does.

    Its input `image` is (N, bands, H, W) float32, value / 255 minus the config's mean, over its standard deviation, as
    Deepness feeds it by the file's metadata; its output `probabilities` is (N, classes, H, W) float32. N is free, H and
    W are the config's input size. Batch normalisation is folded into the convolutions.

    Args:
        path: Of the file.
        network: On any device; it stays as it is.
        config: Its description.
        gsd_m: Side of a pixel of its input on the ground; None where that is not known.

    Returns:
        The largest difference of a probability.

    Raises:
        DataError: If it is above `LARGEST_DIFFERENCE`.
        StorageError: If the file cannot be written.
    """
    from components.core.network.onnx_network import OnnxNetwork  # onnxruntime, for those who write or run such files

    network = copy.deepcopy(network).cpu().float().eval()
    _export(network, config, path, deepness_metadata(config, gsd_m))
    pixels = _noise(config.size, len(config.normalisation.mean))
    with torch.inference_mode():
        logits = OnnxNetwork(path.read_bytes(), config, ONNX_FILE)(pixels), network(pixels)
        found, expected = ((entry / config.temperature).softmax(dim=1) for entry in logits)
        difference = float((found - expected).abs().max())
    if not difference <= LARGEST_DIFFERENCE:  # NaN is no smaller
        raise DataError(
            f"its probabilities differ from those of torch by {difference:.1e}, above {LARGEST_DIFFERENCE:g}: rounding "
            "is blown up by weights that are very large"
        )
    return difference


def deepness_metadata(config: ModelConfig, gsd_m: float | None) -> dict[str, str]:
    """What Deepness reads of a file, as JSON texts by its keys.

    Source: https://qgis-plugin-deepness.readthedocs.io/en/latest/creators/creators_add_metadata_to_model.html, and for
    `tile_size` the plug-in's source, since its page calls it otherwise.

    Args:
        config: The network's description.
        gsd_m: Side of a pixel of its input on the ground; None where that is not known, which leaves `resolution` out.
    """
    size, window = config.size, SlidingWindowMode()
    values: dict[str, Any] = {
        "model_type": "Segmentor",
        "class_names": {str(index): entry.title for index, entry in enumerate(config.classes)},
        "tiles_overlap": round(100 * window.min_overlap.x / window.window.width),  # in percent
        "standardization_mean": list(config.normalisation.mean),
        "standardization_std": list(config.normalisation.std),
        # The most probable class always reaches it, so that the class is the same as here.
        "seg_thresh": math.floor(100 / len(config.classes)) / 100,
        "seg_small_segment": 0,  # nothing is smoothed
    }
    if size.height == size.width:
        values["tile_size"] = size.width
    if gsd_m is not None:
        values["resolution"] = round(100 * gsd_m, 4)  # in centimetres
    return {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}


def _export(network: SegmentationNetwork, config: ModelConfig, path: Path, metadata: dict[str, str]) -> None:
    # Two of them: an export with one would take the batch's size for fixed.
    image = torch.zeros(CHECKED_WINDOWS, len(config.normalisation.mean), config.size.height, config.size.width)
    with _quiet():
        program = torch.onnx.export(
            _Probabilities(network, config.temperature).eval(),
            (image,),
            dynamo=True,
            input_names=["image"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise DataError("torch.onnx.export gave nothing")
    model = program.model
    model.ir_version = IR_VERSION
    model.metadata_props.update(metadata)
    model.graph.metadata_props.clear()
    for node in model.graph:
        node.metadata_props.clear()  # where in the source code it comes from
    try:
        program.save(path, external_data=False)
    except OSError as error:
        raise not_written(path, path.parent, error) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Let only warnings of the export through."""
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _noise(size: Size, bands: int) -> Tensor:
    """(N, bands, H, W) uint8: noise of several grains, the same in every run."""
    drawn = torch.Generator().manual_seed(0)
    total = torch.zeros(CHECKED_WINDOWS, bands, size.height, size.width)
    for grain in GRAINS_PX:
        shape = (CHECKED_WINDOWS, bands, -(-size.height // grain), -(-size.width // grain))
        coarse = torch.rand(shape, generator=drawn)
        total += nn.functional.interpolate(coarse, scale_factor=grain)[..., : size.height, : size.width]
    return (total * (255 / len(GRAINS_PX))).to(torch.uint8)
