"""The pinned session against a real server on loopback."""

import datetime as dt
import gzip
import ipaddress
import re
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.loopback.http_stub import Answer, HttpStub, seconds_since
from tests.support.loopback.server import closing_port, free_port
from tests.support.processes.child import wait_until
from worker.domain.errors import (
    CallFailed,
    ConnectionBroken,
    ConnectionRefused,
    Redirected,
    ReplyTooLarge,
    ReplyUnreadable,
    TimedOut,
)
from worker.providers.transport import connections
from worker.providers.transport.failures import HandshakeFailed, NameUnresolved, OutsidePin
from worker.providers.transport.http import LONGEST_RETRY_AFTER, PinnedSession
from worker.providers.transport.network import Network

JSON = "application/json;charset=UTF-8"
Opener = Callable[..., PinnedSession]


@pytest.fixture
def opened() -> Iterator[Opener]:
    with ExitStack() as stack:

        def open_session(url: str, **changes: object) -> PinnedSession:
            options: dict[str, object] = {
                "connect_timeout": 30.0,
                "read_timeout": 30.0,
                "total_timeout": 30.0,
                "threads": 2,
            }
            session = PinnedSession(url, **{**options, **changes})  # type: ignore[arg-type]
            return stack.enter_context(session)

        yield open_session


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with HttpStub() as server:
        yield server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of localhost and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    alternatives = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls_stub(certificate: Path) -> Iterator[HttpStub]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HttpStub(tls=context) as server:
        yield server


def test_exchange_posts_the_body_to_the_base_address(opened: Opener, stub: HttpStub) -> None:
    stub.answer(Answer(b'{"a": 1}', 400, {"Content-Type": JSON}))

    reply = opened(stub.url).exchange(b"{}", JSON)

    assert (reply.status, reply.content_type, reply.body) == (400, JSON, b'{"a": 1}')
    (asked,) = stub.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/services", b"{}")
    assert asked.headers["content-type"] == JSON
    assert "cookie" not in asked.headers


def test_exchange_keeps_no_cookie(opened: Opener, stub: HttpStub) -> None:
    stub.answer(Answer(headers={"Set-Cookie": "a=b; Path=/"}))
    session = opened(stub.url)

    session.exchange(b"", JSON)
    session.exchange(b"", JSON)

    assert "cookie" not in stub.asked[1].headers


@pytest.mark.parametrize("threads", [1, 4])
def test_poll_reuses_one_connection_a_thread(opened: Opener, stub: HttpStub, threads: int) -> None:
    session = opened(stub.url, threads=threads)

    with ThreadPoolExecutor(threads) as pool:
        statuses = list(pool.map(lambda _: session.poll(b"{}", JSON).status, range(40)))

    assert statuses == [200] * 40
    assert stub.connections <= threads


def test_poll_connects_anew_when_the_server_closed_a_resting_connection(
    opened: Opener, stub: HttpStub
) -> None:
    stub.answer(Answer(close=True), Answer())
    session = opened(stub.url)

    session.poll(b"1", JSON)
    wait_until(lambda: stub.ended == 1, 5, "the connection's end")
    session.poll(b"2", JSON)

    assert [asked.body for asked in stub.asked] == [b"1", b"2"]
    assert stub.connections == 2


def test_poll_leaves_a_connection_alone_that_has_rested_too_long(
    opened: Opener, stub: HttpStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LONGEST_REST", 0.0)
    session = opened(stub.url)

    session.poll(b"1", JSON)
    session.poll(b"2", JSON)

    assert stub.connections == 2


@pytest.mark.parametrize("way", ["exchange", "poll"])
def test_no_call_is_sent_twice_when_the_connection_is_cut(
    opened: Opener, stub: HttpStub, way: str
) -> None:
    stub.answer(Answer(), Answer(cut=True))
    session = opened(stub.url)
    call = getattr(session, way)
    call(b"1", JSON)

    with pytest.raises(ConnectionBroken) as caught:
        call(b"2", JSON)

    assert caught.value.never_sent is False
    assert [asked.body for asked in stub.asked] == [b"1", b"2"]


def test_exchange_knows_that_nothing_was_sent_when_the_connection_is_refused(
    opened: Opener,
) -> None:
    with pytest.raises(ConnectionRefused) as caught:
        opened(f"http://127.0.0.1:{free_port()}/services").exchange(b"secret", JSON)

    assert caught.value.never_sent is True
    assert "secret" not in str(caught.value)


def test_exchange_knows_that_nothing_was_sent_when_the_name_is_unknown(opened: Opener) -> None:
    with pytest.raises(NameUnresolved) as caught:
        opened("https://nowhere.invalid/services").exchange(b"", JSON)

    assert caught.value.never_sent is True


def test_exchange_knows_that_nothing_was_sent_when_the_handshake_is_cut(opened: Opener) -> None:
    with closing_port() as port, pytest.raises(ConnectionRefused) as caught:
        opened(f"https://localhost:{port}/services").exchange(b"", JSON)

    assert caught.value.never_sent is True


def test_exchange_knows_that_nothing_was_sent_when_the_certificate_is_not_trusted(
    opened: Opener, tls_stub: HttpStub
) -> None:
    with pytest.raises(HandshakeFailed) as caught:
        opened(tls_stub.url).exchange(b"secret", JSON)

    assert caught.value.never_sent is True
    assert tls_stub.asked == []


def test_poll_reuses_a_tls_connection(
    opened: Opener, tls_stub: HttpStub, certificate: Path
) -> None:
    session = opened(tls_stub.url, network=Network((certificate,)))

    assert [session.poll(b"", JSON).status for _ in range(3)] == [200] * 3
    assert tls_stub.connections == 1


def test_poll_leaves_a_tls_connection_that_holds_more_than_the_reply(
    opened: Opener, tls_stub: HttpStub, certificate: Path
) -> None:
    said = Answer(b"one").bytes()
    tls_stub.answer(Answer(raw=said + Answer(b"stray").bytes()), Answer(b"two"))
    session = opened(tls_stub.url, network=Network((certificate,)))

    assert [session.poll(b"", JSON).body for _ in range(2)] == [b"one", b"two"]
    assert tls_stub.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(b"x" * 2_000, drip=0.05), id="head"),
        pytest.param(
            Answer(
                raw=b"HTTP/1.1 200 Said\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9_000, drip=0.01
            ),
            id="body of a known length",
        ),
        pytest.param(
            Answer(raw=b"HTTP/1.1 200 Said\r\nConnection: close\r\n\r\n" + b"x" * 9_000, drip=0.01),
            id="body until the end of the connection",
        ),
        pytest.param(
            Answer(
                raw=b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n"
                + b"1\r\nx\r\n" * 2_000,
                drip=0.01,
            ),
            id="chunks",
        ),
        pytest.param(Answer(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 400, drip=0.01), id="continues"),
    ],
)
@pytest.mark.parametrize("over", ["tcp", "tls"])
def test_exchange_ends_in_its_total_time_when_the_reply_drips(
    opened: Opener,
    stub: HttpStub,
    tls_stub: HttpStub,
    certificate: Path,
    answer: Answer,
    over: str,
) -> None:
    server = stub if over == "tcp" else tls_stub
    server.answer(answer)
    session = opened(
        server.url, total_timeout=0.4, read_timeout=0.4, network=Network((certificate,))
    )
    began = time.monotonic()

    with pytest.raises(TimedOut) as caught:
        session.exchange(b"", JSON)

    # All of it would take a minute and a half.
    assert seconds_since(began) < 30.0
    assert caught.value.never_sent is False


def test_exchange_cuts_only_the_overdue_call_when_others_run(
    opened: Opener, stub: HttpStub
) -> None:
    stub.answer(Answer(b"x" * 2_000, drip=0.05), Answer(wait=0.01))
    session = opened(stub.url, total_timeout=4.0, read_timeout=4.0, threads=3)
    faults: list[CallFailed] = []

    def drip() -> None:
        try:
            session.exchange(b"slow", JSON)
        except CallFailed as fault:
            faults.append(fault)

    slow = threading.Thread(target=drip)
    slow.start()
    while not stub.asked:
        time.sleep(0.001)
    while slow.is_alive():
        assert session.exchange(b"quick", JSON).status == 200
    slow.join()

    assert [type(fault) for fault in faults] == [TimedOut]


def test_exchange_guards_nothing_after_its_end(opened: Opener, stub: HttpStub) -> None:
    stub.answer(Answer(), Answer(cut=True), Answer(close=True), Answer(b"x" * 99), Answer())
    session = opened(stub.url, reply_limit=50)

    for _ in range(5):
        try:
            session.exchange(b"", JSON)
        except CallFailed:
            continue

    assert session._watchdog._deadlines == {}


def test_exchange_times_out_when_nothing_is_answered(opened: Opener, stub: HttpStub) -> None:
    stub.answer(Answer(wait=5))

    with pytest.raises(TimedOut):
        opened(stub.url, read_timeout=0.1).exchange(b"", JSON)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(b"x" * 1001), id="known length"),
        pytest.param(
            Answer(raw=b"HTTP/1.1 200 S\r\n\r\n" + b"x" * 1001, close=True), id="unknown length"
        ),
        pytest.param(
            Answer(gzip.compress(b"\0" * 10_000_000), headers={"Content-Encoding": "gzip"}),
            id="gzip bomb",
        ),
        pytest.param(
            Answer(zlib.compress(b"x" * 1001), headers={"Content-Encoding": "deflate"}),
            id="deflate",
        ),
        pytest.param(
            Answer(raw=b"HTTP/1.1 200 S\r\nContent-Length: 99999999999999\r\n\r\n" + b"x" * 2000),
            id="promised",
        ),
    ],
)
def test_exchange_refuses_a_reply_beyond_the_limit(
    opened: Opener, stub: HttpStub, answer: Answer
) -> None:
    stub.answer(answer, Answer(b"x" * 1000))
    session = opened(stub.url, reply_limit=1000)

    with pytest.raises(ReplyTooLarge):
        session.exchange(b"", JSON)
    assert len(session.exchange(b"", JSON).body) == 1000


def test_exchange_reads_a_compressed_reply(opened: Opener, stub: HttpStub) -> None:
    stub.answer(Answer(gzip.compress(b"plain"), headers={"Content-Encoding": "gzip"}))

    assert opened(stub.url).exchange(b"", JSON).body == b"plain"
    assert stub.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        pytest.param(b"HTTP/1.1 200 S\r\nContent-Length: 9\r\n\r\nxx", ConnectionBroken, id="cut"),
        pytest.param(b"\x00\x01 Ivanov\r\n\r\n", ConnectionBroken, id="no HTTP"),
        pytest.param(
            b"HTTP/1.1 200 S\r\nTransfer-Encoding: chunked\r\n\r\nIvanov\r\n",
            ConnectionBroken,
            id="broken chunk",
        ),
        pytest.param(
            b"HTTP/1.1 200 S\r\nContent-Encoding: gzip\r\n\r\nIvanov", ReplyUnreadable, id="no gzip"
        ),
        pytest.param(b"HTTP/1.1 200 S\r\nA: " + b"x" * 99_999, ConnectionBroken, id="long header"),
    ],
)
def test_exchange_says_what_failed_without_quoting_the_reply(
    opened: Opener, stub: HttpStub, raw: bytes, fault: type[CallFailed]
) -> None:
    stub.answer(Answer(raw=raw, close=True))

    with pytest.raises(fault) as caught:
        opened(stub.url).exchange(b"", JSON)

    assert "Ivanov" not in str(caught.value)
    assert caught.value.__suppress_context__ is True


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_exchange_refuses_a_redirect(opened: Opener, stub: HttpStub, status: int) -> None:
    stub.answer(Answer(status=status, headers={"Location": stub.url}))

    with pytest.raises(Redirected):
        opened(stub.url).exchange(b"", JSON)
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 5 ", 5.0),
        ("Sat, 01 Aug 2026 12:01:00 GMT", 60.0),
        ("Sat, 01 Aug 2026 11:00:00 GMT", 0.0),
        ("9" * 400, None),
        ("999999999", LONGEST_RETRY_AFTER),
        ("-1", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_reply_tells_the_retry_after_in_seconds(
    opened: Opener, stub: HttpStub, value: str | None, seconds: float | None
) -> None:
    headers = {"Date": "Sat, 01 Aug 2026 12:00:00 GMT"}
    stub.answer(Answer(headers=headers if value is None else {**headers, "Retry-After": value}))

    reply = opened(stub.url).exchange(b"", JSON)

    assert reply.retry_after == seconds
    assert reply.sent_at == dt.datetime(2026, 8, 1, 12, tzinfo=dt.UTC)


def test_reply_shows_no_body(opened: Opener, stub: HttpStub) -> None:
    stub.answer(Answer(b"Ivanov"))

    assert "Ivanov" not in repr(opened(stub.url).exchange(b"", JSON))


def test_probe_asks_without_a_body_and_takes_any_status(opened: Opener, stub: HttpStub) -> None:
    stub.answer(Answer(status=302, headers={"Location": "/"}))

    assert opened(stub.url).probe().status == 302
    assert (stub.asked[0].method, stub.asked[0].body) == ("GET", b"")


def test_post_is_answered_as_requests_answers(opened: Opener, stub: HttpStub) -> None:
    stub.answer(Answer(b"<a/>", 500, {"Content-Type": "text/xml; charset=utf-8"}))

    response = opened(stub.url).post(f"{stub.url}/x?y=1", data=b"<q/>", headers={"A": "b"})

    assert (response.status_code, response.content, response.text) == (500, b"<a/>", "<a/>")
    assert response.headers["content-type"] == "text/xml; charset=utf-8"
    (asked,) = stub.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/services/x?y=1", b"<q/>")
    assert asked.headers["a"] == "b"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda url: url.replace("/services", "/service"), id="other path"),
        pytest.param(lambda url: url + "2", id="longer segment"),
        pytest.param(lambda url: url + "/%2e%2e/x", id="climbs"),
        pytest.param(lambda url: url + "/..%2fx", id="climbs encoded"),
        pytest.param(lambda url: url + "/..%5cx", id="climbs backwards"),
        pytest.param(lambda url: url.replace("127.0.0.1", "127.0.0.2"), id="other host"),
        pytest.param(lambda url: url.replace("http:", "https:"), id="other scheme"),
        pytest.param(lambda url: re.sub(r":[0-9]+/", ":9/", url), id="other port"),
        pytest.param(lambda url: url.replace("//", "//user:word@"), id="credentials"),
        pytest.param(lambda url: url.replace("127.0.0.1", "127.0.0.1.example"), id="prefix"),
    ],
)
def test_post_refuses_what_lies_outside_the_pinned_address(
    opened: Opener, stub: HttpStub, change: Callable[[str], str]
) -> None:
    with pytest.raises(OutsidePin) as caught:
        opened(stub.url).post(change(stub.url), data=b"secret", verify=False, allow_redirects=True)

    assert caught.value.never_sent is True
    assert stub.asked == []


def test_post_bounds_time_and_size_whatever_the_caller_asks_for(
    opened: Opener, stub: HttpStub
) -> None:
    session = opened(stub.url, total_timeout=4.0, read_timeout=4.0, reply_limit=10)
    stub.answer(Answer(b"x" * 200, drip=0.5), Answer(b"x" * 11), Answer(status=302))

    with pytest.raises(TimedOut):
        session.post(stub.url, data=b"", timeout=60, stream=True)
    with pytest.raises(ReplyTooLarge):
        session.post(stub.url, data=b"", stream=True)
    with pytest.raises(Redirected):
        session.post(stub.url, data=b"", allow_redirects=True)


def test_session_reads_no_proxy_from_the_environment(
    opened: Opener, stub: HttpStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    session = opened(stub.url)

    assert session.post(stub.url, data=b"").status_code == 200
    assert session.post(stub.url, data=b"", proxies={"http": "http://x:1"}).status_code == 200


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "https:///x", "https://a:b@host/x", "https://host/a/../b", "host"]
)
def test_session_refuses_a_base_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|climbs"):
        PinnedSession(url, connect_timeout=1, read_timeout=1, total_timeout=1, threads=1)
