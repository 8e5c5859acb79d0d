"""MONETA's stand-in calls back when a task ends."""

import time
from collections.abc import Callable

import pytest
import requests

from tests.support.loopback.http_stub import Answer, HttpStub
from tests.support.providers.sandbox import JSON, SOAP, Transport
from tests.support.providers.sandbox_requests import Members, personal_information, submit
from tests.support.providers.silence import PATIENCE
from uprid_sandbox.background import background
from uprid_sandbox.bell import is_loopback
from uprid_sandbox.options import SandboxOptions

OPTIONS = SandboxOptions(delay=0.05, callbacks=True)


def called_back(url: str, number: int) -> Members:
    content = submit(11_000 + number, personal_information())
    content["Envelope"]["Body"]["AsyncRequest"]["callbackUrl"] = url
    return content


def submitted(address: str, content: Members, transport: Transport) -> int:
    answer = requests.post(
        f"{address}/moneta/services",
        data=transport.encode(content),
        headers={"Content-Type": transport.content_type},
        timeout=PATIENCE,
    )
    async_id: int = transport.decode(answer.content)["AsyncResponse"]["asyncId"]
    return async_id


def happens(condition: Callable[[], object], within: float = 5.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("transport", [JSON, SOAP], ids=lambda transport: transport.name)
def test_callback_carries_the_task_and_nothing_else_when_it_ends(transport: Transport) -> None:
    with HttpStub() as stub, background(OPTIONS) as address:
        async_id = submitted(address, called_back(f"{stub.url}?shop=1", 0), transport)
        assert happens(lambda: stub.asked)
    [asked] = stub.asked
    assert (asked.method, asked.path) == ("GET", f"/services?shop=1&asyncId={async_id}")
    assert asked.body == b""


@pytest.mark.parametrize(
    ("options", "number"),
    [
        pytest.param(SandboxOptions(delay=0.05), 0, id="not-asked-for"),
        pytest.param(OPTIONS, 206, id="never-ends"),
    ],
)
def test_callback_does_not_come_when_it_should_not(options: SandboxOptions, number: int) -> None:
    with HttpStub() as stub, background(options) as address:
        submitted(address, called_back(stub.url, number), JSON)
        assert not happens(lambda: stub.asked, within=0.4)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(status=500), id="error"),
        pytest.param(Answer(cut=True), id="dropped"),
        pytest.param(Answer(status=302, headers={"Location": "http://127.0.0.1:9/"}), id="moved"),
    ],
)
def test_callback_is_made_once_when_the_client_fails(answer: Answer) -> None:
    with HttpStub(answer) as stub, background(OPTIONS) as address:
        submitted(address, called_back(stub.url, 0), JSON)
        assert happens(lambda: stub.asked)
        assert not happens(lambda: len(stub.asked) > 1, within=0.3)
        # The sandbox goes on.
        assert submitted(address, called_back("http://127.0.0.1:9/", 103), JSON)
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000/done", True),
        ("http://[::1]/done", True),
        ("http://localhost/done", False),
        ("https://shop.example/done", False),
        ("http://127.0.0.1.shop.example/done", False),
        ("http://127.0.0.1@shop.example/done", False),
        ("http://0.0.0.0/done", False),
    ],
)
def test_address_is_on_loopback_only_when_its_number_says_so(url: str, *, expected: bool) -> None:
    assert is_loopback(url) is expected
