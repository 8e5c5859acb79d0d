"""What stands around a reply: byte order marks and blanks say nothing, all else spoils it.

IntellectMoney's replies are held against the same table in its own folder.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.support.loopback.http_stub import Answer, HttpStub, said
from tests.support.providers import mandarin, moneta, npd
from tests.support.providers.around import HARMLESS, SPOILING
from tests.support.providers.wires import JSON, SOAP, Wire
from uprid_client.contract.states import State
from worker.domain.outcomes import Outcome, Pending, Started
from worker.providers.mandarin.plugin import MandarinPlugin
from worker.providers.moneta.plugin import MonetaPlugin
from worker.providers.npd.plugin import NpdPlugin

#: Submits, and says what came of it.
Submit = Callable[[str], Outcome]


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with HttpStub() as server:
        yield server


def _moneta(wire: Wire) -> tuple[bytes, Submit]:
    def submit(url: str) -> Outcome:
        with ExitStack() as stack:
            plugin = MonetaPlugin(moneta.settings(url, transport=wire.name))
            stack.callback(plugin.close)
            asked = moneta.work(State.SUBMITTING, payload=moneta.PERSON, provider_ref=None)
            return plugin.submit(asked)

    return wire.written(moneta.ticket("CREATED")), submit


def _npd() -> tuple[bytes, Submit]:
    def submit(url: str) -> Outcome:
        with ExitStack() as stack:
            plugin = NpdPlugin(npd.settings(url), None)
            stack.callback(plugin.close)
            asked = npd.work(State.SUBMITTING, payload=npd.PERSON, provider_ref=None)
            return plugin.submit(asked)

    return said(npd.STARTED).body, submit


def _mandarin() -> tuple[bytes, Submit]:
    def submit(url: str) -> Outcome:
        with ExitStack() as stack:
            plugin = MandarinPlugin(mandarin.settings(url))
            stack.callback(plugin.close)
            return plugin.submit(mandarin.submitted(mandarin.BY_SNILS))

    return said({"id": mandarin.SESSION}).body, submit


SUBMITS = {
    "moneta in json": _moneta(JSON),
    "moneta in soap": _moneta(SOAP),
    "npd": _npd(),
    "mandarin": _mandarin(),
}


@pytest.mark.parametrize(("before", "after"), HARMLESS.values(), ids=HARMLESS)
@pytest.mark.parametrize(("reply", "submit"), SUBMITS.values(), ids=SUBMITS)
def test_a_billed_submit_is_not_put_in_doubt_by_what_says_nothing(
    stub: HttpStub, reply: bytes, submit: Submit, before: bytes, after: bytes
) -> None:
    stub.answer(Answer(before + reply + after))

    assert isinstance(submit(stub.url), Started)


@pytest.mark.parametrize(("before", "after"), SPOILING.values(), ids=SPOILING)
@pytest.mark.parametrize(("reply", "submit"), SUBMITS.values(), ids=SUBMITS)
def test_a_reply_with_anything_else_around_it_proves_nothing(
    stub: HttpStub, reply: bytes, submit: Submit, before: bytes, after: bytes
) -> None:
    stub.answer(Answer(before + reply + after))

    assert not isinstance(submit(stub.url), Started)


@pytest.mark.parametrize("wire", [JSON, SOAP], ids=["json", "soap"])
def test_a_poll_is_read_behind_a_byte_order_mark_too(stub: HttpStub, wire: Wire) -> None:
    stub.answer(Answer(b"\xef\xbb\xbf" + wire.written(moneta.ticket())))
    plugin = MonetaPlugin(moneta.settings(stub.url, transport=wire.name))

    outcome = plugin.poll(replace(moneta.work(), polls=1))
    plugin.close()

    assert outcome == Pending("INPROGRESS")
