"""The batch that fits, and what is said of it."""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import ConfigError
from components.core.network.memory import GIBIBYTE, DeviceMemory, largest_that_fits, too_large
from tests.components.core.network.hungry import HungryUNet

CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def _small_heap() -> Iterator[None]:
    """Every try collects garbage: without this, over all that this and other tests have imported."""
    gc.freeze()
    yield
    gc.unfreeze()


def message(fitting: int, memory: DeviceMemory) -> str:
    return str(too_large("train.config: batch_size.train", 64, fitting, memory, "use a smaller input_size"))


def test_the_message_tells_the_batch_the_memory_and_what_fits() -> None:
    memory = DeviceMemory("NVIDIA H100", 79 * GIBIBYTE + GIBIBYTE // 10, 3 * GIBIBYTE)
    assert message(24, memory) == (
        "train.config: batch_size.train: a batch of 64 does not fit into the memory of the device (NVIDIA H100, "
        "79.1 GiB, of which the driver and other processes hold 3.0); smaller batches were tried, "
        "with 2% of the memory kept free: use at most 24"
    )
    assert message(0, memory).endswith("kept free, and not even 1 fits: use a smaller input_size")


def test_of_a_cpu_no_figures_are_told() -> None:
    assert "(the CPU); smaller" in message(3, DeviceMemory.of(CPU))


@given(failed=st.integers(1, 300), limit=st.integers(0, 299))
def test_the_largest_is_found_by_halving(failed: int, limit: int) -> None:
    tried: list[int] = []

    def run(size: int) -> None:
        tried.append(size)
        if size > limit:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    assert largest_that_fits(run, failed, CPU) == min(limit, failed - 1)
    assert len(tried) == len(set(tried)) <= math.ceil(math.log2(failed)) if failed > 1 else not tried


def test_a_try_holds_nothing_of_the_one_before() -> None:
    """A failure's frames hold what was computed so far: they are gone when the next batch is tried."""
    alive: list[weakref.ref[torch.Tensor]] = []

    def run(size: int) -> None:
        gc.collect()
        assert all(reference() is None for reference in alive)
        activations = torch.zeros(size)
        alive.append(weakref.ref(activations))
        if size > 5:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    assert largest_that_fits(run, 40, CPU) == 5


def test_other_errors_are_no_lack_of_memory() -> None:
    network = HungryUNet(4, 8)
    with pytest.raises(ConfigError, match=r"image\.height: 30 is not a multiple of 16"):
        largest_that_fits(lambda size: network(torch.zeros(size, 3, 30, 32)), 9, CPU)
