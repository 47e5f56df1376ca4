"""The pipelines of one site, with its own placements and images."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from components.core.errors import ConfigError

NODE_POOLS_VARIABLE = "FOOTPRINTS_NODE_POOLS"
"""Names a site's placements, a file or a folder, to whatever imports the pipelines."""


def compile_for_site(node_pools: Path, folder: Path) -> list[Path]:
    """Compile every pipeline with a site's placements.

    A pipeline is made when its module is imported, so that a process of its own does it.

    Args:
        node_pools: A file or folder of placements; see `load_node_pools`.
        folder: Where the YAML is written, and Kubernetes objects below it.

    Returns:
        The files.

    Raises:
        ConfigError: There is no such file or folder, it breaks a rule, or the pipelines do not compile with it.
    """
    if not node_pools.exists():
        raise ConfigError(
            f"--node-pools: {str(node_pools)!r} is not there; give a file of placements, or a folder of such files"
        )
    command = [sys.executable, "-m", "pipelines", "compile", "--output", str(folder.resolve())]
    variables = os.environ | {NODE_POOLS_VARIABLE: str(node_pools.resolve())}
    done = subprocess.run(  # noqa: S603 — no shell
        command, env=variables, cwd=Path(__file__).parents[1], check=False, capture_output=True, text=True
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it says nothing"])[-1].removeprefix("python -m pipelines: ")
        raise ConfigError(f"{node_pools}: the pipelines do not compile with it: {reason}")
    return [Path(line) for line in done.stdout.splitlines()]
