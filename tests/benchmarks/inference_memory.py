"""Peak memory of inference around the network, in a process of its own.

`python -m tests.benchmarks.inference_memory SCENE` prints MiB above what the process held before.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from components.core.geometry import Size
from components.core.imagery import describe
from components.core.project import ImageRef
from components.infer_windows.windows import WindowGrid, plan_windows
from tests.benchmarks.harness import peak_memory_mib
from tests.predicting import run_scene

WINDOW = Size(512, 512)
OVERLAP = Size(128, 128)
BATCH = 16

LEAST_PIXELS = 400_000_000
"""So many pixels are done whatever the scene's size, as a run of many scenes does: how full the queues between threads
get is a matter of chance, and the peak grows with the time for which one looks until all were full once."""


def no_network(windows: np.ndarray) -> np.ndarray:
    """(N, 2, H, W) float32 from (N, 3, H, W) uint8, for next to nothing: red against its rest."""
    red = windows[:, :1] / np.float32(255)
    return np.concatenate([red, 1 - red], axis=1)


def main(scene: str) -> None:
    """Predict one scene, again and again where it is small, and say how much memory that took."""
    size = describe(scene).size
    plan = plan_windows(WindowGrid.of(size, WINDOW, OVERLAP), BATCH, 2)
    before = peak_memory_mib()
    with tempfile.TemporaryDirectory(dir=Path(scene).parent) as folder:
        for _ in range(max(LEAST_PIXELS // size.area, 1)):
            files = f"{folder}/mask.tif", f"{folder}/confidence.tif"
            run_scene(ImageRef.whole(scene, size), plan, no_network, *files)
    sys.stdout.write(f"{peak_memory_mib() - before:.1f}\n")


if __name__ == "__main__":
    main(sys.argv[1])
