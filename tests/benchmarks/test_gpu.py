"""The benchmark of a GPU, as small as it goes and without one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from components.core.geometry import Size
from tests.benchmarks.gpu import GpuBenchmark, measure


def test_it_measures_both_halves(tmp_path: Path) -> None:
    asked = GpuBenchmark.of(2, Size(192, 192), 30, 1, 64, "vgg16_bn_slim8")
    asked = replace(asked, train_config=asked.train_config | {"data_workers": {"train": 0, "val": 0}}, network_s=0.1)

    measured = measure(asked, tmp_path)

    assert len(measured) == 9
    assert all(value > 0 for entry in measured for value in entry.values)
