"""What this machine's CPU computes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

NATIVE_BFLOAT16 = ("avx512_bf16", "amx_bf16")
"""Instructions that multiply bfloat16; without them it is emulated, which takes longer than float32."""


def has_native_bfloat16(capabilities: Mapping[str, Any] | None = None) -> bool:
    """Whether the CPU multiplies bfloat16 by instructions of its own.

    Args:
        capabilities: What the CPU can do, by the names that PyTorch has for it; None to ask PyTorch.
    """
    found = torch.cpu.get_capabilities() if capabilities is None else capabilities
    return any(found.get(name, False) for name in NATIVE_BFLOAT16)
