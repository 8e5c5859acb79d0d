"""The network to a provider: authorities, certificates and a proxy, against real servers."""

import datetime as dt
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.proxy import Proxy
from tests.support.loopback.connect_proxy import PASSWORD, ConnectProxy
from tests.support.loopback.http_stub import Answer, HttpStub, seconds_since
from tests.support.loopback.server import LoopbackServer, closing_port, free_port
from tests.support.servers.authority import Authority
from worker.domain.errors import CallFailed, ConnectionRefused, Redirected, ReplyTooLarge, TimedOut
from worker.providers.health import check_host
from worker.providers.transport.failures import (
    CertificateExpired,
    CertificateOfAnother,
    CertificateTooNew,
    CertificateUntrusted,
    ClientCertificateRefused,
    ClientCertificateWanted,
    ConnectTimedOut,
    HandshakeFailed,
    HandshakeRefused,
    OutsidePin,
    ProxyRefused,
    ProxyTimedOut,
    ProxyUnreachable,
    ProxyUnusable,
)
from worker.providers.transport.http import PinnedSession
from worker.providers.transport.network import Network

Opener = Callable[..., PinnedSession]
Serve = Callable[[ssl.SSLContext], HttpStub]
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("other"), "other")


@pytest.fixture(scope="module")
def usual(authority: Authority) -> ssl.SSLContext:
    return authority.serving()


@pytest.fixture
def opened() -> Iterator[Opener]:
    with ExitStack() as stack:

        def open_session(url: str, network: Network, **changes: float) -> PinnedSession:
            options = {"connect_timeout": 30.0, "read_timeout": 30.0, "total_timeout": 30.0}
            session = PinnedSession(url, threads=1, network=network, **{**options, **changes})  # type: ignore[arg-type]
            return stack.enter_context(session)

        yield open_session


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda tls: stack.enter_context(HttpStub(tls=tls))


@pytest.fixture
def proxy() -> Iterator[ConnectProxy]:
    with ConnectProxy() as server:
        yield server


def through(proxy: ConnectProxy, *authorities: Path) -> Network:
    return Network(authorities, proxy=Proxy.of(proxy.url))


def failure_of(session: PinnedSession) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        session.exchange(b"Ivanov", "text/plain")
    assert "Ivanov" not in str(caught.value)
    return caught.value


# Who is believed.


def test_a_given_authority_is_believed_beside_the_usual_ones(
    opened: Opener, serve: Serve, authority: Authority, other: Authority, usual: ssl.SSLContext
) -> None:
    network = Network((other.certificate, authority.certificate))
    session = opened(serve(usual).url, network)

    assert [session.exchange(b"", "text/plain").status for _ in range(2)] == [200] * 2
    assert session.poll(b"", "text/plain").status == 200
    added = session._pool.conn_kw["ssl_context"].cert_store_stats()["x509_ca"]
    assert added > 100


@pytest.mark.parametrize(
    ("made", "failure", "advice"),
    [
        pytest.param(
            lambda _, other: other.serving(), CertificateUntrusted, "__CA_BUNDLE", id="not trusted"
        ),
        pytest.param(
            lambda authority, _: authority.serving(valid=(-2 * DAY, -DAY)),
            CertificateExpired,
            "renew",
            id="expired",
        ),
        pytest.param(
            lambda authority, _: authority.serving(valid=(DAY, 2 * DAY)),
            CertificateTooNew,
            "clock",
            id="not valid yet",
        ),
        pytest.param(
            lambda authority, _: authority.serving(hosts=["other.example"]),
            CertificateOfAnother,
            "__URL",
            id="another host's",
        ),
        pytest.param(
            lambda authority, _: authority.serving(wants=authority, newest=ssl.TLSVersion.TLSv1_2),
            HandshakeRefused,
            "__CLIENT_CERT",
            id="wants a certificate over TLS 1.2",
        ),
    ],
)
def test_a_handshake_that_fails_sends_nothing_and_says_why(
    opened: Opener,
    serve: Serve,
    authority: Authority,
    other: Authority,
    made: Callable[[Authority, Authority], ssl.SSLContext],
    failure: type[CallFailed],
    advice: str,
) -> None:
    stub = serve(made(authority, other))
    session = opened(stub.url, Network((authority.certificate,)))

    told = failure_of(session)

    assert type(told) is failure
    assert told.never_sent
    assert stub.asked == []
    [found] = check_host("moneta", session)
    assert (found.ok, found.detail.startswith(told.note)) == (False, True)
    assert advice in found.detail


def test_doctor_says_that_a_client_certificate_is_wanted(
    opened: Opener, serve: Serve, authority: Authority
) -> None:
    stub = serve(authority.serving(wants=authority))
    session = opened(stub.url, Network((authority.certificate,)))

    [found] = check_host("moneta", session)

    assert found.detail.startswith(ClientCertificateWanted.note)
    assert "UPRID_MONETA__CLIENT_CERT and UPRID_MONETA__CLIENT_KEY" in found.detail
    assert stub.asked == []


def test_doctor_says_that_the_client_certificate_is_refused(
    opened: Opener, serve: Serve, authority: Authority, other: Authority
) -> None:
    stub = serve(authority.serving(wants=authority))
    network = Network((authority.certificate,), *other.issue("client"))

    [found] = check_host("moneta", opened(stub.url, network))

    assert found.detail.startswith(ClientCertificateRefused.note)
    assert stub.asked == []


def test_the_client_certificate_is_shown_to_a_host_that_wants_one(
    opened: Opener, serve: Serve, authority: Authority, other: Authority
) -> None:
    stub = serve(authority.serving(wants=other))
    network = Network((authority.certificate,), *other.issue("client"))

    assert opened(stub.url, network).exchange(b"", "text/plain").status == 200


def test_no_file_that_the_environment_names_gets_the_keys_of_a_connection(
    opened: Opener,
    serve: Serve,
    authority: Authority,
    usual: ssl.SSLContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))

    opened(serve(usual).url, Network((authority.certificate,))).exchange(b"", "text/plain")

    assert not (tmp_path / "keys").exists()


def test_a_handshake_that_drips_is_cut_off_in_its_total_time(opened: Opener) -> None:
    def drip(wire: socket.socket) -> None:
        # The head of a handshake message of 16 KB, then a byte at a time.
        wire.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
        while True:
            time.sleep(0.02)
            wire.sendall(b"\0")

    with LoopbackServer(drip) as server:
        url = f"https://localhost:{server.port}/services"
        began = time.monotonic()
        told = failure_of(
            opened(url, Network(), total_timeout=0.4, read_timeout=0.4, connect_timeout=8.0)
        )
        took = seconds_since(began)

    assert type(told) is ConnectTimedOut
    assert told.never_sent
    assert took < 30


# The proxy.


@pytest.mark.parametrize("over", ["tls", "tcp"])
def test_a_proxy_is_asked_for_a_tunnel_once_a_connection(
    opened: Opener,
    serve: Serve,
    authority: Authority,
    usual: ssl.SSLContext,
    proxy: ConnectProxy,
    monkeypatch: pytest.MonkeyPatch,
    over: str,
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    with HttpStub() as plain:
        stub = serve(usual) if over == "tls" else plain
        session = opened(stub.url, through(proxy, authority.certificate))

        assert session.poll(b"Ivanov", "text/plain").status == 200
        assert session.poll(b"Ivanov", "text/plain").status == 200

        assert [asked.path for asked in stub.asked] == ["/services"] * 2
        assert not any("proxy-authorization" in asked.headers for asked in stub.asked)
    [asked] = proxy.asked
    assert asked.startswith(f"CONNECT {'localhost' if over == 'tls' else '127.0.0.1'}:{stub.port} ")
    assert "Ivanov" not in asked
    assert (b"Ivanov" in proxy.carried) is (over == "tcp")


@pytest.mark.parametrize("status", [407, 403, 502, 503, 429, 302, 400])
def test_a_proxy_that_refuses_has_seen_nothing_of_a_request(
    opened: Opener, serve: Serve, usual: ssl.SSLContext, proxy: ConnectProxy, status: int
) -> None:
    proxy.status = status
    stub = serve(usual)
    session = opened(stub.url, through(proxy))

    told = failure_of(session)

    assert type(told) is ProxyRefused
    assert told.never_sent
    assert told.note == f"proxy refused, http {status}"
    assert stub.connections == 0
    [found] = check_host("npd", session)
    assert found.detail.startswith(told.note)
    assert ("UPRID_NPD__PROXY" in found.detail) is (status == 407)


def test_a_proxy_that_wants_a_password_is_not_used_without_it(
    opened: Opener, serve: Serve, usual: ssl.SSLContext, proxy: ConnectProxy
) -> None:
    without = Network(proxy=Proxy("127.0.0.1", proxy.port))

    assert failure_of(opened(serve(usual).url, without)).note == "proxy refused, http 407"


def test_a_proxy_that_is_away_is_told_from_a_host_that_is(
    opened: Opener, serve: Serve, usual: ssl.SSLContext, proxy: ConnectProxy
) -> None:
    away = Network(proxy=Proxy("127.0.0.1", free_port()))

    no_proxy = failure_of(opened(serve(usual).url, away))
    no_host = failure_of(opened(f"https://localhost:{free_port()}/services", through(proxy)))

    assert (type(no_proxy), no_proxy.never_sent) == (ProxyUnreachable, True)
    assert (no_host.note, no_host.never_sent) == ("proxy refused, http 502", True)


def test_the_certificate_is_held_against_the_host_and_not_the_proxy(
    opened: Opener, serve: Serve, authority: Authority, proxy: ConnectProxy
) -> None:
    stub = serve(authority.serving(hosts=["127.0.0.1"]))

    told = failure_of(opened(stub.url, through(proxy, authority.certificate)))

    assert type(told) is CertificateOfAnother
    assert stub.asked == []


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 2", id="half"),
        pytest.param(b"SSH-2.0-Ivanov\r\n\r\n", id="another protocol"),
        pytest.param(b"\x00\xff\r\n\r\n", id="garbage"),
        pytest.param(b"HTTP/2 200 OK\r\n\r\n", id="another version"),
        pytest.param(b"HTTP/1.1 2000 OK\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}", id="a reply of its own"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000, id="endless"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 3, id="interim answers alone"),
    ],
)
def test_a_proxy_that_answers_nonsense_is_unusable(
    opened: Opener, serve: Serve, usual: ssl.SSLContext, proxy: ConnectProxy, words: bytes
) -> None:
    proxy.says = words
    stub = serve(usual)

    told = failure_of(opened(stub.url, through(proxy)))

    # What comes behind an answer is the host's handshake where it is not there at once.
    assert isinstance(told, ProxyUnusable | HandshakeFailed)
    assert told.never_sent
    assert stub.connections == 0


@pytest.mark.parametrize(
    ("words", "drip"),
    [
        pytest.param(b"", 0.0, id="hangs"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"A: x\r\n" * 500, 0.01, id="drips"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", 0.0, id="hangs behind a tunnel that is none"),
    ],
)
def test_a_proxy_that_takes_too_long_is_cut_off_in_the_total_time(
    opened: Opener,
    serve: Serve,
    usual: ssl.SSLContext,
    proxy: ConnectProxy,
    words: bytes,
    drip: float,
) -> None:
    proxy.says, proxy.drip, proxy.hangs = words, drip, True
    began = time.monotonic()

    told = failure_of(
        opened(serve(usual).url, through(proxy), total_timeout=0.4, connect_timeout=0.4)
    )

    assert isinstance(told, ConnectTimedOut | ProxyTimedOut)
    assert told.never_sent
    assert seconds_since(began) < 30


def test_every_bound_holds_behind_a_proxy(
    opened: Opener, serve: Serve, authority: Authority, usual: ssl.SSLContext, proxy: ConnectProxy
) -> None:
    stub = serve(usual)
    stub.answer(
        Answer(status=302, headers={"Location": stub.url}),
        Answer(b"x" * 2_000_000),
        Answer(b"x" * 2_000, drip=0.05),
    )
    session = opened(
        stub.url, through(proxy, authority.certificate), total_timeout=5.0, read_timeout=5.0
    )

    with pytest.raises(Redirected):
        session.exchange(b"", "text/plain")
    with pytest.raises(ReplyTooLarge):
        session.exchange(b"", "text/plain")
    with pytest.raises(TimedOut):
        session.exchange(b"", "text/plain")
    with pytest.raises(OutsidePin):
        session.post("https://elsewhere.example/services")
    assert len(stub.asked) == 3


def test_a_host_that_slams_the_door_behind_a_proxy_was_sent_nothing(
    opened: Opener, proxy: ConnectProxy
) -> None:
    with closing_port() as port:
        told = failure_of(opened(f"https://localhost:{port}/services", through(proxy)))

    assert isinstance(told, ConnectionRefused)


def test_the_password_of_a_proxy_is_shown_nowhere(
    opened: Opener,
    serve: Serve,
    usual: ssl.SSLContext,
    proxy: ConnectProxy,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    network = through(proxy)
    session = opened(serve(usual).url, network)

    told = failure_of(session)

    shown = (repr(network), repr(session), repr(told), str(told), caplog.text)
    for each in (PASSWORD, "Secret", "Basic", network.proxy.authorization if network.proxy else ""):
        assert not any(str(each) in text for text in shown)
