"""Encoder weights: from torchvision's ImageNet collection, from a file, or none."""

from __future__ import annotations

import hashlib
import logging
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from components.core.errors import DataError
from components.core.listing import first_names
from components.core.network.encoders import NO_WEIGHTS, RGB_BANDS, torchvision_name
from components.core.network.vgg import VggEncoder

ENCODER_PREFIX = "encoder."
FEATURES_PREFIX = "features."

_FORBIDDEN = re.compile(r"\bGLOBAL[: ]+(?:GLOBAL )?(\w+\.[\w.]+)", re.IGNORECASE)
"""Where PyTorch names what a pickle wanted to call."""

_HASHED_NAME = re.compile(r"-([0-9a-f]{8,64})\.")
"""torchvision's names of files, such as "vgg16_bn-6c64b313.pth"."""

log = logging.getLogger(__name__)


def imagenet_state(encoder: str) -> Mapping[str, Tensor]:
    """Fetch torchvision's ImageNet weights of an encoder, from its cache or over the network.

    The file's name ends with the first digits of its SHA-256; a file in the cache that is another, or was cut off, is
    fetched again.

    Raises:
        ConfigError: If the encoder has no ImageNet weights.
        DataError: If they cannot be downloaded, or hold something else.
    """
    name = torchvision_name(encoder)
    from torchvision.models import get_model_weights  # only this source of weights needs torchvision

    return read_state(hub_file(next(iter(get_model_weights(name))).url))


def hub_file(url: str) -> Path:
    """The file of a URL in PyTorch's cache, downloaded where it is not there or is not what its name says.

    Args:
        url: Its name ends with a dash and the first digits of the content's SHA-256.

    Raises:
        DataError: If it cannot be downloaded, or is not what its name says.
    """
    file = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    found = _HASHED_NAME.search(file.name)
    if found is None:
        raise DataError(f"encoder_weights: {url}: the name holds no digest to check the file by; give a file instead")
    try:
        if file.is_file() and not _sha256(file).startswith(found[1]):
            log.warning("encoder_weights: %s: checksum mismatch; downloading it again", file)
            file.unlink()
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(file), hash_prefix=found[1], progress=False)
    except (URLError, OSError, RuntimeError) as error:
        raise DataError(
            f"encoder_weights: {url} cannot be downloaded ({error}); fetch the file elsewhere and give "
            f"its path or URI as encoder_weights, or train from {NO_WEIGHTS!r}"
        ) from error
    return file


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read_state(path: Path) -> dict[str, Tensor]:
    """Read named tensors from a `.safetensors` file or a PyTorch state dict; runs no code of the file.

    Args:
        path: The local file.

    Returns:
        Tensors by name, on the CPU.

    Raises:
        DataError: If the file is missing, cannot be read or holds something else.
    """
    if not path.is_file():
        raise DataError(f"weights: {path} is not a file; give a .safetensors file or a PyTorch state dict (.pth)")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else load_pickle(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise DataError(
            f"weights: {path} cannot be read ({error}); it must be a whole .safetensors file or a PyTorch state "
            "dict that holds tensors only"
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise DataError(f"weights: {path} holds no state dict; save one with torch.save(model.state_dict(), path)")
    return state


def load_pickle(path: Path | str) -> Any:
    """Read what torch.save wrote: tensors and plain values on the CPU; runs no code of the file.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is broken, or holds anything else; says so in one line.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except pickle.UnpicklingError as error:
        found = _FORBIDDEN.search(str(error))
        if found is None:
            raise ValueError("it is broken, or no file of torch.save") from error
        raise ValueError(
            f"it holds more than tensors and plain values: {found.group(1)}, which could run code"
        ) from error
    except Exception as error:  # a broken pickle or archive can make its reader raise anything
        said = str(error).partition("\n")[0].partition(". ")[0]
        raise ValueError(f"it is broken: {said or type(error).__name__}") from error


def load_encoder_state(encoder: VggEncoder, state: Mapping[str, Tensor], source: str) -> None:
    """Copy weights named as torchvision's `features.N.*` into an encoder.

    Args:
        encoder: The encoder to fill.
        state: Tensors by name; a leading `encoder.` is dropped, other names are left out.
        source: Where they come from, for messages.

    Raises:
        DataError: As `load_checked`.
    """
    features = {}
    for name, value in state.items():
        short = name.removeprefix(ENCODER_PREFIX)
        if short.startswith(FEATURES_PREFIX):
            features[short] = value
    load_checked(encoder, widened(encoder, features, source), source)
    log.info("encoder weights from %s", source)


def widened(encoder: nn.Module, state: Mapping[str, Tensor], source: str) -> Mapping[str, Tensor]:
    """Weights for images of three bands, made fit for an encoder of more.

    Kernels of red, green and blue stay; further bands get their mean, as temporal segment networks start on optical
    flow from ImageNet (Wang et al., 2016, "Temporal Segment Networks", section 3.2). An image whose further bands are
    grey is then seen as before, but for a larger share of brightness.

    Args:
        encoder: To be filled.
        state: Tensors by the encoder's names.
        source: Where they come from, for the log.

    Returns:
        The same, with wider first kernels where the encoder's are wider.
    """
    result = dict(state)
    for name, wanted in encoder.state_dict().items():
        given = result.get(name)
        if given is None or given.dim() != 4 or wanted.dim() != 4:
            continue
        further = wanted.shape[1] - RGB_BANDS
        if given.shape[1] == RGB_BANDS and further > 0 and wanted.shape[::2] == given.shape[::2]:
            result[name] = torch.cat([given, given.mean(1, keepdim=True).expand(-1, further, -1, -1)], dim=1)
            log.info("%s of %s: %d further bands get the mean of red, green and blue", name, source, further)
    return result


def load_checked(module: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Copy named tensors into a module after checking all of them.

    Args:
        module: The module to fill.
        state: Tensors by name.
        source: Where they come from, for messages.

    Raises:
        DataError: If a tensor is missing, left over, of another shape, or holds NaN or infinity.
    """
    expected = module.state_dict()
    # Files older than PyTorch 0.4.1 lack the counters, which only matter without momentum.
    missing = [name for name in expected if name not in state and not name.endswith("num_batches_tracked")]
    if missing:
        raise DataError(
            f"weights: {source} lacks {first_names(missing, most=3)}; the file must hold the weights of the "
            "configured encoder and classes"
        )
    unknown = [name for name in state if name not in expected]
    if unknown:
        raise DataError(
            f"weights: {source} holds {first_names(unknown, most=3)}, which this network does not have; check `encoder`"
        )
    for name, value in state.items():
        if value.shape != expected[name].shape:
            raise DataError(
                f"weights: {source}: {name} has shape {tuple(value.shape)}, this network needs "
                f"{tuple(expected[name].shape)}; use the weights of the configured encoder"
            )
    check_finite(state, source)
    module.load_state_dict(dict(state), strict=False)


def check_finite(state: Mapping[str, Tensor], source: str) -> None:
    """Refuse weights that are not finite numbers.

    Raises:
        DataError: If a tensor holds NaN or infinity; the message names the tensor.
    """
    for name, value in state.items():
        if value.is_floating_point():
            bad = value.numel() - int(torch.isfinite(value).sum())
            if bad:
                raise DataError(
                    f"weights: {source}: {name} holds {bad} of {value.numel()} values that are NaN or infinite; "
                    "use a file from a training that did not diverge"
                )
