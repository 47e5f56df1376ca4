"""How somebody else, such as torchrun, tells a process that it is one of several that train together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from components.core.errors import ConfigError

RANK, WORLD_SIZE, LOCAL_RANK = "RANK", "WORLD_SIZE", "LOCAL_RANK"
MASTER_ADDR, MASTER_PORT = "MASTER_ADDR", "MASTER_PORT"

NUMBERS = (RANK, WORLD_SIZE, LOCAL_RANK)
VARIABLES = (*NUMBERS, MASTER_ADDR, MASTER_PORT)
"""What torchrun sets, and PyTorch reads."""

NODES = "PET_NNODES"
"""What torchrun itself reads; Kubeflow Trainer sets it for its torch runtimes."""

COMMAND = "torchrun -m components.train_unet"

HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Launch:
    """A process's place among those that train together.

    Attributes:
        rank: Its number, from 0.
        world: How many there are, on all machines.
        local_rank: Its number among those of its machine, which is that of its GPU.
        address: Host and port at which they find each other.
    """

    rank: int
    world: int
    local_rank: int
    address: str

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Launch | None:
        """What the variables of the environment say; None for a process that is on its own.

        Raises:
            ConfigError: If some of the variables are missing or are not what they may be, or a job for several nodes
                runs the training itself instead of torchrun.
        """
        given = {name: environment.get(name, "").strip() for name in VARIABLES}
        there = [name for name in NUMBERS if given[name]]
        if not there:
            _refuse_nodes_on_their_own(environment.get(NODES, "").strip())
            return None
        missing = [name for name in VARIABLES if not given[name]]
        if missing:
            raise ConfigError(
                f"environment: {there[0]} is set and {' and '.join(missing)} not; start every process by torchrun, "
                f"which sets {', '.join(VARIABLES)}, or unset {' and '.join(there)} for a training on its own"
            )
        world = _number(given, WORLD_SIZE, 1)
        rank, local_rank = (_number(given, name, 0, world - 1) for name in (RANK, LOCAL_RANK))
        port = _number(given, MASTER_PORT, 1, HIGHEST_PORT)
        return cls(rank, world, local_rank, f"{given[MASTER_ADDR]}:{port}")


def _refuse_nodes_on_their_own(nodes: str) -> None:
    if nodes not in ("", "1"):
        raise ConfigError(
            f"environment: {NODES} is {nodes} and {RANK} is not set: each node would train a model of its own; make "
            f"the command {COMMAND}, which starts processes that train together"
        )


def _number(given: Mapping[str, str], name: str, least: int, most: int | None = None) -> int:
    text = given[name]
    number = int(text) if text.isascii() and text.isdigit() else -1
    if number < least or (most is not None and number > most):
        allowed = f"a whole number from {least}" + ("" if most is None else f" to {most}")
        raise ConfigError(
            f"environment: {name} is {text!r}, and must be {allowed}; start the processes by torchrun, which sets it"
        )
    return number
