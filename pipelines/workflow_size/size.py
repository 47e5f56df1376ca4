"""The figures of a run, and the most shards that fit."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from components.core.errors import ConfigError
from pipelines.package import PipelinePackage
from pipelines.workflow_size.compiled import compiled_pipeline, json_text
from pipelines.workflow_size.run import Run
from pipelines.workflow_size.spec import spec_bytes

LIMIT_BYTES = 1024 * 1024
"""Of a Workflow, its nodes compressed; Argo's MAX_WORKFLOW_SIZE, where an installation does not say otherwise."""

SHARE = 0.6
"""Of the limit, for a run without a fault: each attempt of a step that is tried again adds a node."""

MOST = 1 << 12
"""Shards beyond which nobody asks."""

REST_BYTES = 1600
"""Of a Workflow beside its spec and its nodes."""

GZIP_LEVEL, GZIP_LOSS = 5, 1.02
"""zlib's level that comes nearest to Argo's compressor, and how much larger that one's result is."""

GZIP_FRAME = 16


@dataclass(frozen=True)
class WorkflowSize:
    """What a run comes to at its end.

    Attributes:
        shards: How often its loops go round.
        pods: Of drivers and executors.
        nodes: In Argo's status.
        spec_bytes: Of the Workflow's spec.
        nodes_bytes: Of its nodes, compressed and in base64, as Argo keeps them when they are too large otherwise.
    """

    shards: int
    pods: int
    nodes: int
    spec_bytes: int
    nodes_bytes: int

    @property
    def whole_bytes(self) -> int:
        """Of the Workflow, which counts against `LIMIT_BYTES`."""
        return self.spec_bytes + self.nodes_bytes + REST_BYTES

    @property
    def share(self) -> float:
        """Of `LIMIT_BYTES`."""
        return self.whole_bytes / LIMIT_BYTES


def workflow_size(package: PipelinePackage, shards: int, arguments: Mapping[str, Any] | None = None) -> WorkflowSize:
    """Estimate how large a run becomes.

    Args:
        package: The pipeline.
        shards: How many items every list has that a step gives, which is how often a loop over it goes round. With 0,
            nothing is new: conditions do not hold, and of If, Elif and Else the shortest branch is taken. Else
            conditions hold, and the longest branch is taken.
        arguments: Parameters of the run that are not the pipeline's defaults; a text that is required and not given
            counts as a URI.

    Raises:
        ConfigError: The number is negative.
    """
    if shards < 0:
        raise ConfigError(f"shards: {shards} is negative; give 0 for a run with nothing new, or more")
    pipeline = compiled_pipeline(package)
    run = Run(pipeline, shards, arguments or {})
    nodes = json_text(run.nodes.by_id).encode()
    return WorkflowSize(
        shards=shards,
        pods=run.nodes.pods,
        nodes=len(run.nodes.by_id),
        spec_bytes=spec_bytes(pipeline, run.arguments),
        nodes_bytes=compressed_bytes(nodes),
    )


def compressed_bytes(content: bytes) -> int:
    """Bytes of the gzip stream that Argo makes, in base64."""
    gzipped = int(GZIP_LOSS * len(zlib.compress(content, GZIP_LEVEL))) + GZIP_FRAME
    return -(-gzipped // 3) * 4


def most_shards(package: PipelinePackage, share: float = SHARE, arguments: Mapping[str, Any] | None = None) -> int:
    """The largest number of shards with which a run stays under a share of `LIMIT_BYTES`.

    Args:
        package: The pipeline.
        share: Of the limit.
        arguments: As in `workflow_size`.

    Returns:
        The number; 0 where not even one fits, `MOST` where the number makes no difference.
    """

    def fits(shards: int) -> bool:
        return workflow_size(package, shards, arguments).share < share

    if not fits(1):
        return 0
    few, many = 1, 2
    while many <= MOST and fits(many):
        few, many = many, 2 * many
    return MOST if many > MOST else _last(fits, few, many)


def _last(fits: Callable[[int], bool], few: int, many: int) -> int:
    """The largest number below `many` that fits, as `few` does and `many` does not."""
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if fits(middle) else (few, middle)
    return few
