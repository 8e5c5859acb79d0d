"""The ledger finds every kind of failure: each history breaks one promise."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from cryptography.fernet import Fernet

from tests.harnesses.chaos.cases import Case
from tests.harnesses.chaos.ledger import Books, Finding, Kind, Row, audit
from tests.harnesses.chaos.received_events import PublishedEvent, ReceivedEvents, published
from tests.support.messages.marketplace import ACCEPTED, LATE, REFUSED, STARTED, WAITING
from tests.support.processes.system import SEAL_KEY
from uprid_client.contract.events import EventType
from uprid_client.names import Provider
from worker.domain.events import Event

_SUCCEEDED: Final = "uprid.operation.succeeded"
_REJECTED: Final = "uprid.operation.rejected"
_REFERENCE: Final = "order-1"
_CASE: Final = Case(_REFERENCE, Provider.MONETA, "1000", frozenset({_SUCCEEDED}), send=str)


_ROW: Final = Row("succeeded", 1)


def events(
    *types: str, attempt: int = 1, first: int = 1, reason: str | None = None
) -> list[PublishedEvent]:
    return [
        PublishedEvent(f"{_REFERENCE}-{first + n}", kind, _REFERENCE, attempt, first + n, reason)
        for n, kind in enumerate(types)
    ]


def books(
    received: Sequence[PublishedEvent],
    row: Row | None = _ROW,
    *,
    case: Case = _CASE,
    outbox: Sequence[PublishedEvent] | None = None,
    calls: Mapping[str, Any] | None = None,
) -> Books:
    return Books(
        sent={case.reference: case},
        received=received,
        outbox=received if outbox is None else outbox,
        rows={} if row is None else {case.reference: row},
        calls={case.provider: {"1000": calls or {"submits": 1}}},
    )


def kinds(findings: Sequence[Finding]) -> set[Kind]:
    return {finding.kind for finding in findings}


_GOOD: Final = events(ACCEPTED, STARTED, _SUCCEEDED)
_WAITS: Final = events(ACCEPTED, WAITING, reason="doubtful_submit")


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(books(_GOOD), id="ended"),
        pytest.param(books(_WAITS, Row("waiting_for_person", 1)), id="waits-for-a-doubt"),
        pytest.param(
            books([*_WAITS, *events(ACCEPTED, STARTED, _SUCCEEDED, attempt=2, first=3)],
                  Row("succeeded", 2), calls={"submits": 2}),
            id="next-attempt",
        ),
        pytest.param(books([*_GOOD, *events(LATE, first=4)]), id="late-answer-after-its-end"),
        pytest.param(
            books([*_GOOD, PublishedEvent("r", REFUSED, _REFERENCE, attempt=0)]),
            id="message-refused",
        ),
    ],
)  # fmt: skip
def test_ledger_finds_nothing_where_every_promise_held(kept: Books) -> None:
    assert audit(kept) == []


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        pytest.param(books(_GOOD[:2], Row("polling", 1)), Kind.LOST, id="no-end"),
        pytest.param(books([], Row("accepted", 1)), Kind.LOST, id="read-nothing"),
        pytest.param(
            books([*_WAITS, *events(ACCEPTED, attempt=2, first=3)], Row("polling", 2)),
            Kind.LOST,
            id="next-attempt-without-an-end",
        ),
        pytest.param(books([], None), Kind.NEVER_TAKEN, id="never-taken"),
        pytest.param(
            books([*_GOOD, *events(_REJECTED, first=4)], Row("rejected", 1)),
            Kind.DOUBLED,
            id="two-ends",
        ),
        pytest.param(
            books([*_GOOD, *events(_SUCCEEDED, first=4)]), Kind.DOUBLED, id="same-end-twice"
        ),
        pytest.param(books(_GOOD, calls={"submits": 2}), Kind.REPEATED, id="submitted-twice"),
        pytest.param(books([_GOOD[0], _GOOD[2]]), Kind.DISORDERED, id="gap"),
        pytest.param(books([_GOOD[0], _GOOD[2], _GOOD[1]]), Kind.DISORDERED, id="out-of-order"),
        pytest.param(books(_GOOD[1:]), Kind.DISORDERED, id="no-accepted"),
        pytest.param(
            books(_GOOD, outbox=[*_GOOD, *events(LATE, first=4)]), Kind.UNTOLD, id="never-read"
        ),
        pytest.param(books(_GOOD, outbox=_GOOD[:2]), Kind.UNTOLD, id="read-without-outbox"),
        pytest.param(
            books(_GOOD, outbox=[*_GOOD[:2], replace(_GOOD[2], type=_REJECTED)]),
            Kind.UNTOLD,
            id="read-differently",
        ),
        pytest.param(
            books(events(ACCEPTED, STARTED, _REJECTED), Row("rejected", 1)),
            Kind.WRONG_END,
            id="verdict-that-was-not-stated",
        ),
        pytest.param(
            books(events(ACCEPTED, WAITING, reason="poison"), Row("waiting_for_person", 1)),
            Kind.UNEXPLAINED,
            id="waits-for-no-reason",
        ),
        pytest.param(books(_GOOD, Row("polling", 1)), Kind.UNSETTLED, id="stored-otherwise"),
        pytest.param(
            books(_GOOD, Row("succeeded", 1, is_leased=True)), Kind.UNSETTLED, id="still-leased"
        ),
    ],
)
def test_ledger_finds(kept: Books, found: Kind) -> None:
    assert found in kinds(audit(kept))


@pytest.mark.parametrize(
    ("provider", "calls"),
    [
        pytest.param(Provider.MONETA, {"submits": 2}, id="moneta-submit"),
        pytest.param(Provider.NPD, {"startuprid": 2, "taken": 1}, id="npd-start"),
        pytest.param(Provider.MANDARIN, {"submits": 2}, id="mandarin-post"),
        pytest.param(
            Provider.MANDARIN, {"submits": 1, "details": {"codes": {"0007": 2}}}, id="same-code"
        ),
        pytest.param(
            Provider.MANDARIN,
            {"submits": 1, "details": {"codes": {f"{n:04}": 1 for n in range(6)}}},
            id="sixth-code",
        ),
        pytest.param(Provider.INTELLECTMONEY, {"writes": 2, "created": 1}, id="write"),
    ],
)
def test_ledger_finds_a_repeated_call_of_every_provider(
    provider: Provider, calls: Mapping[str, Any]
) -> None:
    case = replace(_CASE, provider=provider)

    assert kinds(audit(books(_GOOD, case=case, calls=calls))) == {Kind.REPEATED}


_GIVEN: Final = {
    Provider.MONETA: {"submits": 1, "tasks": ["77"]},
    Provider.NPD: {"startuprid": 1, "details": {"taken": {"77": 1}}},
    Provider.MANDARIN: {"submits": 1, "details": {"taken": {"77": 1}}},
}


@pytest.mark.parametrize("provider", _GIVEN)
@pytest.mark.parametrize(
    ("ref", "found"), [("77", set[Kind]()), ("78", {Kind.FOREIGN})], ids=["own", "anothers"]
)
def test_ledger_finds_an_id_that_the_provider_gave_to_another(
    provider: Provider, ref: str, found: set[Kind]
) -> None:
    case = replace(_CASE, provider=provider)
    received = [_GOOD[0], *(replace(event, provider_ref=ref) for event in _GOOD[1:])]

    assert kinds(audit(books(received, case=case, calls=_GIVEN[provider]))) == found


@pytest.mark.parametrize(
    ("unit", "found"), [("1000", set[Kind]()), ("2002", {Kind.FOREIGN})], ids=["own", "anothers"]
)
def test_ledger_finds_an_answer_that_is_about_another(unit: str, found: set[Kind]) -> None:
    received = [*_GOOD[:2], replace(_GOOD[2], unit=unit)]

    assert kinds(audit(books(received))) == found


@pytest.mark.parametrize(
    ("answer", "unit"),
    [
        ('{"attribute": [{"key": "unitid", "value": "2002", "approved": false}]}', "2002"),
        ('{"attribute":[{"key":"unitid","value":"2002"}]}', "2002"),
        ('{"asyncStatus": "INPROGRESS"}', None),
    ],
    ids=["answer", "without-blanks", "without-unit"],
)
def test_unit_is_read_from_the_sealed_answer(answer: str, unit: str | None) -> None:
    sealed = Fernet(SEAL_KEY).encrypt(answer.encode()).decode()
    event = Event(EventType.SUCCEEDED, _REFERENCE, datetime.now(UTC), {"sealed": sealed})

    assert published(event).unit == unit


def test_ledger_finds_an_operation_that_nobody_sent() -> None:
    kept = replace(books(_GOOD), rows={_REFERENCE: Row("succeeded", 1), "x": Row("polling", 1)})

    assert [finding.what for finding in audit(kept)] == ["x"]


def test_event_delivered_twice_is_heard_once() -> None:
    received = ReceivedEvents()

    assert [received.add(event) for event in [*_GOOD, *_GOOD]] == [True] * 3 + [False] * 3
    assert received.of(_REFERENCE) == tuple(_GOOD)
    assert received.deliveries == 6


def test_operation_that_began_its_next_attempt_is_not_over() -> None:
    received = ReceivedEvents()
    for event in _WAITS:
        received.add(event)
    waited = received.is_over(_REFERENCE)

    received.add(events(ACCEPTED, attempt=2, first=3)[0])

    assert waited
    assert not received.is_over(_REFERENCE)
