"""Ports on this machine's loopback, the only interface that anything embedded listens on."""

import socket
from typing import Final

HOST: Final = "127.0.0.1"


def free_port() -> int:
    """Return a port that is free now. If it is taken later, its process says so and ends."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
