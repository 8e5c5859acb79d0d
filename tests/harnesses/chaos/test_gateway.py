"""The gateway sends interim replies, closes idle connections, and sees used ones."""

import http.client
import threading
from collections.abc import Iterator
from random import Random

import pytest

from tests.harnesses.chaos import gateway
from tests.harnesses.chaos.gateway import Gateway, Weather
from tests.harnesses.chaos.proxy import Proxy
from tests.support.loopback.http_stub import Answer, HttpStub, said
from tests.support.processes.child import wait_until

_PATIENCE = 60.0
_SUBMIT = b'{"Envelope": {"Body": {"SimplifiedIdentificationRequest": {}}}}'
_POLL = b'{"Envelope": {"Body": {"AsyncRequest": {"asyncId": 1}}}}'


@pytest.fixture
def weather() -> Weather:
    return Weather(Random(1))


@pytest.fixture
def provider() -> Iterator[HttpStub]:
    with HttpStub(said({"asyncId": 1})) as running:
        yield running


@pytest.fixture
def connection(provider: HttpStub, weather: Weather) -> Iterator[http.client.HTTPConnection]:
    """A connection to the provider through the gateway."""
    with Proxy() as proxy:
        link = proxy.open(Gateway(proxy, provider.port, weather))
        made = http.client.HTTPConnection("127.0.0.1", link.port, timeout=_PATIENCE)
        yield made
        made.close()


def posted(
    connection: http.client.HTTPConnection, body: bytes, path: str = "/moneta/services"
) -> tuple[int, bytes]:
    connection.request("POST", path, body)
    reply = connection.getresponse()
    return reply.status, reply.read()


def test_gateway_passes_requests_and_replies_on(
    connection: http.client.HTTPConnection, provider: HttpStub
) -> None:
    replies = {posted(connection, _POLL) for _ in range(3)}

    assert replies == {(200, b'{"asyncId": 1}')}
    assert [asked.body for asked in provider.asked] == [_POLL] * 3
    assert provider.connections == 1


@pytest.mark.parametrize("form", gateway._INTERIM, ids=lambda form: f"{len(form[0])}-{form[1]}")
def test_interim_replies_come_before_the_reply(
    connection: http.client.HTTPConnection,
    weather: Weather,
    monkeypatch: pytest.MonkeyPatch,
    form: tuple[tuple[bytes, ...], bool],
) -> None:
    monkeypatch.setattr(gateway, "_INTERIM", (form,))
    weather.sends_interim = True

    connection.request("POST", "/moneta/services", _POLL)

    assert connection.sock is not None
    with connection.sock.makefile("rb") as wire:
        before = b"".join(form[0])
        assert wire.read(len(before)) == before
        assert wire.readline().startswith(b"HTTP/1.1 200 ")
    assert weather.interim == 1


def test_connection_that_rests_is_closed_where_they_are(
    connection: http.client.HTTPConnection, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "IDLE", 0.05)
    weather.closes_idle = True

    posted(connection, _POLL)

    wait_until(lambda: weather.closed == 1, 10, "a connection that is closed at rest")
    assert connection.sock is not None
    assert connection.sock.recv(1) == b""


def test_connection_whose_reply_is_still_to_come_is_not_closed(
    connection: http.client.HTTPConnection,
    provider: HttpStub,
    weather: Weather,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gateway, "IDLE", 0.05)
    weather.closes_idle = True
    provider.answer(Answer(b"late", wait=0.5))

    assert posted(connection, _POLL) == (200, b"late")


def test_connection_that_rests_is_kept_where_none_are_closed(
    connection: http.client.HTTPConnection, provider: HttpStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "IDLE", 0.01)
    posted(connection, _POLL)
    threading.Event().wait(0.1)
    posted(connection, _POLL)

    assert provider.connections == 1


@pytest.mark.parametrize(
    ("path", "body", "known"),
    [
        pytest.param(
            "/moneta/services", _SUBMIT, "SimplifiedIdentificationRequest", id="moneta-submit"
        ),
        pytest.param("/npd/startuprid", b"phone=1", "POST /npd/", id="npd"),
        pytest.param("/mandarin/api", b"{}", "POST /mandarin", id="mandarin"),
        pytest.param("/intellectmoney/x", b"", "POST /intellectmoney", id="intellectmoney"),
    ],
)
def test_call_that_costs_is_noted_where_its_connection_was_used_before(
    connection: http.client.HTTPConnection, weather: Weather, path: str, body: bytes, known: str
) -> None:
    posted(connection, body, path)
    assert not weather.reused

    posted(connection, body, path)

    assert weather.reused == {known: 1}


def test_question_may_share_a_connection(
    connection: http.client.HTTPConnection, weather: Weather
) -> None:
    posted(connection, _SUBMIT)
    posted(connection, _POLL)

    assert not weather.reused
