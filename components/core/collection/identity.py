"""Names of scenes, of versions of their imagery, and of ways to detect."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from components.core.hashing import NAME_BYTES, cut_to_bytes, digest
from components.core.project.predictions import METHOD

if TYPE_CHECKING:
    from components.core.documents.inference import InferenceConfig

ID_CHARACTERS = 16
"""Enough that a million images of one name in different folders do not clash."""

STEM_CHARACTERS = 80
NAMELESS = "image"
"""Stands for a stem without a letter or a digit."""

DIGEST_CHARACTERS = 12

_UNSAFE = re.compile(r"[^\w-]+")


def scene_id(key: str) -> str:
    """Name an image by its place, whatever it shows.

    Args:
        key: Of the image, relative to the imagery's prefix, such as "2026/austin7.tif".

    Returns:
        Its stem, for people, shortened where it is long, and a digest of the key; letters, digits, "_" and "-". It does
        not begin with "_": readers of Parquet folders pass over such files.
    """
    stem = cut_to_bytes(_UNSAFE.sub("_", PurePosixPath(key).stem)[:STEM_CHARACTERS], NAME_BYTES)
    return f"{stem.lstrip('_') or NAMELESS}-{digest(key)[:ID_CHARACTERS]}"


def version_of(etag: str, size_bytes: int, sides: Sequence[str] = ()) -> str:
    """Name the content of an image; one whose file, or a file beside it, is replaced by another gets another name.

    Args:
        etag: Of the image.
        size_bytes: Of the image.
        sides: What decides on the content of the files beside it, as `side_digests` gives it.
    """
    return digest(etag, str(size_bytes), *sides)[:DIGEST_CHARACTERS]


def detector_digest(model: str, settings: Mapping[str, Any]) -> str:
    """Name a way to detect.

    Args:
        model: Digest of the model.
        settings: All that decides on the result beside it, by name; JSON texts count by what they say, however they
            are laid out.
    """
    parsed = {name: _parsed(value) for name, value in settings.items()}
    return digest(model, json.dumps(parsed, sort_keys=True, ensure_ascii=False))[:DIGEST_CHARACTERS]


def prediction_digest(network: str, config: InferenceConfig, bands: str, scaling: str) -> str:
    """Name what a network says of imagery, whatever is made of that: footprints are made again without it.

    Args:
        network: Digest of what the runtime reads of the model.
        config: How it is applied; thresholds and which classes are kept make no difference.
        bands: As the images are read.
        scaling: As more than 8 bits become 8.

    Returns:
        The name; empty where what the network says is not kept, or is not all that comes of a scene.
    """
    if not config.probabilities or getattr(config.mode, "save", False):
        return ""
    decisive = (METHOD, config.mode.model_dump_json(), config.precision, config.runtime, bands, scaling)
    return digest(network, *decisive)[:DIGEST_CHARACTERS]


def within(name: str, area: bytes) -> str:
    """Name a detector, or what a network says, where it is limited to an area of a scene.

    Args:
        name: Without a limit; an empty one stays empty.
        area: WKB of the area in the scene's pixels; empty for all of it, which has the name itself.
    """
    return digest(name, area.hex())[:DIGEST_CHARACTERS] if name and area else name


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
