"""What the C library keeps of freed memory."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from components.core.network.allocator import keep_freed_memory

ARRAY_BYTES = 1 << 27

HELD = f"""
import sys, threading
from pathlib import Path
import numpy as np
from components.core.network.allocator import keep_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def work():
    before = resident()
    np.ones({ARRAY_BYTES}, np.uint8)
    print(resident() - before)

if sys.argv[1] == "keep":
    assert keep_freed_memory({{}})
if sys.argv[2] == "thread":
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
else:
    work()
"""
"""Prints how many bytes more the process holds after a large array came and went."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator of glibc is set up")
@pytest.mark.parametrize("where", ["main", "thread"])
@pytest.mark.parametrize("how", ["keep", "plain"])
def test_the_process_keeps_what_is_freed(how: str, where: str) -> None:
    command = [sys.executable, "-c", HELD, how, where]
    held = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert (held > ARRAY_BYTES // 2) == (how == "keep")


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "MALLOC_CONF", "GLIBC_TUNABLES"])
def test_an_allocator_that_the_environment_sets_up_stays(name: str) -> None:
    assert not keep_freed_memory({name: "2"})
