"""The container images that stages run in; the environment may name others when a pipeline is compiled."""

from __future__ import annotations

import os

CPU_IMAGE = os.environ.get("FOOTPRINTS_CPU_IMAGE") or "footprints-cpu:0.2.0"
"""Import, DTL, split, evaluate, publish, sample scenes."""

GPU_IMAGE = os.environ.get("FOOTPRINTS_GPU_IMAGE") or "footprints-gpu:0.2.0"
"""Training and inference."""
