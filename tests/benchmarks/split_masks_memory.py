"""Peak memory of splitting a mask, in a process of its own.

`python -m tests.benchmarks.split_masks_memory MASK` prints MiB above what the process held with the mask loaded.
"""

from __future__ import annotations

import sys

from components.core.figures import InlineMask
from components.core.figures.connected_components import connected_components
from components.core.geometry import Window
from components.core.imagery import describe
from components.core.imagery.masks import MaskRaster
from tests.benchmarks.harness import peak_memory_mib


def main(file: str) -> None:
    """Split one mask, and say how much memory that took."""
    mask = InlineMask(MaskRaster(file).read(Window.of_size(describe(file).size)))
    before = peak_memory_mib()
    connected_components(mask)
    sys.stdout.write(f"{peak_memory_mib() - before:.1f}\n")


if __name__ == "__main__":
    main(sys.argv[1])
