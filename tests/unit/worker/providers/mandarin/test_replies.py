"""What Mandarin's replies are taken for where they say more than one thing."""

from collections.abc import Iterator

import pytest

from tests.support.loopback.http_stub import HttpStub, said
from tests.support.providers.mandarin import SESSION, settings, status, submitted, supplied, work
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.outcomes import NeedsPerson, Pending, Started, Trouble
from worker.providers.mandarin.plugin import MandarinPlugin

YES = (True, True)
NO = (True, False)
ERROR = "Invalid request"


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with HttpStub() as server:
        yield server


@pytest.fixture
def plugin(stub: HttpStub) -> Iterator[MandarinPlugin]:
    made = MandarinPlugin(settings(stub.url))
    yield made
    made.close()


@pytest.mark.parametrize("person", [YES, NO], ids=["passed", "failed"])
def test_status_beside_an_error_is_no_verdict(
    plugin: MandarinPlugin, stub: HttpStub, person: tuple[bool, bool]
) -> None:
    stub.answer(said(status(person, YES, error=ERROR)))

    for outcome in (plugin.poll(work()), plugin.settle(work(State.SETTLING))):
        assert isinstance(outcome, Pending)
        assert outcome.trouble is Trouble.UNKNOWN


def test_session_beside_an_error_was_perhaps_not_started(
    plugin: MandarinPlugin, stub: HttpStub
) -> None:
    stub.answer(said({"id": SESSION, "error": ERROR}))

    outcome = plugin.submit(submitted())

    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason.code is ReasonCode.DOUBTFUL_SUBMIT


def test_code_that_is_answered_beside_an_error_counts_as_doubtful(
    plugin: MandarinPlugin, stub: HttpStub
) -> None:
    stub.answer(said({"id": SESSION, "error": ERROR}))

    outcome = plugin.supply(supplied())

    assert isinstance(outcome, Pending)
    assert outcome.progress is not None
    assert outcome.progress["handed"] == "doubtful"


def test_session_beside_an_error_that_is_null_has_started(
    plugin: MandarinPlugin, stub: HttpStub
) -> None:
    stub.answer(said({"id": SESSION, "error": None}))

    assert isinstance(plugin.submit(submitted()), Started)
