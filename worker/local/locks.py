"""Locks on this machine: a file that one process holds for as long as it lives."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from uprid_client.errors import UpridError


class InUse(UpridError):
    """Another process has what is asked for."""


@contextmanager
def held(path: Path, otherwise: str) -> Iterator[int]:
    """Hold the lock; yield its descriptor. Raises `InUse`, which says `otherwise`.

    The kernel lets go of it with the last process that has the descriptor, however that ends:
    a child that inherits it holds the lock beyond the block.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(otherwise) from None
        yield lock
    finally:
        os.close(lock)
