"""Servers that can never serve us, as they answer; a real Cluster is in the integration tests."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.loopback.server import LoopbackServer
from worker.process.redis_fitness import unfit


def told(**facts: object) -> bytes:
    """Return an answer to HELLO, as protocol 3 writes a map."""
    parts = b"".join(_bulk(str(each)) for pair in facts.items() for each in pair)
    proto = _bulk("proto") + b":3\r\n"
    return b"%%%d\r\n" % (len(facts) + 1) + proto + parts


def _bulk(text: str) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text.encode())


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Run a server that gives one answer to HELLO; a Redis has another to PING."""
    pong = answer if answer.startswith(b"HTTP") else b"+PONG\r\n"

    def serve(wire: socket.socket) -> None:
        while read := wire.recv(65_536):
            for command in read.split(b"*")[1:]:
                wire.sendall(pong if b"PING" in command else answer)

    with LoopbackServer(serve) as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(told(mode="cluster", version="7.2.4"), "is a Redis Cluster", id="cluster"),
        pytest.param(told(mode="sentinel", version="7.2.4"), "is a Sentinel", id="Sentinel"),
        pytest.param(told(mode="standalone", version="6.0.16"), "older than", id="6.0"),
        pytest.param(b"-ERR unknown command `HELLO`\r\n", "older than", id="5"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n", "speaks no Redis", id="a web server"),
    ],
)
def test_server_that_can_never_serve_us_is_found_out(answer: bytes, said: str) -> None:
    with answering(answer) as url:
        why = unfit(url)

    assert why is not None
    assert said in why


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(told(mode="standalone", version="7.2.4", role="replica"), id="a replica"),
        pytest.param(told(mode="standalone", version="6.2.14"), id="6.2"),
        pytest.param(b"-NOAUTH Authentication required.\r\n", id="no password"),
        pytest.param(b"-LOADING Redis is loading\r\n", id="loading"),
    ],
)
def test_server_that_may_yet_serve_us_is_not_refused(answer: bytes) -> None:
    with answering(answer) as url:
        assert unfit(url) is None


def test_server_that_is_away_is_not_refused() -> None:
    assert unfit("redis://127.0.0.1:1/0") is None
