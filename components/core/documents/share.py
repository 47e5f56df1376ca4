"""The ready-made split-tagging query for imagery that is not INRIA."""

from __future__ import annotations

import json
from pathlib import Path

from components.core.errors import ConfigError

SHARE_QUERY = Path(__file__).with_name("share.query.json")


def check_share_alone(train_share: float, query: object) -> None:
    """See that a share is not given beside a query.

    Raises:
        ConfigError: If it is.
    """
    if train_share and query:
        raise ConfigError(f"train_share: {train_share} and a query are both given; give one of them")


def share_query(train_share: float, project_name: str = "INRIA") -> str:
    """One branch, a share of the images for training.

    Args:
        train_share: Chance of an image to be tagged `trainval` instead of `test`; above 0, below 1.
        project_name: Name of the project that goes in.

    Returns:
        The query, JSON text.

    Raises:
        ConfigError: If the share leaves nothing for one side.
    """
    if not 0 < train_share < 1:
        raise ConfigError(
            f"train_share: {train_share} leaves one side without images; use a share above 0 and below 1, such as 0.8"
        )
    layers = json.loads(SHARE_QUERY.read_text(encoding="utf-8"))
    layers[0]["src"] = [f"{project_name}/*"]
    layers[1]["settings"]["condition"]["probability"] = train_share
    return json.dumps(layers, indent=2)
