"""Replies whose framing breaks HTTP, against a real server on loopback."""

import tracemalloc
from collections.abc import Iterator

import pytest

from tests.support.loopback.http_stub import Answer, HttpStub
from worker.domain.errors import ConnectionBroken
from worker.providers.transport.http import PinnedSession

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 1024 * 1024


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with HttpStub() as server:
        yield server


@pytest.fixture
def session(stub: HttpStub) -> Iterator[PinnedSession]:
    made = PinnedSession(
        stub.url, connect_timeout=30.0, read_timeout=30.0, total_timeout=30.0, threads=1
    )
    yield made
    made.close()


@pytest.mark.parametrize("size", [b"-1", b"-5", b"-ff", b"-1;name=value"], ids=repr)
@pytest.mark.parametrize("before", [b"", b"4\r\nabcd\r\n"], ids=["first", "later"])
def test_exchange_takes_a_chunk_of_negative_size_for_a_broken_connection(
    session: PinnedSession, stub: HttpStub, before: bytes, size: bytes
) -> None:
    stub.answer(Answer(raw=HEAD + before + size + b"\r\n{}\r\n0\r\n\r\n", close=True))

    with pytest.raises(ConnectionBroken):
        session.exchange(b"", "text/plain")


def test_exchange_reads_no_more_than_the_limit_when_a_chunk_is_of_negative_size(
    session: PinnedSession, stub: HttpStub
) -> None:
    stub.answer(Answer(raw=HEAD + b"-1\r\n" + b" " * (32 * MEGABYTE), close=True))

    # The server's own copy is older than the measurement.
    tracemalloc.start()
    try:
        with pytest.raises(ConnectionBroken):
            session.exchange(b"", "text/plain")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 8 * MEGABYTE
