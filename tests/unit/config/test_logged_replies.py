"""What libraries log reaches no log where a provider's own words may stand in it."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from config import logging as our_logging
from tests.support.loopback.http_stub import Answer, HttpStub
from uprid_client.errors import UpridError
from worker.providers.transport.http import PinnedSession

PERSON = "Ivanova Anna"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a worker writes to standard error; everything is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    # structlog's own configuration would outlive the test.
    monkeypatch.setattr(structlog, "configure", lambda **_: None)
    our_logging.configure("INFO", lambda text: text, own=UpridError)
    yield stderr
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(f"{PERSON}\r\nContent-Length: 2", id="no header at all"),
        pytest.param(f"X: 1\r\n: {PERSON}\r\nContent-Length: 2", id="a header without a name"),
        pytest.param(f" {PERSON}\r\nContent-Length: 2", id="a continued line of none"),
    ],
)
def test_log_shows_nothing_of_a_reply_whose_head_is_broken(shown: io.StringIO, head: str) -> None:
    with HttpStub() as stub:
        stub.answer(Answer(raw=f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n{{}}".encode(), close=True))
        session = PinnedSession(
            stub.url, connect_timeout=30.0, read_timeout=30.0, total_timeout=30.0, threads=1
        )
        session.exchange_at("GET", "/sessions/794d3cc7")
        session.close()

    assert "reply_not_understood" in shown.getvalue()
    assert PERSON not in shown.getvalue()
    assert "794d3cc7" not in shown.getvalue()
