"""Which ways a call takes: `requests` and zeep carry it, and do not only stand beside it."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
import zeep
from requests.adapters import HTTPAdapter

from tests.support.loopback.http_stub import HttpStub, said
from tests.support.providers import mandarin, moneta
from tests.support.providers.wires import JSON, SOAP, Wire
from uprid_client.contract.states import State
from worker.providers.mandarin.plugin import MandarinPlugin
from worker.providers.moneta.plugin import MonetaPlugin

ZEEP, SESSION, ADAPTER = "zeep", "session", "adapter"


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The libraries' own code that calls came by, one after the other."""
    passed: list[str] = []

    def watch(owner: type, name: str, way: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def watched(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - as it is
            passed.append(way)
            return original(*args, **options)

        monkeypatch.setattr(owner, name, watched)

    watch(zeep.Transport, "post", ZEEP)
    watch(requests.Session, "send", SESSION)
    watch(HTTPAdapter, "send", ADAPTER)
    return passed


@pytest.mark.parametrize(
    ("wire", "submitted"),
    [(JSON, [SESSION, ADAPTER]), (SOAP, [ZEEP, SESSION, ADAPTER])],
    ids=["json", "soap"],
)
def test_a_submit_goes_the_ordinary_way_and_a_poll_by_the_adapter(
    ways: list[str], wire: Wire, submitted: list[str]
) -> None:
    with HttpStub(wire.said(moneta.ticket("CREATED")), wire.said(moneta.ticket())) as stub:
        plugin = MonetaPlugin(moneta.settings(stub.url, transport=wire.name))
        plugin.submit(moneta.work(State.SUBMITTING, payload=moneta.PERSON, provider_ref=None))
        assert ways == submitted

        ways.clear()
        plugin.poll(moneta.work())
        plugin.close()

    assert ways == [ADAPTER]


def test_a_code_goes_the_ordinary_way_and_a_status_by_the_adapter(ways: list[str]) -> None:
    with HttpStub(said({"id": mandarin.SESSION})) as stub:
        plugin = MandarinPlugin(mandarin.settings(stub.url))
        plugin.supply(mandarin.supplied("1234"))
        assert ways == [SESSION, ADAPTER]

        ways.clear()
        plugin.poll(mandarin.work())
        plugin.close()

    assert ways == [ADAPTER]
