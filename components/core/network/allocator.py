"""How the C library keeps memory between one batch and the next, for networks that run on the CPU."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Mapping

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8
"""Names of glibc's `mallopt(3)`."""

KEEP_ALL = 2**31 - 1

log = logging.getLogger(__name__)


def keep_freed_memory(environment: Mapping[str, str] = os.environ) -> bool:
    """Let the C library keep what tensors free, so that the next batch takes it instead of asking the kernel.

    glibc gives every large tensor back to the kernel at once, which then clears each page anew for the next one: a
    tenth of the CPU time of a training on a CPU, more with larger batches. Results are the same; the process goes on
    holding what it held at its peak.

    Call it in the process that computes, before its threads start. Where the environment sets the allocator up (a
    variable that begins with `MALLOC_`, or `GLIBC_TUNABLES`) nothing is done, nor where the C library is another.

    Args:
        environment: Of the process.

    Returns:
        Whether it was done.
    """
    if "GLIBC_TUNABLES" in environment or any(name.startswith("MALLOC_") for name in environment):
        log.debug("the environment sets the allocator up; it stays as it is")
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    options = ((M_ARENA_MAX, 1), (M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, KEEP_ALL))
    done = [mallopt(ctypes.c_int(name), ctypes.c_int(value)) == 1 for name, value in options]
    return all(done)
