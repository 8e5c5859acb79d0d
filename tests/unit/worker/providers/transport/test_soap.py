"""The SOAP service: what zeep writes, on the pinned session, and never anywhere else."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from zeep.exceptions import ExternalReferenceForbidden
from zeep.wsse.username import UsernameToken

from tests.support.loopback.http_stub import Answer, HttpStub
from tests.support.providers.moneta import PASSWORD
from worker.domain.errors import ReplyTooLarge
from worker.providers.transport.failures import OutsidePin
from worker.providers.transport.http import PinnedSession
from worker.providers.transport.soap import SoapService

WSDL = (Path(__file__).parents[5] / "worker/providers/moneta/merchant.wsdl").read_bytes()
BINDING = "{http://www.moneta.ru/services.wsdl}MessagesSoap11"
NOWHERE = "http://127.0.0.1:9/services"
IDS = st.integers(min_value=1, max_value=2**63 - 1)
#: The number in whose place the others are written.
PLACE = str(2**63 - 1)
#: What a password may be made of: XML's specials, digits, any script.
SECRETS = st.text(
    st.characters(categories=["L", "N", "P", "S"]) | st.sampled_from("<>&'\""),
    min_size=1,
    max_size=40,
)

Maker = Callable[..., SoapService]


@pytest.fixture
def make() -> Iterator[Maker]:
    with ExitStack() as stack:

        def made(url: str, bound: str | None = None, wsdl: bytes = WSDL) -> SoapService:
            session = _session(url)
            stack.callback(session.close)
            return SoapService(wsdl, BINDING, bound or url, session, _login())

        yield made


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with HttpStub(Answer(b"<a/>", 500, {"Content-Type": "text/xml"})) as server:
        yield server


def _session(url: str) -> PinnedSession:
    return PinnedSession(url, connect_timeout=30, read_timeout=30, total_timeout=30, threads=8)


def _login(username: str = "user", password: str = PASSWORD) -> UsernameToken:
    return UsernameToken(username, password)


def _envelope(service: SoapService, operation: str, **members: int) -> bytes:
    """Return what zeep itself writes."""
    envelope = service._client.create_message(service._service, operation, **members)
    written: bytes = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    return written


def test_call_sends_what_zeep_writes_and_returns_the_reply_as_it_came(
    make: Maker, stub: HttpStub
) -> None:
    service = make(stub.url)

    reply = service.call("Async", asyncId=5)

    assert (reply.status, reply.body) == (500, b"<a/>")
    [asked] = stub.asked
    assert asked.body == _envelope(service, "Async", asyncId=5)
    assert (asked.method, asked.path) == ("POST", "/services")
    assert asked.headers["soapaction"] == '""'
    assert asked.headers["content-type"] == "text/xml;charset=UTF-8"
    assert asked.headers["user-agent"] == "uprid-worker"


def test_send_differs_in_nothing_from_a_call(make: Maker, stub: HttpStub) -> None:
    service = make(stub.url)

    service.call("GetProfileInfo", unitId=7)
    service.poll(service.numbered("GetProfileInfo", "unitId").of(7))

    called, sent = stub.asked
    assert called == sent


@given(number=IDS, username=SECRETS, password=SECRETS)
@example(5, PLACE, PLACE)
def test_numbered_message_has_the_bytes_that_zeep_would_write(
    number: int, username: str, password: str
) -> None:
    with _session(NOWHERE) as session:
        service = SoapService(WSDL, BINDING, NOWHERE, session, _login(username, password))

        for operation, member in (("Async", "asyncId"), ("GetProfileInfo", "unitId")):
            message = service.numbered(operation, member).of(number)
            assert message == _envelope(service, operation, **{member: number})


def test_service_is_bound_to_the_given_address_and_not_to_the_interfaces(
    make: Maker, stub: HttpStub
) -> None:
    assert b"moneta.invalid" in WSDL

    make(stub.url).call("Async", asyncId=5)

    assert len(stub.asked) == 1


def test_call_goes_nowhere_but_to_the_pinned_address(make: Maker, stub: HttpStub) -> None:
    service = make(stub.url, bound=f"http://localhost:{stub.port}/services")

    with pytest.raises(OutsidePin):
        service.call("Async", asyncId=5)
    assert stub.asked == []


def test_call_is_bounded_like_every_other(make: Maker, stub: HttpStub) -> None:
    stub.answer(Answer(b"x" * 2_000_000))

    with pytest.raises(ReplyTooLarge):
        make(stub.url).call("Async", asyncId=5)


@pytest.mark.parametrize("where", ["{stub}", "file:///etc/hostname", "other.wsdl"])
def test_service_loads_nothing_that_an_interface_imports(
    make: Maker, stub: HttpStub, where: str
) -> None:
    address = where.format(stub=stub.url)
    imports = f'<wsdl:import namespace="urn:x" location="{address}"/><wsdl:types>'
    wsdl = WSDL.replace(b"<wsdl:types>", imports.encode())

    with pytest.raises((OutsidePin, ExternalReferenceForbidden)):
        make(stub.url, wsdl=wsdl)

    assert stub.asked == []


def test_session_keeps_its_adapters_and_headers_when_zeep_uses_it() -> None:
    with _session(NOWHERE) as session:
        before = (dict(session.adapters), dict(session.headers))
        SoapService(WSDL, BINDING, NOWHERE, session, _login())

        assert (dict(session.adapters), dict(session.headers)) == before


def test_password_reaches_no_log_and_no_repr(
    make: Maker, stub: HttpStub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service = make(stub.url)

    service.call("Async", asyncId=5)
    numbered = service.numbered("Async", "asyncId")
    service.poll(numbered.of(5))

    assert "pass" not in caplog.text
    assert "pass" not in repr(numbered)


def test_threads_share_a_service_without_mixing_their_calls(make: Maker, stub: HttpStub) -> None:
    service = make(stub.url)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: service.call("Async", asyncId=number), range(1, 201)))

    expected = {_envelope(service, "Async", asyncId=number) for number in range(1, 201)}
    assert {asked.body for asked in stub.asked} == expected
