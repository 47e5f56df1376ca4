"""What Lightning must know of processes that it did not start."""

from __future__ import annotations

from pytorch_lightning.plugins.environments import ClusterEnvironment  # type: ignore[attr-defined]

from components.train_unet.peers import Peers


class LaunchedEnvironment(ClusterEnvironment):
    """To Lightning each process is a node with one device, so that no count of those on each machine is needed."""

    def __init__(self, peers: Peers) -> None:
        """Take the processes from `peers`."""
        super().__init__()
        self._peers = peers

    @property
    def creates_processes_externally(self) -> bool:
        """True: all of them run."""
        return True

    @property
    def main_address(self) -> str:
        """The host at which they find each other."""
        return self._peers.address.rpartition(":")[0]

    @property
    def main_port(self) -> int:
        """Its port."""
        return int(self._peers.address.rpartition(":")[2])

    @staticmethod
    def detect() -> bool:
        """False: it is never chosen, only given."""
        return False

    def world_size(self) -> int:
        """How many processes there are."""
        return self._peers.world

    def set_world_size(self, size: int) -> None:
        """It is as it is."""

    def global_rank(self) -> int:
        """Number of this process."""
        return self._peers.rank

    def set_global_rank(self, rank: int) -> None:
        """It is as it is."""

    def local_rank(self) -> int:
        """Number of this process on its node: the only one."""
        return 0

    def node_rank(self) -> int:
        """Number of its node."""
        return self._peers.rank
