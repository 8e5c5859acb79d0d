from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from worker.oncall.standing import standing
from worker.operations.states import LIVE, State
from worker.operations.store.overview import ProviderRow
from worker.operations.store.reading import Row

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
ROW = Row(
    id="0",
    reference="order 1",
    provider="moneta",
    kind="identification",
    state=State.POLLING,
    attempt=1,
    provider_ref="7",
    deadline_at=None,
    due_at=NOW + timedelta(seconds=5),
    polls=3,
    faults=0,
    leased=False,
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
        pytest.param(replace(ROW, leased=True), PROVIDER, "being worked on", id="leased"),
        pytest.param(replace(ROW, faults=3), PROVIDER, "3 requests in a row", id="troubled"),
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
def test_standing_says_what_an_operation_waits_for(
    row: Row, provider: ProviderRow | None, said: str
) -> None:
    assert said in standing(row, provider, NOW).why


@pytest.mark.parametrize("state", sorted(LIVE))
def test_standing_says_something_of_every_live_state(state: State) -> None:
    assert standing(replace(ROW, state=state), PROVIDER, NOW).why


def test_standing_sends_to_the_doctor_when_work_is_overdue() -> None:
    late = standing(replace(ROW, due_at=NOW - timedelta(minutes=2), leased=True), PROVIDER, NOW)

    assert "overdue by 2 min 0 s, held by a worker" in late.why
    assert late.command == "uprid doctor"


@pytest.mark.parametrize(
    ("state", "reason", "offered"),
    [
        (State.WAITING_FOR_PERSON, None, True),
        (State.REJECTED, RETRYABLE, True),
        (State.REJECTED, {**RETRYABLE, "retryable": False}, False),
        (State.SUCCEEDED, None, False),
    ],
)
def test_standing_offers_a_retry_where_one_can_help(
    state: State, reason: dict[str, object] | None, offered: bool
) -> None:
    command = standing(replace(ROW, state=state, reason=reason), PROVIDER, NOW).command

    assert command == ("uprid retry 'order 1' --note '…'" if offered else None)
