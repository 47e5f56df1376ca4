"""Ports of this machine for tests: some to listen on, and one where nobody does."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"
FIRST_PORT = 10_000
GIVEN_BY_SYSTEM = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUALLY_GIVEN_FROM = 32_768


def free_ports(count: int) -> list[int]:
    """Ports for a program that wants their numbers, and keeps them while it is stopped and started again.

    They lie below those that the system gives to connections, so that no connection takes one of them meanwhile.
    """
    given_from = int(GIVEN_BY_SYSTEM.read_text().split()[0]) if GIVEN_BY_SYSTEM.is_file() else 0
    end = given_from if given_from > 2 * FIRST_PORT else USUALLY_GIVEN_FROM
    drawn = random.SystemRandom()
    found: set[int] = set()
    while len(found) < count:
        port = drawn.randrange(FIRST_PORT, end)
        if _is_free(port):
            found.add(port)
    return list(found)


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port that refuses every connection: it is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]
