"""The MONETA plugin against a strict server on loopback, cell by cell of the fault table.

Every test runs over JSON and over SOAP: they differ in nothing but how things are written.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.loopback.http_stub import Answer, HttpStub
from tests.support.loopback.server import free_port
from tests.support.providers import moneta
from tests.support.providers.limits import limits_of
from tests.support.providers.moneta import (
    ANONYMOUS,
    ASYNC_ID,
    FULL,
    PERSON,
    SIMPLIFIED,
    UNIT_ID,
    envelope,
    fault,
    profile,
    result,
    ticket,
    work,
)
from tests.support.providers.wires import JSON, SOAP, Wire
from uprid_client.contract.states import State
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Settle,
    Started,
    Trouble,
)
from worker.providers.moneta.faults import MEANINGS
from worker.providers.moneta.plugin import MonetaPlugin
from worker.providers.protocol import Plugin, Work

Maker = Callable[..., MonetaPlugin]


@pytest.fixture(params=[JSON, SOAP], ids=["json", "soap"])
def wire(request: pytest.FixtureRequest) -> Wire:
    spoken: Wire = request.param
    return spoken


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with HttpStub() as server:
        yield server


@pytest.fixture
def make(wire: Wire) -> Iterator[Maker]:
    with ExitStack() as stack:

        def made(url: str, **changes: Any) -> MonetaPlugin:
            plugin = MonetaPlugin(moneta.settings(url, transport=wire.name, **changes))
            stack.callback(plugin.close)
            return plugin

        yield made


@pytest.fixture
def plugin(make: Maker, stub: HttpStub, request: pytest.FixtureRequest) -> MonetaPlugin:
    return make(stub.url, **limits_of(request))


def submitted(payload: dict[str, Any] | None = None) -> Work:
    return work(State.SUBMITTING, provider_ref=None, payload=payload)


def short(outcome: Outcome) -> str:
    """Write an outcome as the tables below do."""
    match outcome:
        case Finished(state=state, reason=reason):
            if reason is None:
                return f"{state} {outcome.result['verified_by']}"
            return f"{state} {reason.code}{' retryable' if reason.retryable else ''}"
        case NeedsPerson(reason=reason):
            return f"person {reason.code}"
        case Misconfigured():
            return "pause"
        case Pending(trouble=trouble) | NotSent(trouble=trouble) | Doubtful(trouble=trouble):
            return f"{type(outcome).__name__.lower()} {trouble}"
        case _:
            return type(outcome).__name__.lower()


#: code: as a fault on submit, as a fault on poll, as errorCode of a result.
TABLE: dict[str, tuple[str, str, str]] = {
    "500.7.11": ("succeeded already_identified",) * 3,
    "500.7.3": ("rejected data_mismatch retryable",) * 3,
    "500.7.4": ("rejected document_invalid retryable",) * 3,
    "500.7.5": ("rejected phone_not_confirmed retryable",) * 3,
    "500.7.6": ("rejected data_incomplete retryable",) * 3,
    "500.7.9": ("rejected data_incomplete retryable",) * 3,
    "300.5": ("rejected not_found_at_provider retryable",) * 3,
    "300.6": ("rejected data_mismatch retryable",) * 3,
    "500.7.7": ("rejected not_eligible",) * 3,
    "500.7.12": ("rejected not_eligible",) * 3,
    "500.7.2": ("person not_found_at_provider", "settle", "settle"),
    "500.9.1": ("person not_found_at_provider", "pending None", "settle"),
    "500.7.1": ("person provider_error",) * 3,
    "500.7.8": ("person provider_error",) * 3,
    "500.7.10": ("person document_invalid",) * 3,
    **dict.fromkeys(
        ("500.8", "500.8.3.1.1", "500.8.3.1.9", "500.8.3.1.10", "500.8.4769.1"),
        (
            "notsent dependency",
            "pending dependency",
            "failed provider_unavailable retryable",
        ),
    ),
    "100": (
        "doubtful unavailable",
        "pending unavailable",
        "failed provider_unavailable retryable",
    ),
    **dict.fromkeys(
        ("300.1", "300.1.1", "300.1.2", "300.1.3", "300.1.77", "300.7"),
        ("pause", "pause", "person configuration"),
    ),
    **dict.fromkeys(
        ("200", "300.2", "300.3", "500.9.2", "500.9.3", "500.9.4", "500.9.5"),
        ("person configuration",) * 3,
    ),
    **dict.fromkeys(
        ("300.10", "300", "500.7", "500.7.99", "500.8.3.1.2", "500.8.4769.2", "100.1", "500.7.3.1"),
        ("person unknown_answer", "pending unknown", "person unknown_answer"),
    ),
    "free text": ("person unknown_answer", "pending unknown", "person unknown_answer"),
}
CELLS = pytest.mark.parametrize(
    ("code", "cells"), [pytest.param(code, cells, id=code) for code, cells in TABLE.items()]
)


def test_table_names_every_code_that_the_mapping_knows() -> None:
    assert set(MEANINGS) <= set(TABLE)


#: The same over both, PERSON as MONETA wants it.
SUBMITTED = {
    "AsyncRequest": {
        "SimplifiedIdentificationRequest": {
            "unitId": UNIT_ID,
            "personalInformation": {
                "profile": {
                    "attribute": [
                        {"key": "first_name", "value": "Проверка"},
                        {"key": "last_name", "value": "Проверкин"},
                        {"key": "middle_initial_name", "value": "Иванович"},
                        {"key": "cell_phone", "value": "79001234567"},
                        {"key": "date_of_birth", "value": "1990-01-31"},
                        {"key": "snils", "value": "112-233-445 95"},
                        {"key": "inn", "value": "501716749325"},
                    ]
                },
                "document": {
                    "id": 123,
                    "type": "PASSPORT",
                    "attribute": [
                        {"key": "SERIES", "value": "0000"},
                        {"key": "NUMBER", "value": "000001"},
                        {"key": "ISSUER", "value": "ОВД № 1"},
                        {"key": "ISSUED", "value": "2010-02-03"},
                        {"key": "DEPARTMENT", "value": "000-000"},
                    ],
                },
            },
        }
    }
}


@CELLS
@pytest.mark.parametrize("key", ["fault", "Fault"])
def test_submit_reads_the_fault(
    plugin: Plugin, stub: HttpStub, wire: Wire, code: str, cells: tuple[str, str, str], key: str
) -> None:
    stub.answer(wire.said(fault(code, key), wire.fault_status))

    outcome = plugin.submit(submitted())

    assert short(outcome) == cells[0]
    assert outcome.calls == len(stub.asked) == 1


@CELLS
def test_poll_reads_the_fault(
    plugin: Plugin, stub: HttpStub, wire: Wire, code: str, cells: tuple[str, str, str]
) -> None:
    stub.answer(wire.said(fault(code), wire.fault_status))

    outcome = plugin.poll(work())

    assert short(outcome) == cells[1]
    assert outcome.note == f"fault {code}" if code != "free text" else "fault (malformed)"


@CELLS
def test_poll_reads_the_error_code_of_a_result(
    plugin: Plugin, stub: HttpStub, wire: Wire, code: str, cells: tuple[str, str, str]
) -> None:
    stub.answer(wire.said(result(success=False, code=code)))

    outcome = plugin.poll(work())

    assert short(outcome) == cells[2]
    if isinstance(outcome, Finished | NeedsPerson):
        assert outcome.answer is not None
        assert "Проверкин" not in repr(outcome)


def test_fault_carries_its_code_to_the_marketplace(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(fault("500.7.3"), wire.fault_status))

    outcome = plugin.poll(work())

    assert isinstance(outcome, Finished)
    assert outcome.reason is not None
    assert outcome.reason.provider_code == "500.7.3"
    assert outcome.answer == wire.written(fault("500.7.3"))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            envelope(
                fault={"detail": {"stack": {"x": 1}, "more": [{"faultDetail": "500.9.1"}, None]}}
            ),
            id="deep inside",
        ),
        pytest.param({"fault": {"detail": {"faultDetail": "500.9.1"}}}, id="no envelope"),
    ],
)
def test_poll_finds_the_fault_detail_by_name(
    plugin: Plugin, stub: HttpStub, wire: Wire, document: object
) -> None:
    stub.answer(wire.said(document, wire.fault_status))

    assert plugin.poll(work()).note == "fault 500.9.1"


@pytest.mark.parametrize("status", [200, 400, 404, 500, 502, 503])
def test_poll_reads_a_fault_before_it_looks_at_the_status(
    plugin: Plugin, stub: HttpStub, wire: Wire, status: int
) -> None:
    stub.answer(wire.said(fault("500.7.3"), status))

    assert short(plugin.poll(work())) == "rejected data_mismatch retryable"


def test_submit_starts_the_task(plugin: Plugin, stub: HttpStub, wire: Wire) -> None:
    stub.answer(wire.said(ticket("CREATED")))

    outcome = plugin.submit(submitted(PERSON))

    deadline = datetime(2026, 8, 1, 23, 40, tzinfo=UTC)
    assert outcome == Started(str(ASYNC_ID), "CREATED", deadline)
    assert wire.body(stub.asked[0]) == SUBMITTED


def test_submit_sends_the_callback_url_after_the_request(
    make: Maker, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(ticket("CREATED")))

    make(stub.url, callback_url="https://shop.example/moneta").submit(submitted(PERSON))

    asked = wire.body(stub.asked[0])["AsyncRequest"]
    assert asked == {**SUBMITTED["AsyncRequest"], "callbackUrl": "https://shop.example/moneta"}
    assert list(asked) == ["SimplifiedIdentificationRequest", "callbackUrl"]


def test_submit_without_data_names_the_unit_and_nothing_else(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(ticket("CREATED")))

    plugin.submit(submitted())

    assert wire.body(stub.asked[0]) == {
        "AsyncRequest": {"SimplifiedIdentificationRequest": {"unitId": UNIT_ID}}
    }


@pytest.mark.parametrize(
    ("date", "deadline"),
    [
        ("2026-08-02T02:40:00Z", datetime(2026, 8, 2, 2, 40, tzinfo=UTC)),
        ("2026-08-02T02:40:00", datetime(2026, 8, 1, 23, 40, tzinfo=UTC)),
        ("9999-12-31T00:00:00Z", None),
        (None, None),
    ],
    ids=["UTC", "no zone is Moscow", "unbelievable", "none"],
)
def test_submit_takes_the_deadline_from_moneta(
    plugin: Plugin, stub: HttpStub, wire: Wire, date: str | None, deadline: datetime | None
) -> None:
    stub.answer(wire.said(ticket("CREATED", expirationDate=date)))

    outcome = plugin.submit(submitted())

    assert isinstance(outcome, Started)
    assert outcome.deadline_at == deadline


def test_submit_keeps_the_task_when_its_status_is_unknown(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(ticket("Проверкин")))

    outcome = plugin.submit(submitted())

    assert outcome == Started(str(ASYNC_ID), "unknown asyncStatus", outcome.deadline_at)  # type: ignore[union-attr]


#: No code: a proxy, or the container in which MONETA runs.
CODELESS = envelope(fault={"detail": {}})
#: What a note says of the provider; the others break the contract.
TROUBLES = {
    "http 503": Trouble.UNAVAILABLE,
    **dict.fromkeys(
        (
            "unreadable reply",
            "fault without a code",
            "http 500",
            "http 502",
            "reply too large",
            "redirect refused",
            "connection broken",
            "timed out",
        ),
        Trouble.TRANSPORT,
    ),
}


def document(content: object, note: str, name: str, status: int = 200) -> Any:  # noqa: ANN401 -- pytest names the type of its rows nowhere
    """Return a row of the table below, written in the language of the test."""
    return pytest.param(lambda wire: wire.said(content, status), note, id=name)


def raw(note: str, name: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 -- likewise
    """Return a row of the table below, the same in every language."""
    return pytest.param(lambda _: Answer(*args, **options), note, id=name)


BROKEN = [
    raw("unreadable reply", "empty"),
    raw("unreadable reply", "blank", b" \r\n"),
    raw("unreadable reply", "text", "Service недоступен".encode()),
    raw("unreadable reply", "no UTF-8", b"\xff\xfe{}"),
    raw("unreadable reply", "zeros", b"\0" * 100),
    raw("unreadable reply", "a page", b"<html><body><p>maintenance</p></body></html>"),
    raw("unreadable reply", "a page of old", b"<!doctype html><html><br></html>"),
    raw("http 502", "a proxy's page", b"<html>502</html>", 502),
    raw("http 503", "unavailable", b"{}", 503, {"Retry-After": "7"}),
    raw("http 500", "a failure without a word", b"", 500),
    raw("reply too large", "too large", b"x" * 2_000_000),
    raw("redirect refused", "redirect", status=302, headers={"Location": "/"}),
    raw("connection broken", "cut", cut=True),
    raw("timed out", "drip", b"x" * 90, drip=0.05),
    document(envelope(), "unreadable reply", "empty body"),
    document({"Другое": {}}, "unreadable reply", "no envelope"),
    document({"Envelope": {}}, "wrong types", "no body"),
    document(envelope(SomethingElse={"success": True}), "unreadable reply", "nothing known"),
    document(envelope(AsyncResponse=None), "unreadable reply", "nil"),
    document(CODELESS, "fault without a code", "a fault without faultDetail", 500),
    document(CODELESS, "fault without a code", "a fault without faultDetail, as JSON's", 400),
    document(CODELESS, "fault without a code", "a fault without faultDetail, and all is well"),
    document(CODELESS, "http 502", "a proxy's fault", 502),
    document(CODELESS, "http 503", "a proxy's fault that passes", 503),
    document(envelope(fault={"faultDetail": "100"}), "http 502", "faultDetail elsewhere", 502),
    document(
        envelope(fault={"detail": {"faultDetail": " "}}), "fault without a code", "blank code", 500
    ),
    document(
        envelope(fault={"detail": {"a": {"faultDetail": "100"}, "faultDetail": "500.7.3"}}),
        "several faultDetail",
        "two codes",
    ),
    document(
        envelope(**fault("100")["Envelope"]["Body"], **ticket()["Envelope"]["Body"]),
        "several answers in one",
        "a fault and a status",
    ),
    document(
        envelope(**result()["Envelope"]["Body"], **profile(SIMPLIFIED)["Envelope"]["Body"]),
        "several answers in one",
        "a result and a profile",
    ),
    document(ticket(), "http 500", "a status with HTTP 500", 500),
    document(result(success=True), "http 502", "a result with HTTP 502", 502),
    document(profile(SIMPLIFIED), "the answer to another question", "another answer"),
    document(envelope(AsyncResponse={}), "neither a result nor an asyncId", "nothing"),
    document(ticket(asyncId=None), "neither a result nor an asyncId", "asyncId nil"),
    document(ticket(asyncId=-1), "wrong types", "asyncId negative"),
    document(ticket(asyncId=0), "wrong types", "asyncId zero"),
    document(ticket(asyncId=2**63), "wrong types", "asyncId too large"),
    document(ticket(asyncId=37027.5), "wrong types", "asyncId a fraction"),
    document(ticket(asyncId="x"), "wrong types", "asyncId a word"),
    document(ticket(asyncId=""), "wrong types", "asyncId empty"),
    document(ticket(expirationDate=5), "wrong types", "date a number"),
    document(ticket(expirationDate="soon"), "wrong types", "no date"),
    document(ticket(expirationDate="2026-02-30T00:00:00Z"), "wrong types", "no such day"),
    document(ticket(expirationDate="0001-01-01T00:00:00+14:00"), "wrong types", "before all days"),
    document(ticket(asyncStatus={"word": "CREATED"}), "wrong types", "status an object"),
    document(result(success="yes"), "wrong types", "success a word"),
    document(result(success="True"), "wrong types", "success a capital"),
    document(result(success=""), "wrong types", "success empty"),
    document(result(success=2), "wrong types", "success a number"),
    document(result(success=None), "wrong types", "success nil"),
    document(result(success={"value": True}), "wrong types", "success an object"),
    document(
        envelope(AsyncResponse={"SimplifiedIdentificationResponse": {"error": ""}}),
        "wrong types",
        "no success",
    ),
    document(
        result(asyncId=ASYNC_ID, asyncStatus="INPROGRESS"),
        "a result and a status",
        "a result and a status",
    ),
]


@pytest.mark.parametrize(("answer", "note"), BROKEN)
def test_poll_is_troubled_when_the_reply_is_broken(
    plugin: Plugin, stub: HttpStub, wire: Wire, answer: Callable[[Wire], Answer], note: str
) -> None:
    stub.answer(answer(wire))

    outcome = plugin.poll(work())

    assert isinstance(outcome, Pending)
    assert (outcome.note, outcome.calls) == (note, 1)
    assert outcome.trouble is TROUBLES.get(note, Trouble.UNKNOWN)


@pytest.mark.parametrize(("answer", "note"), BROKEN)
def test_submit_is_doubtful_when_the_reply_is_broken(
    plugin: Plugin, stub: HttpStub, wire: Wire, answer: Callable[[Wire], Answer], note: str
) -> None:
    stub.answer(answer(wire))

    outcome = plugin.submit(submitted(PERSON))

    assert isinstance(outcome, Doubtful)
    assert outcome.note == note
    assert len(stub.asked) == 1


@pytest.mark.parametrize("verdict", [result(), result(success=False, code="500.7.3")])
def test_poll_is_troubled_when_the_verdict_is_cut_anywhere(
    plugin: Plugin, stub: HttpStub, wire: Wire, verdict: object
) -> None:
    whole = wire.written(verdict)

    for length in range(0, len(whole), 41):
        stub.answer(Answer(whole[:length]))
        assert plugin.poll(work()).note == "unreadable reply"


def test_submit_was_not_sent_when_the_connection_is_refused(make: Maker) -> None:
    outcome = make(f"http://127.0.0.1:{free_port()}/services").submit(submitted(PERSON))

    assert outcome == NotSent("connection refused", Trouble.TRANSPORT)


def test_submit_was_not_processed_when_moneta_is_too_busy(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(fault("100"), 429, Retry_After="9"))

    assert plugin.submit(submitted()) == NotSent("http 429", Trouble.UNAVAILABLE, 9.0)


def test_submit_tells_when_to_come_back(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(Answer(status=503, headers={"Retry-After": "7"}))

    assert plugin.submit(submitted()) == Doubtful("http 503", Trouble.UNAVAILABLE, 7.0)
    assert plugin.poll(work()) == Pending("http 503", Trouble.UNAVAILABLE, 7.0)


@pytest.mark.parametrize("status", ["INPROGRESS", "CREATED"])
def test_poll_goes_on_while_the_task_runs(
    plugin: Plugin, stub: HttpStub, wire: Wire, status: str
) -> None:
    stub.answer(wire.said(ticket(status, expirationDate=None)))

    assert plugin.poll(work()) == Pending(status)
    assert wire.body(stub.asked[0]) == {"AsyncRequest": {"asyncId": ASYNC_ID}}


@pytest.mark.parametrize(
    "document",
    [
        ticket("DONE"),
        ticket(None),
        ticket(asyncId=ASYNC_ID + 1),
        result(asyncId=ASYNC_ID + 1),
        result(success="yes"),
        profile(SIMPLIFIED),
        fault("500.99"),
    ],
    ids=[
        "unknown status",
        "no status",
        "another task",
        "another task's result",
        "success no boolean",
        "a profile",
        "unknown fault",
    ],
)
def test_poll_asks_three_times_more_then_a_person_when_the_answer_is_unknown(
    plugin: Plugin, stub: HttpStub, wire: Wire, document: object
) -> None:
    stub.answer(wire.said(document))
    progress: Any = {"kept": 1}

    for times in (1, 2, 3):
        outcome = plugin.poll(work(progress=progress))
        assert isinstance(outcome, Pending)
        assert outcome.trouble is Trouble.UNKNOWN
        assert outcome.progress == {"kept": 1, "unknown": times}
        progress = outcome.progress

    assert short(plugin.poll(work(progress=progress))) == "person unknown_answer"


def test_poll_forgets_unknown_answers_after_a_known_one(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(ticket()))

    assert plugin.poll(work(progress={"kept": 1, "unknown": 2})) == Pending(
        "INPROGRESS", progress={"kept": 1}
    )


def test_poll_succeeds_with_the_approved_attributes(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(result()))

    outcome = plugin.poll(work())

    assert isinstance(outcome, Finished)
    assert outcome.state is State.SUCCEEDED
    assert outcome.result == {
        "approved": ["first_name", "last_name", "series"],
        "not_approved": ["snils"],
        "document_id": 123,
        "verified_by": "result",
    }
    assert outcome.answer == wire.written(result())


CHECKED = [
    {"key": "last_name", "value": "Проверкин", "approved": True},
    {"key": "SNILS", "value": "11223344595", "approved": False},
    {"key": "first_name", "value": "Проверка"},
    {"key": "inn", "value": "501716749325", "approved": True},
    {"key": "inn", "value": "501716749325", "approved": False},
    {"key": "unitid", "value": str(UNIT_ID), "approved": False},
    {"key": "modificationdate", "value": "2026-08-01T12:00:00.000+03:00", "approved": True},
    {"key": "Иван Иванов", "value": "x", "approved": True},
]


@pytest.mark.parametrize(
    ("code", "verified_by"),
    [
        pytest.param("500.7.3", None, id="rejected"),
        pytest.param("500.8", None, id="failed"),
        pytest.param("500.7.11", "already_identified", id="already identified"),
    ],
)
def test_every_end_tells_what_was_approved_and_what_was_not(
    plugin: Plugin, stub: HttpStub, wire: Wire, code: str, verified_by: str | None
) -> None:
    document = result(success=False, code=code)
    response = document["Envelope"]["Body"]["AsyncResponse"]["SimplifiedIdentificationResponse"]
    response["personalInformation"]["profile"]["attribute"] = CHECKED
    stub.answer(wire.said(document))

    outcome = plugin.poll(work())

    assert isinstance(outcome, Finished)
    assert outcome.result == {
        "approved": ["last_name", "series"],
        "not_approved": ["inn", "snils"],
        "document_id": 123,
        **({} if verified_by is None else {"verified_by": verified_by}),
    }


@pytest.mark.parametrize(
    ("group", "verified_by"),
    [pytest.param(SIMPLIFIED, "profile_group", id="yes"), pytest.param(ANONYMOUS, None, id="no")],
)
def test_end_by_the_profile_tells_what_the_profile_has_approved(
    plugin: Plugin, stub: HttpStub, wire: Wire, group: int, verified_by: str | None
) -> None:
    document = profile(group)
    document["Envelope"]["Body"]["GetProfileInfoResponse"]["attribute"] += CHECKED[:2]
    stub.answer(wire.said(document), wire.said(fault("500.9.1"), wire.fault_status))

    outcome = plugin.settle(work(State.SETTLING, progress={"last_poll": True, "checks": 2}))

    assert isinstance(outcome, Finished)
    assert outcome.result == {
        "approved": ["last_name"],
        "not_approved": ["snils"],
        "group": "simplified" if verified_by else "anonymous",
        **({} if verified_by is None else {"verified_by": verified_by}),
    }


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(result(unit_id=None), "succeeded result", id="no unitid"),
        pytest.param(result(asyncId=ASYNC_ID), "succeeded result", id="our asyncId beside it"),
        pytest.param(result(code=""), "succeeded result", id="empty errorCode"),
        pytest.param(result(unit_id=1), "person unknown_answer", id="foreign unit"),
        pytest.param(
            result(unit_id=1, success=False, code="500.7.3"),
            "person unknown_answer",
            id="foreign unit rejected",
        ),
        pytest.param(result(success=False), "person unknown_answer", id="no, but no errorCode"),
        pytest.param(result(code="500.7.3"), "person unknown_answer", id="yes and no"),
    ],
)
def test_poll_decides_on_a_result(
    plugin: Plugin, stub: HttpStub, wire: Wire, document: object, expected: str
) -> None:
    stub.answer(wire.said(document))

    assert short(plugin.poll(work())) == expected


@pytest.mark.parametrize("reference", [None, "", "abc", "0", "-1", "1" * 20, "٣"])
def test_poll_needs_a_person_when_there_is_no_async_id(
    plugin: Plugin, stub: HttpStub, reference: str | None
) -> None:
    outcome = plugin.poll(work(provider_ref=reference))

    assert short(outcome) == "person unknown_answer"
    assert outcome.calls == len(stub.asked) == 0


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(profile(SIMPLIFIED), "succeeded profile_group", id="simplified"),
        pytest.param(profile(FULL), "succeeded profile_group", id="full"),
        pytest.param(profile(ANONYMOUS), "person doubtful_submit", id="anonymous"),
        pytest.param(profile(99), "person doubtful_submit", id="unknown group"),
        pytest.param(profile(None), "person doubtful_submit", id="no group"),
        pytest.param(profile(SIMPLIFIED, unit_id=1), "person doubtful_submit", id="foreign unit"),
        pytest.param(fault("300.5"), "person doubtful_submit", id="fault"),
        pytest.param(fault("300.1"), "pause", id="credentials"),
        pytest.param(fault("100"), "pending unavailable", id="down"),
        pytest.param(fault("500.8"), "pending dependency", id="dependency"),
        pytest.param(envelope(), "pending transport", id="broken"),
    ],
)
def test_clear_up_believes_only_an_identified_unit(
    plugin: Plugin, stub: HttpStub, wire: Wire, document: object, expected: str
) -> None:
    stub.answer(wire.said(document))

    outcome = plugin.clear_up(submitted())

    assert short(outcome) == expected
    assert outcome.calls == len(stub.asked) == 1
    assert wire.body(stub.asked[0]) == {"GetProfileInfoRequest": {"unitId": UNIT_ID}}


@pytest.mark.parametrize(
    ("polled", "looked", "expected", "calls"),
    # The third call: what may be another's is asked again on a connection of its own.
    [
        pytest.param(result(), envelope(), "succeeded result", 1, id="a result outranks the group"),
        pytest.param(
            result(success=False, code="500.7.3"),
            envelope(),
            "rejected data_mismatch retryable",
            1,
            id="a verdict outranks the group",
        ),
        pytest.param(fault("100"), envelope(), "pending unavailable", 1, id="down"),
        pytest.param(fault("300.7"), envelope(), "pause", 1, id="credentials"),
        pytest.param(ticket("DONE"), envelope(), "pending unknown", 1, id="unknown status"),
        pytest.param(
            ticket(), profile(SIMPLIFIED), "succeeded profile_group", 2, id="still pending"
        ),
        pytest.param(
            fault("500.7.2"), profile(FULL), "succeeded profile_group", 2, id="wait expired"
        ),
        pytest.param(
            fault("500.9.1"), profile(SIMPLIFIED), "succeeded profile_group", 2, id="task unknown"
        ),
        pytest.param(ticket(), profile(ANONYMOUS), "pending None", 2, id="anonymous"),
        pytest.param(ticket(), profile(99), "person unknown_answer", 2, id="unknown group"),
        pytest.param(ticket(), profile(None), "person unknown_answer", 2, id="no group"),
        pytest.param(ticket(), fault("300.1.2"), "pause", 3, id="credentials at the profile"),
        pytest.param(ticket(), fault("500.8"), "pending dependency", 2, id="profile later"),
        pytest.param(ticket(), fault("100"), "pending unavailable", 2, id="profile down"),
        pytest.param(ticket(), fault("300.3"), "person configuration", 3, id="profile refused"),
        pytest.param(
            ticket(), fault("500.7.3"), "person data_mismatch", 3, id="no verdict from a profile"
        ),
        pytest.param(ticket(), envelope(), "pending transport", 2, id="profile broken"),
    ],
)
def test_settle_polls_once_then_asks_for_the_group(
    plugin: Plugin,
    stub: HttpStub,
    wire: Wire,
    polled: object,
    looked: object,
    expected: str,
    calls: int,
) -> None:
    stub.answer(wire.said(polled), wire.said(looked))

    outcome = plugin.settle(work(State.SETTLING))

    assert short(outcome) == expected
    assert outcome.calls == len(stub.asked) == calls


def test_settle_does_not_poll_again_when_the_last_poll_was_answered(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(profile(SIMPLIFIED)))

    outcome = plugin.settle(work(State.SETTLING, progress={"last_poll": True}))

    assert outcome == Finished(
        State.SUCCEEDED,
        "group simplified",
        result={"group": "simplified", "verified_by": "profile_group"},
    )
    assert outcome.calls == len(stub.asked) == 1


def test_settle_remembers_the_answered_poll_when_the_profile_is_down(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(ticket()), Answer(status=502))

    outcome = plugin.settle(work(State.SETTLING))

    assert outcome == Pending("http 502", Trouble.TRANSPORT, progress={"last_poll": True}, calls=2)


@pytest.mark.parametrize("kind", ["no code", "a page"])
def test_settle_goes_on_to_the_group_when_polls_are_spoilt_for_good(
    plugin: Plugin, stub: HttpStub, wire: Wire, kind: str
) -> None:
    # Such a fault's status says no more than it does; any other 5xx says that the host is ill.
    spoilt = wire.said(CODELESS, wire.fault_status) if kind == "no code" else Answer(b"<html>")
    progress: Any = {}
    for times in (1, 2):
        stub.answer(spoilt)
        outcome = plugin.settle(work(State.SETTLING, progress=progress))
        assert isinstance(outcome, Pending)
        assert outcome.progress == {"spoilt": times}
        progress = outcome.progress

    stub.answer(spoilt, wire.said(profile(SIMPLIFIED)))
    assert short(plugin.settle(work(State.SETTLING, progress=progress))) == (
        "succeeded profile_group"
    )


def test_settle_waits_for_ever_while_moneta_is_down(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(Answer(status=502))

    outcome = plugin.settle(work(State.SETTLING, progress={"spoilt": 2}))

    assert outcome == Pending("http 502", Trouble.TRANSPORT)


def test_poll_forgets_spoilt_replies_after_a_good_one(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(CODELESS, wire.fault_status), wire.said(ticket()))

    outcome = plugin.poll(work(progress={"kept": 1}))
    assert isinstance(outcome, Pending)
    assert outcome.progress == {"kept": 1, "spoilt": 1}
    assert plugin.poll(work(progress=outcome.progress)) == Pending(
        "INPROGRESS", progress={"kept": 1}
    )


def test_settle_leaves_a_profile_that_breaks_the_contract_to_a_person(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(envelope(GetProfileInfoResponse={"attribute": {}})))
    progress: Any = {"last_poll": True}
    while isinstance(outcome := plugin.settle(work(State.SETTLING, progress=progress)), Pending):
        progress = outcome.progress

    assert short(outcome) == "person unknown_answer"
    # Every second one came behind another on its connection, and is asked for again on a third.
    assert len(stub.asked) == 6


def test_poll_hands_over_to_settle_without_another_poll(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(fault("500.7.2"), wire.fault_status))

    assert plugin.poll(work()) == Settle("fault 500.7.2", progress={"last_poll": True})


def test_poll_asks_again_over_some_minutes_for_a_task_that_is_not_known(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(fault("500.9.1"), wire.fault_status))
    progress: Any = {}
    waited = []

    while isinstance(outcome := plugin.poll(work(progress=progress)), Pending):
        assert outcome.trouble is None
        waited.append(outcome.again_in)
        progress = outcome.progress

    assert waited == [100.0] * 3
    # The last one once more, on a connection of its own: nothing ties it to the question.
    assert outcome == Settle("fault 500.9.1", progress={"last_poll": True}, calls=2)


def test_poll_forgets_that_a_task_was_not_known_once_it_is(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(fault("500.9.1"), wire.fault_status), wire.said(ticket()))
    lost = plugin.poll(work())
    assert isinstance(lost, Pending)

    assert plugin.poll(work(progress=lost.progress)) == Pending("INPROGRESS", progress={})


@pytest.mark.parametrize(("checks", "waits"), [(1, []), (2, [900.0]), (3, [450.0, 450.0])])
def test_settle_rejects_an_anonymous_unit_after_the_configured_checks(
    make: Maker, stub: HttpStub, wire: Wire, checks: int, waits: list[float]
) -> None:
    plugin = make(stub.url, settle_checks=checks, settle_over=timedelta(minutes=15))
    profiles = [wire.said(profile(ANONYMOUS))] * checks
    stub.answer(*profiles, wire.said(fault("500.9.1"), wire.fault_status))
    progress: Any = {"last_poll": True}
    waited = []

    while isinstance(outcome := plugin.settle(work(State.SETTLING, progress=progress)), Pending):
        waited.append(outcome.again_in)
        progress = outcome.progress

    assert waited == waits
    # The poll before the rejection, asked again on a connection of its own.
    assert len(stub.asked) == checks + 2
    assert short(outcome) == "rejected not_identified retryable"


@pytest.mark.parametrize(
    ("polled", "expected"),
    [
        pytest.param(result(), "succeeded result", id="success"),
        pytest.param(
            result(success=False, code="500.7.4"),
            "rejected document_invalid retryable",
            id="another verdict",
        ),
        pytest.param(fault("100"), "pending unavailable", id="down"),
        pytest.param(envelope(), "pending transport", id="broken"),
        pytest.param(fault("500.7.2"), "rejected not_identified retryable", id="over"),
        pytest.param(fault("500.9.1"), "rejected not_identified retryable", id="still lost"),
    ],
)
def test_settle_polls_once_more_before_it_rejects(
    plugin: Plugin, stub: HttpStub, wire: Wire, polled: object, expected: str
) -> None:
    stub.answer(wire.said(profile(ANONYMOUS)), wire.said(polled))

    outcome = plugin.settle(work(State.SETTLING, progress={"last_poll": True, "checks": 2}))

    assert short(outcome) == expected
    assert outcome.calls == len(stub.asked)


def test_settle_goes_on_with_a_task_that_is_found_again_in_time(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    lost = work(State.SETTLING, progress={"last_poll": True, "checks": 2})
    answers = [wire.said(profile(ANONYMOUS)), wire.said(ticket())]

    stub.answer(*answers)
    assert plugin.settle(lost) == Pending("INPROGRESS", progress={}, calls=2)

    stub.answer(*answers)
    late = plugin.settle(replace(lost, now=lost.deadline_at or lost.now))
    assert short(late) == "rejected not_identified retryable"


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(result(unit_id=None), id="a result without a unit"),
        pytest.param(fault("500.7.3"), id="a rejection"),
        pytest.param(fault("500.7.2"), id="the end of the wait"),
        pytest.param(fault("300.1"), id="a refused login"),
        pytest.param(fault("777"), id="an unknown fault"),
        pytest.param(profile(FULL), id="the answer to another question"),
        pytest.param(ticket(asyncId=1), id="another task"),
    ],
)
def test_poll_asks_apart_for_an_end_that_may_be_another_call_s(
    plugin: Plugin, stub: HttpStub, wire: Wire, foreign: object
) -> None:
    stub.answer(wire.said(ticket()), wire.said(foreign), wire.said(ticket()))
    plugin.poll(work())

    outcome = plugin.poll(work())

    assert outcome == Pending("INPROGRESS", calls=2)
    assert stub.connections == 2
    # The reply that was meant may still be on its way.
    plugin.poll(work())
    assert stub.connections == 3


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(profile(FULL, unit_id=1), id="another unit"),
        pytest.param(profile(None, unit_id=1), id="another unit, of no group"),
        pytest.param(fault("300.1"), id="a refused login"),
        pytest.param(fault("500.7.3"), id="a fault"),
        pytest.param(ticket(), id="the answer to another question"),
    ],
)
def test_settle_asks_apart_for_a_profile_that_may_be_another_call_s(
    plugin: Plugin, stub: HttpStub, wire: Wire, foreign: object
) -> None:
    """What is not known for the fourth time goes to a person, the answer with it."""
    stub.answer(wire.said(ticket()), wire.said(foreign), wire.said(profile(FULL)))
    plugin.poll(work())

    outcome = plugin.settle(work(State.SETTLING, provider_ref=None, progress={"unknown": 3}))

    assert short(outcome) == "succeeded profile_group"
    assert outcome.calls == 2
    assert stub.connections == 2


def test_settle_asks_for_the_group_when_there_is_no_async_id(
    plugin: Plugin, stub: HttpStub, wire: Wire
) -> None:
    stub.answer(wire.said(profile(FULL)))

    assert short(plugin.settle(work(State.SETTLING, provider_ref=None))) == (
        "succeeded profile_group"
    )


def test_outcomes_hold_no_personal_data(plugin: Plugin, stub: HttpStub, wire: Wire) -> None:
    for document in (fault("500.7.3"), result(), ticket("Проверкин"), fault("Проверкин")):
        stub.answer(wire.said(document))
        assert "Проверкин" not in repr(plugin.poll(work()))
        assert "Проверкин" not in repr(plugin.submit(submitted(PERSON)))


@pytest.mark.parametrize(
    ("answer", "findings"),
    [
        pytest.param(Answer(status=404), [True, True], id="any status"),
        pytest.param(Answer(status=302), [True, True], id="a redirect"),
        pytest.param(
            Answer(headers={"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}),
            [True, True, False],
            id="clocks apart",
        ),
        pytest.param(Answer(cut=True), [True, False], id="cut"),
    ],
)
def test_check_looks_at_the_host_and_its_clock(
    plugin: Plugin, stub: HttpStub, answer: Answer, findings: list[bool]
) -> None:
    stub.answer(answer)

    assert [finding.ok for finding in plugin.check()] == findings
    assert (stub.asked[0].method, stub.asked[0].body) == ("GET", b"")


def test_check_says_what_is_missing_in_the_settings(make: Maker, stub: HttpStub) -> None:
    plugin = make(stub.url, simplified_group_id=None, full_group_id=None)

    assert plugin.check()[0].ok is False
