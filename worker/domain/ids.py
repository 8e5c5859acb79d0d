"""Identifiers that sort by the time they were made."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Source:
    """What identifiers are made from: this host's clock and random numbers."""

    time_ns: Callable[[], int] = time.time_ns
    randbits: Callable[[int], int] = secrets.randbits


_source = Source()


def new_id() -> str:
    """Return a UUID of version 7 (RFC 9562): 48 bits of milliseconds, then random bits.

    Rows made together lie together in an index, which random UUIDs would scatter.
    """
    milliseconds = _source.time_ns() // 1_000_000
    value = (milliseconds << 80) | _source.randbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(UUID(int=value))


@contextmanager
def drawn_from(source: Source) -> Iterator[None]:
    """Draw every identifier of this process from another source, so that a run can be replayed."""
    global _source  # noqa: PLW0603 - identifiers are made everywhere, and by chance alone
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
