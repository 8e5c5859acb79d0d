"""From a foreign `send_task` to the event: every ending once, on both databases."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.messages.marketplace import ACCEPTED, ENDS, STARTED, WAITING, Event
from tests.support.messages.people import changed, person
from tests.support.processes.system import System, system
from tests.support.servers.fresh import valkey_server

SUCCEEDED: Final = "uprid.operation.succeeded"
REJECTED: Final = "uprid.operation.rejected"
FAILED: Final = "uprid.operation.failed"

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_CLOUDEVENT: Final = {
    "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data",
}  # fmt: skip
_DATA: Final = {
    "operation_id", "reference", "provider", "kind", "attempt", "sequence", "state",
    "provider_ref", "started_at", "finished_at", "polls", "reason", "result",
}  # fmt: skip


@dataclass(frozen=True)
class Ending:
    """A scenario of the sandbox and the events that it must end in."""

    scenario: int
    type: str
    code: str | None = None
    provider_code: str | None = None
    retryable: bool = False
    verified_by: str | None = None
    started: bool = True
    answered: bool = True


_ENDINGS: Final = [
    Ending(0, SUCCEEDED, verified_by="result"),
    Ending(1, SUCCEEDED, verified_by="result"),
    Ending(5, SUCCEEDED, verified_by="result"),
    Ending(111, SUCCEEDED, verified_by="already_identified"),
    Ending(152, SUCCEEDED, verified_by="already_identified"),
    Ending(103, REJECTED, "data_mismatch", "500.7.3", retryable=True),
    Ending(104, REJECTED, "document_invalid", "500.7.4", retryable=True),
    Ending(105, REJECTED, "phone_not_confirmed", "500.7.5", retryable=True),
    Ending(106, REJECTED, "data_incomplete", "500.7.6", retryable=True),
    Ending(107, REJECTED, "not_eligible", "500.7.7"),
    Ending(112, REJECTED, "not_eligible", "500.7.12"),
    Ending(151, REJECTED, "data_mismatch", "500.7.3", retryable=True),
    Ending(120, FAILED, "provider_unavailable", "500.8.3.1.1", retryable=True),
    Ending(122, FAILED, "provider_unavailable", "100", retryable=True),
    Ending(101, WAITING, "provider_error", "500.7.1"),
    Ending(400, WAITING, "unknown_answer"),
    Ending(401, WAITING, "unknown_answer"),
    Ending(403, WAITING, "unknown_answer", "500.7.999"),
    Ending(404, WAITING, "unknown_answer"),
    Ending(102, REJECTED, "not_identified", retryable=True, answered=False),
    Ending(200, REJECTED, "not_identified", retryable=True, answered=False),
    Ending(201, SUCCEEDED, verified_by="profile_group", answered=False),
    Ending(202, SUCCEEDED, verified_by="profile_group", answered=False),
    Ending(203, WAITING, "unknown_answer", answered=False),
    Ending(205, SUCCEEDED, verified_by="profile_group", answered=False),
    Ending(206, REJECTED, "not_identified", retryable=True, answered=False),
    Ending(207, SUCCEEDED, verified_by="profile_group", answered=False),
    Ending(220, REJECTED, "not_identified", retryable=True, answered=False),
    Ending(221, SUCCEEDED, verified_by="profile_group", answered=False),
    Ending(300, SUCCEEDED, verified_by="result"),
    Ending(301, SUCCEEDED, verified_by="result"),
    Ending(303, SUCCEEDED, verified_by="result"),
    Ending(306, SUCCEEDED, verified_by="result"),
    Ending(311, SUCCEEDED, verified_by="result"),
    Ending(320, SUCCEEDED, verified_by="result"),
    Ending(500, SUCCEEDED, verified_by="profile_group", started=False, answered=False),
    Ending(502, WAITING, "doubtful_submit", started=False, answered=False),
    Ending(505, SUCCEEDED, verified_by="result"),
    Ending(506, WAITING, "document_invalid", "500.7.10", started=False),
    Ending(511, SUCCEEDED, verified_by="already_identified", started=False),
    Ending(512, REJECTED, "data_mismatch", "500.7.3", retryable=True, started=False),
    Ending(513, REJECTED, "not_eligible", "500.7.7", started=False),
    Ending(514, SUCCEEDED, verified_by="profile_group", started=False, answered=False),
    Ending(516, WAITING, "unknown_answer", "500.99.1", started=False),
]
_CORRECTED: Final = "corrected"
_TWICE: Final = "sent-twice"
_STORED: Final = "stored-data"


def unit_of(ending: Ending) -> int:
    return 7_000_000 + ending.scenario


def reference_of(ending: Ending) -> str:
    return f"spine-{ending.scenario:03}"


@dataclass(frozen=True)
class Run:
    """Everything sent and ended: the tests below only read."""

    system: System
    events: list[Event]
    by_reference: dict[str, list[Event]]


@pytest.fixture(scope="module")
def run(both_urls: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One of everything, sent at once by an outsider and waited for."""
    directory = tmp_path_factory.mktemp("spine")
    settings = {"UPRID_MONETA__TOTAL_TIMEOUT": "3", "UPRID_MONETA__READ_TIMEOUT": "3"}
    settings["UPRID_MONETA__CONNECT_TIMEOUT"] = "3"
    with valkey_server() as broker, system(directory, broker, both_urls, settings) as whole:
        whole.start_sandbox()
        whole.start("worker", "poller")
        shop = whole.marketplace
        for ending in _ENDINGS:
            shop.start(reference_of(ending), unit_of(ending), person(ending.scenario))
        for _ in range(2):
            shop.start(_TWICE, 7_900_000, person(900))
        shop.start(_STORED, 7_901_000)
        shop.start(_CORRECTED, 7_902_150, person(902))
        shop.wait_for([_CORRECTED])
        better = changed(person(902), document__number="777777")
        for _ in range(2):
            shop.retry(_CORRECTED, attempt=1, payload=better)
        # Twice over: the first message of all may come again as late as this.
        shop.start(_CORRECTED, 7_902_150, person(902))
        shop.wait_for([reference_of(each) for each in _ENDINGS] + [_TWICE, _STORED], timeout=40)
        shop.wait_for([_CORRECTED], [SUCCEEDED], timeout=20)
        events = shop.events()
        found: dict[str, list[Event]] = {}
        for event in events:
            found.setdefault(event.subject, []).append(event)
        yield Run(whole, events, found)


@pytest.mark.parametrize("ending", _ENDINGS, ids=reference_of)
def test_ending_is_told_once_and_as_the_contract_has_it(run: Run, ending: Ending) -> None:
    events = run.by_reference[reference_of(ending)]

    expected = [ACCEPTED, *([STARTED] if ending.started else []), ending.type]
    assert [event.type for event in events] == expected
    data = events[-1].data
    if ending.code is None:
        assert data["reason"] is None
    else:
        assert data["reason"]["code"] == ending.code
        assert data["reason"]["provider_code"] == ending.provider_code
        assert data["reason"]["retryable"] is ending.retryable
        assert data["reason"]["message"].isascii()
    assert data["result"].get("verified_by") == ending.verified_by


@pytest.mark.parametrize("ending", _ENDINGS, ids=reference_of)
def test_operation_is_submitted_once_unless_the_provider_says_that_it_was_not_created(
    run: Run, ending: Ending
) -> None:
    calls = run.system.unit(unit_of(ending))

    assert calls["submits"] == (3 if ending.scenario == 505 else 1)
    assert calls["taken"] <= 1


@pytest.mark.parametrize("ending", _ENDINGS, ids=reference_of)
def test_last_event_carries_the_answer_sealed_where_it_decided(run: Run, ending: Ending) -> None:
    data = run.by_reference[reference_of(ending)][-1].data

    assert ("sealed" in data) is ending.answered
    if ending.answered:
        assert "Envelope" in json.loads(run.system.marketplace.unseal(data["sealed"]))


def test_event_has_the_attributes_of_a_cloudevent_and_no_other_field(run: Run) -> None:
    for event in run.events:
        fields = event.fields
        assert set(fields) == _CLOUDEVENT
        assert fields["specversion"] == "1.0"
        assert fields["source"] == "uprid-worker"
        assert fields["datacontenttype"] == "application/json"
        assert _MOMENT.fullmatch(fields["time"])
        assert fields["subject"] == event.data["reference"]


def test_event_data_has_the_documented_members_with_their_types(run: Run) -> None:
    for event in run.events:
        data = event.data
        assert set(data) - {"sealed"} == _DATA
        assert data["provider"] == "moneta"
        assert data["kind"] == "identification"
        for name in ("attempt", "sequence", "polls"):
            assert type(data[name]) is int
        assert isinstance(data["operation_id"], str)
        assert isinstance(data["result"], dict)
        for name in ("started_at", "finished_at"):
            assert data[name] is None or _MOMENT.fullmatch(data[name])
        if data["reason"] is not None:
            assert set(data["reason"]) == {"code", "provider_code", "retryable", "message"}
            assert type(data["reason"]["retryable"]) is bool


def test_event_names_the_state_that_it_tells_of(run: Run) -> None:
    states = {ACCEPTED: "accepted", STARTED: "polling", WAITING: "waiting_for_person"}
    states |= {end: end.rpartition(".")[2] for end in ENDS}

    for event in run.events:
        data = event.data
        assert data["state"] == states[event.type]
        assert (data["finished_at"] is not None) == (event.type in ENDS)
        assert (data["started_at"] is not None) >= (event.type == STARTED)
        assert (data["provider_ref"] is not None) >= (event.type == STARTED)


def test_accepted_event_says_that_nothing_was_sent_yet(run: Run) -> None:
    for event in run.events:
        if event.type == ACCEPTED:
            data = event.data
            assert (data["provider_ref"], data["started_at"], data["polls"]) == (None, None, 0)
            assert (data["reason"], data["result"]) == (None, {})
            assert "sealed" not in data


def test_event_ids_are_unique(run: Run) -> None:
    assert len({event.id for event in run.events}) == len(run.events)


def test_sequence_counts_up_without_gaps_in_the_order_of_the_stream(run: Run) -> None:
    for events in run.by_reference.values():
        assert [event.data["sequence"] for event in events] == list(range(1, len(events) + 1))
        times = [datetime.fromisoformat(event.fields["time"]) for event in events]
        assert times == sorted(times)
        assert len({event.data["operation_id"] for event in events}) == 1


def test_every_attempt_has_at_most_one_terminal_event(run: Run) -> None:
    ends = Counter(
        (event.subject, event.data["attempt"]) for event in run.events if event.type in ENDS
    )

    assert set(ends.values()) == {1}


def test_stream_holds_exactly_what_the_outbox_holds(run: Run) -> None:
    outbox = {row[0] for row in run.system.rows("SELECT id FROM outbox")}

    assert {event.id for event in run.events} == outbox


def test_started_event_names_the_task_that_the_sandbox_made(run: Run) -> None:
    data = run.by_reference["spine-000"][1].data

    assert re.fullmatch(r"\d+", data["provider_ref"])
    [(kept,)] = run.system.rows("SELECT provider_ref FROM operation WHERE reference = 'spine-000'")
    assert kept == data["provider_ref"]


def test_polls_are_the_status_requests_that_arrived(run: Run) -> None:
    for scenario in (0, 103, 300):
        data = run.by_reference[f"spine-{scenario:03}"][-1].data
        assert data["polls"] == run.system.unit(7_000_000 + scenario)["polls"] > 0


def test_result_holds_names_of_facts_and_no_values(run: Run) -> None:
    result = run.by_reference["spine-000"][-1].data["result"]

    assert set(result) == {"approved", "not_approved", "document_id", "verified_by"}
    assert {"first_name", "snils", "series", "number"} <= set(result["approved"])
    assert {"issuer", "issued", "department"} == set(result["not_approved"])
    assert type(result["document_id"]) is int


def test_reference_enqueued_twice_is_one_operation(run: Run) -> None:
    assert [event.type for event in run.by_reference[_TWICE]] == [ACCEPTED, STARTED, SUCCEEDED]
    assert run.system.unit(7_900_000)["submits"] == 1


def test_identification_without_a_payload_uses_the_stored_data(run: Run) -> None:
    assert [event.type for event in run.by_reference[_STORED]] == [ACCEPTED, STARTED, SUCCEEDED]


def test_corrected_data_begins_one_next_attempt_of_the_same_operation(run: Run) -> None:
    events = run.by_reference[_CORRECTED]

    assert [(event.type, event.data["attempt"]) for event in events] == [
        (ACCEPTED, 1), (STARTED, 1), (REJECTED, 1), (ACCEPTED, 2), (STARTED, 2), (SUCCEEDED, 2),
    ]  # fmt: skip
    assert run.system.unit(7_902_150)["submits"] == 2


def test_show_tells_the_story_without_a_personal_value(run: Run) -> None:
    shown: dict[str, Any] = run.system.show(_CORRECTED)

    assert shown["state"] == "succeeded"
    assert shown["attempt"] == 2
    whats = [thing["what"] for thing in shown["timeline"]]
    assert {"call", "move", "person", "event", "end"} <= set(whats)
    said = json.dumps(shown, ensure_ascii=False)
    profile = person(902)["profile"]
    assert not [value for value in profile.values() if value in said]


def test_logs_hold_no_error(run: Run) -> None:
    errors: list[str] = []
    for name, log in run.system.logs().items():
        errors += [f"{name}: {line}" for line in log.splitlines() if '"level": "error"' in line]
        errors += [f"{name}: {line}" for line in log.splitlines() if "Traceback" in line]

    assert errors == []


def test_run_directory_holds_nothing_but_logs(run: Run) -> None:
    assert [each for each in Path(run.system.directory).iterdir() if each.suffix != ".log"] == []
