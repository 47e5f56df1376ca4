"""The STAC item of a model, in the terms of the Machine Learning Model extension (MLM), made without torch.

Source: https://github.com/stac-extensions/mlm, version 1.5.1. pystac's own classes for it take one scaling for all
bands where the extension wants one a band, so that the fields are written as they are.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pystac import Asset, Item, Link, MediaType

from components.core import storage
from components.core.collection.stac.parts import (
    CLASSIFICATION,
    COLLECTION_FILE,
    DIGEST_CHARACTERS,
    FILE,
    MLM,
    VERSION,
    MaskClass,
    model_place,
)
from components.core.collection.stac.periods import Period
from components.core.errors import DataError
from components.core.imagery.bands import COLOURS
from components.core.json_text import parse_json
from components.core.models import CONFIG_FILE, DATA_FILE, METRICS_FILE, ONNX_FILE, WEIGHTS_FILE

ALWAYS = Period(datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
"""MLM's way to say that a model is not for imagery of a certain time."""

ID = "model-"
"""What the ids of models' items begin with."""

PREDECESSOR, SUCCESSOR = "predecessor-version", "successor-version"
"""Relations of links between models."""

_NOT_LEARNT = ("running_mean", "running_var", "num_batches_tracked")
"""Ends of the names of tensors that are counted or averaged."""

_HEAD_BYTES = 8

_NETWORKS = (
    ("weights", WEIGHTS_FILE, "Weights", "safetensors", "safetensors.torch.save_file"),
    ("onnx", ONNX_FILE, "Network and weights as ONNX", "onnx", "torch.onnx.export"),
)
"""Files that hold the network: key of the asset, name, title, kind, and what writes it."""


def model_item(folder: Path, uri: str, digest: str) -> dict[str, Any]:
    """Describe a model.

    It has no geometry, since where it was trained does not limit where it may be used.

    Args:
        folder: As `train_unet` wrote it, on local disk; `components.core.models.local_model` gives it.
        uri: Where it lies for good, to be named in the item.
        digest: The model's, as `components.core.models.model_digest` gives it.

    Returns:
        The item as JSON, to be written to `model_place(digest)`.

    Raises:
        DataError: If the folder holds no model that this release knows.
    """
    try:
        properties = _properties(folder, digest[:DIGEST_CHARACTERS])
        assets = _assets(folder, uri)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"model: {uri}: cannot be described ({error!r}); give a folder that train_unet of this release wrote"
        ) from error
    item = Item(
        id=f"{ID}{digest[:DIGEST_CHARACTERS]}",
        geometry=None,
        bbox=None,
        **ALWAYS.as_arguments(),
        properties=properties,
        stac_extensions=[CLASSIFICATION, FILE, MLM],
        assets=assets,
    )
    item.add_link(Link("root", f"../{COLLECTION_FILE}", MediaType.JSON))
    return item.to_dict(include_self_link=False, transform_hrefs=False)


def classes_of_model(item: dict[str, Any]) -> tuple[MaskClass, ...]:
    """The classes that `model_item` put into an item.

    Raises:
        KeyError, TypeError, ValueError: If it is no such item.
    """
    (output,) = item["properties"]["mlm:output"]
    return tuple(map(MaskClass.of_json, output["classification:classes"]))


def linked(item: dict[str, Any], relation: str, digest: str) -> dict[str, Any]:
    """The item of a model with a link to that of another one in the same collection, in the place of one it had.

    Source: https://github.com/stac-extensions/version, version 1.2.0, "Relation types".

    Args:
        item: As `model_item` made it, or this.
        relation: `PREDECESSOR` or `SUCCESSOR`.
        digest: Of the other model.

    Raises:
        KeyError, TypeError: If it is no item.
    """
    other = {
        "rel": relation,
        "href": f"./{storage.name_of(model_place(digest))}",
        "type": MediaType.GEOJSON,
        "title": f"{ID}{digest[:DIGEST_CHARACTERS]}",
    }
    return item | {
        "links": [*(link for link in item["links"] if link["rel"] != relation), other],
        "properties": item["properties"] | {"version": item["id"].removeprefix(ID)},
        "stac_extensions": sorted({*item["stac_extensions"], VERSION}),
    }


def _properties(folder: Path, name: str) -> dict[str, Any]:
    config = _document(folder / CONFIG_FILE)
    encoder = config["encoder"]
    facts: dict[str, Any] = {
        "title": f"{config['architecture']} with the encoder {encoder}",
        "bands": _band_fields(config),
        "mlm:name": f"{config['architecture']} {encoder} {name}",
        "mlm:architecture": config["architecture"],
        "mlm:framework": "PyTorch",
        "mlm:tasks": ["semantic-segmentation"],
        "mlm:accelerator": "cuda",
        "mlm:accelerator_constrained": False,
        "mlm:accelerator_summary": "One GPU, or a CPU.",
        "mlm:input": [_input(config)],
        "mlm:output": [_output(config)],
    }
    if (folder / WEIGHTS_FILE).is_file():
        facts["mlm:total_parameters"] = _parameters(folder / WEIGHTS_FILE)
    return facts | _training(folder)


def _bands(config: dict[str, Any]) -> list[str]:
    """What the network sees; only named where it is more than colours."""
    return list(config.get("bands", COLOURS))


def _band_fields(config: dict[str, Any]) -> list[dict[str, str]]:
    """MLM wants them of the item or the weights, and STAC allows them of the item only beside an asset's."""
    return [{"name": band, "data_type": "uint8"} for band in _bands(config)]


def _input(config: dict[str, Any]) -> dict[str, Any]:
    """Pixels 0–255; the config's mean and standard deviation are of pixels / 255."""
    scaling = zip(config["normalisation"]["mean"], config["normalisation"]["std"], strict=True)
    return {
        "name": "image",
        "description": "Windows of imagery, stretched to the size that the network was trained with.",
        "bands": _bands(config),
        "input": {
            "shape": [-1, len(_bands(config)), *_size(config)],
            "dim_order": ["batch", "bands", "height", "width"],
            "data_type": "uint8",
        },
        "value_scaling": [
            {"type": "z-score", "mean": round(255 * mean, 6), "stddev": round(255 * std, 6)} for mean, std in scaling
        ],
        "resize_type": "interpolation-linear",
        "pre_processing_function": None,
    }


def _described_output(temperature: float) -> str:
    divided = "" if temperature == 1.0 else f", once they are divided by {temperature:g},"
    return (
        f"A softmax of the logits{divided} over the classes gives their probabilities. Of model.onnx the output is "
        "these, and the input is divided by 255, less the mean, over the standard deviation."
    )


def _output(config: dict[str, Any]) -> dict[str, Any]:
    classes = [
        MaskClass(value, known["title"], known["color"]).as_json() for value, known in enumerate(config["classes"])
    ]
    return {
        "name": "logits",
        "description": _described_output(config.get("temperature", 1.0)),
        "tasks": ["semantic-segmentation"],
        "result": {
            "shape": [-1, len(classes), *_size(config)],
            "dim_order": ["batch", "class", "height", "width"],
            "data_type": "float32",
        },
        "classification:classes": classes,
        "post_processing_function": None,
    }


def _size(config: dict[str, Any]) -> list[int]:
    return [config["input_size"]["height"], config["input_size"]["width"]]


def _training(folder: Path) -> dict[str, Any]:
    """How it was trained and how good it is, as far as the folder says so."""
    facts: dict[str, Any] = {}
    if (folder / METRICS_FILE).is_file():
        facts["footprints:validation"] = _document(folder / METRICS_FILE)["val"]
    if (folder / DATA_FILE).is_file():
        settings = _document(folder / DATA_FILE)["training_config"]
        facts["mlm:hyperparameters"] = settings
        facts["mlm:pretrained"] = settings["encoder_weights"] != "none"
        source = {"none": None, "imagenet": "ImageNet"}.get(settings["encoder_weights"], settings["encoder_weights"])
        facts["mlm:pretrained_source"] = source
    return facts


def _parameters(weights: Path) -> int:
    """Number of learnt values, from the head of a safetensors file.

    Source: https://huggingface.co/docs/safetensors, "Format": eight bytes of length, then JSON.
    """
    with storage.CountedFile(weights) as file:
        size = int.from_bytes(file.read(_HEAD_BYTES), "little")
        tensors = parse_json(file.read(size))
    return sum(
        math.prod(tensor["shape"])
        for name, tensor in tensors.items()
        if name != "__metadata__" and not name.endswith(_NOT_LEARNT)
    )


def _assets(folder: Path, uri: str) -> dict[str, Asset]:
    place = storage.absolute_uri(uri)
    assets = {}
    for key, name, title, kind, made_by in _NETWORKS:
        if (folder / name).is_file():
            assets[key] = Asset(
                storage.join_uri(place, name),
                title,
                media_type=f"application/octet-stream; application={kind}",
                roles=["mlm:model", "mlm:weights"],
                extra_fields={
                    "bands": _band_fields(_document(folder / CONFIG_FILE)),
                    "mlm:artifact_type": made_by,
                    "file:size": (folder / name).stat().st_size,
                },
            )
    if not assets:
        raise FileNotFoundError(f"{folder} holds no {' and no '.join(name for _, name, *_ in _NETWORKS)}")
    for key, name, title in (("config", CONFIG_FILE, "Config"), ("metrics", METRICS_FILE, "Validation")):
        if (folder / name).is_file():
            assets[key] = Asset(storage.join_uri(place, name), title, media_type=MediaType.JSON, roles=["metadata"])
    return assets


def _document(file: Path) -> dict[str, Any]:
    document = parse_json(file.read_bytes())
    if not isinstance(document, dict):
        raise ValueError(f"{file.name} holds no object")
    return document
