from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.cli.diagnosis import Diagnosis, diagnose
from worker.domain.states import DRIVEN, LIVE
from worker.store.overview import ProviderRow
from worker.store.reading import Row

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
ROW = Row(
    id="0",
    reference="order 1",
    provider="moneta",
    kind="identification",
    state=State.POLLING,
    attempt=1,
    args={},
    provider_ref="7",
    deadline_at=None,
    due_at=NOW + timedelta(seconds=5),
    polls=3,
    consecutive_failures=0,
    waiting_from=None,
    created_at=NOW,
    started_at=NOW,
    finished_at=None,
    reason=None,
    result=None,
)
PROVIDER = ProviderRow("moneta", None, None, None, 0, None)
PAUSED = replace(PROVIDER, paused_at=NOW, paused_by="olga", paused_note="maintenance")
RESTING = replace(PROVIDER, failures=20, closed_until=NOW + timedelta(seconds=30))
RETRYABLE = {"code": "data_mismatch", "message": "no", "retryable": True}


@pytest.mark.parametrize(
    ("row", "provider", "said"),
    [
        pytest.param(ROW, PROVIDER, "the next poll at 2026-03-04 12:00:05Z, in 5.0 s", id="waits"),
        pytest.param(ROW, None, "the next poll", id="provider never called"),
        pytest.param(replace(ROW, due_at=NOW), PROVIDER, "due now", id="due"),
        pytest.param(replace(ROW, lease_id="held"), PROVIDER, "being worked on", id="leased"),
        pytest.param(
            replace(ROW, consecutive_failures=3), PROVIDER, "3 requests in a row", id="troubled"
        ),
        pytest.param(ROW, PAUSED, "paused since 2026-03-04 12:00:00Z by olga: maint", id="paused"),
        pytest.param(ROW, RESTING, "rests until 2026-03-04 12:00:30Z", id="breaker open"),
        pytest.param(
            replace(ROW, state=State.WAITING_FOR_PERSON, due_at=None),
            PAUSED,
            "waits for a person",
            id="waits for a person although the provider is paused",
        ),
        pytest.param(replace(ROW, state=State.SUCCEEDED), PAUSED, "has ended", id="ended"),
    ],
)
def test_diagnosis_says_what_an_operation_waits_for(
    row: Row, provider: ProviderRow | None, said: str
) -> None:
    assert said in diagnose(row, provider, NOW).why


@pytest.mark.parametrize("state", sorted(LIVE))
def test_diagnosis_says_something_of_every_live_state(state: State) -> None:
    assert diagnose(replace(ROW, state=state), PROVIDER, NOW).why


def test_diagnosis_sends_to_the_doctor_when_work_is_overdue() -> None:
    late = diagnose(replace(ROW, due_at=NOW - timedelta(minutes=2), lease_id="held"), PROVIDER, NOW)

    assert "overdue by 2 min 0 s, held by a worker" in late.why
    assert typed(late) == ["uprid doctor"]


def test_diagnosis_of_what_a_paused_provider_holds_up_ends_with_its_unpause() -> None:
    [step] = diagnose(ROW, PAUSED, NOW).steps

    assert (step.command, step.when) == ("uprid unpause moneta", "once that is corrected")


@pytest.mark.parametrize(
    ("state", "reason", "offered"),
    [
        (State.REJECTED, RETRYABLE, True),
        (State.FAILED, RETRYABLE, True),
        (State.REJECTED, {**RETRYABLE, "retryable": False}, False),
        (State.CANCELLED, RETRYABLE, False),
        (State.SUCCEEDED, None, False),
    ],
)
def test_diagnosis_offers_a_retry_where_one_can_help(
    state: State, reason: dict[str, object] | None, offered: bool
) -> None:
    diagnosis = diagnose(replace(ROW, state=state, reason=reason), PROVIDER, NOW)

    assert typed(diagnosis) == (["uprid retry 'order 1' --note '…'"] if offered else [])


def test_diagnosis_warns_that_a_retry_of_a_rejection_sends_the_same_data() -> None:
    rejected = replace(ROW, state=State.REJECTED, reason=RETRYABLE)

    assert diagnose(rejected, PROVIDER, NOW).steps[0].when == "if the same data can pass now"


@pytest.mark.parametrize(
    ("code", "waiting_from", "commands"),
    [
        (
            "doubtful_submit",
            "submitting",
            ["resume --provider-ref '…'", "retry", "resolve VERDICT"],
        ),
        ("payload_unreadable", "accepted", ["resume", "cancel"]),
        ("unknown_answer", "polling", ["resolve succeeded", "resolve rejected"]),
        ("configuration", "polling", ["resume"]),
        ("configuration", "submitting", ["retry"]),
        ("provider_error", "polling", ["resume"]),
        ("poison", "accepted", ["resume"]),
        ("poison", "submitting", ["resume"]),
        ("document_invalid", "polling", ["resume", "resolve VERDICT"]),
        ("document_invalid", "submitting", ["retry", "resolve VERDICT"]),
        (None, "polling", ["resume", "resolve VERDICT"]),
    ],
)
def test_diagnosis_of_what_waits_says_what_to_type_by_its_reason(
    code: str | None, waiting_from: str, commands: list[str]
) -> None:
    diagnosis = diagnose(waits(code, State(waiting_from)), PROVIDER, NOW)

    assert diagnosis.why.startswith("waits for a person: ")
    assert "{" not in diagnosis.why
    assert [short(command) for command in typed(diagnosis)] == commands


def test_diagnosis_of_an_unknown_answer_without_an_id_asks_for_the_id_too() -> None:
    diagnosis = diagnose(replace(waits("unknown_answer"), provider_ref=None), PROVIDER, NOW)

    assert short(typed(diagnosis)[-1]) == "resume --provider-ref '…'"


@pytest.mark.parametrize(
    "code", ["unknown_answer", "configuration", "provider_error", "document_invalid"]
)
def test_diagnosis_begins_with_the_answer_where_one_is_kept(code: str) -> None:
    diagnosis = diagnose(replace(waits(code), answered=True), PROVIDER, NOW)

    assert short(typed(diagnosis)[0]) == "answer"


@pytest.mark.parametrize("code", sorted(ReasonCode))
def test_diagnosis_has_something_to_type_whatever_an_operation_waits_for(code: ReasonCode) -> None:
    for origin in sorted(DRIVEN):
        assert diagnose(waits(code, origin), PROVIDER, NOW).steps


def waits(code: str | None, waiting_from: State = State.POLLING) -> Row:
    reason = None if code is None else {"code": code, "message": "m", "retryable": False}
    state = State.WAITING_FOR_PERSON
    return replace(ROW, state=state, due_at=None, reason=reason, waiting_from=waiting_from)


def typed(diagnosis: Diagnosis) -> list[str]:
    return [step.command for step in diagnosis.steps]


def short(command: str) -> str:
    """Return a command without what is in every one of them."""
    assert command.startswith("uprid ")
    assert command.endswith(" --note '…'")
    words = command.removeprefix("uprid ").removesuffix(" --note '…'")
    assert "'order 1'" in words
    return words.replace(" 'order 1'", "")
