"""Makes `components/core/network/smp.json` anew: `python -m tests.components.core.network.smp_table`, some minutes.

Needed where `make lock` brought another version of segmentation_models_pytorch.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch

from components.core.network import smp_names

FILE = Path(smp_names.__file__).with_name("smp.json")

SIDE = 256
"""Of a window that every decoder can take."""


def offered() -> dict[str, Any]:
    """What is installed: its version, decoders, and encoders with the names of their weights."""
    return {
        "version": smp.__version__,
        "decoders": [f"{smp_names.PREFIX}{kind.__name__}" for kind in smp.MODEL_ARCHITECTURES_MAPPING.values()],
        "encoders": {name: sorted(entry["pretrained_settings"]) for name, entry in smp.encoders.encoders.items()},
    }


def works(decoder: str, encoder: str) -> bool:
    """Whether a network can be built, and gives logits; without memory, where the encoder knows how to do without."""
    for device in ("meta", "cpu"):
        try:
            with torch.device(device):
                model = getattr(smp, decoder.removeprefix(smp_names.PREFIX))(
                    encoder, encoder_weights=None, in_channels=3, classes=3
                ).eval()
                return model(torch.zeros(1, 3, SIDE, SIDE)).shape == (1, 3, SIDE, SIDE)
        except Exception as error:  # whatever the package and timm raise
            if "meta tensors" not in str(error):
                return False
    return False


def table() -> dict[str, Any]:
    """The content of the file."""
    found = offered()
    refused = {
        decoder: [encoder for encoder in found["encoders"] if not works(decoder, encoder)]
        for decoder in found["decoders"]
    }
    return found | {"refused": {decoder: encoders for decoder, encoders in refused.items() if encoders}}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    FILE.write_text(json.dumps(table(), indent=1) + "\n", encoding="utf-8")
