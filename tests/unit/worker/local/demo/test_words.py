from typing import Any

import pytest

from uprid_client.contract.events import EventType
from worker.local.demo.record import ReceivedEvent
from worker.local.demo.words import describe, describe_all


def _heard(kind: EventType, **data: Any) -> ReceivedEvent:
    return ReceivedEvent("1", kind.value, "order", data)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        pytest.param(_heard(EventType.ACCEPTED), "accepted", id="bare"),
        pytest.param(
            _heard(EventType.MESSAGE_REFUSED, fields=["snils", "inn"]),
            "refused (snils, inn)",
            id="refused",
        ),
        pytest.param(
            _heard(EventType.FAILED, reason={"code": "provider_error", "provider_code": "7"}),
            "failed (provider_error, 7)",
            id="reason",
        ),
        pytest.param(
            _heard(EventType.EXPIRED, reason={"code": "deadline_passed"}),
            "expired (deadline_passed)",
            id="reason of ours",
        ),
        pytest.param(
            _heard(EventType.SUCCEEDED, result={"verified_by": "result", "pages": 3}),
            "succeeded (by result)",
            id="identification",
        ),
        pytest.param(
            _heard(EventType.SUCCEEDED, result={"invoices": 65}),
            "succeeded (65 invoices)",
            id="registry",
        ),
        pytest.param(
            _heard(EventType.INPUT_REQUIRED, attempts_left=4), "input_required (4 left)", id="input"
        ),
    ],
)
def test_words_tell_an_event(event: ReceivedEvent, words: str) -> None:
    assert describe(event) == words


def test_words_tell_a_countdown_as_one() -> None:
    events = [
        _heard(EventType.STARTED),
        *(_heard(EventType.INPUT_REQUIRED, attempts_left=left) for left in (5, 4, 3)),
        _heard(EventType.SUCCEEDED),
        _heard(EventType.SUCCEEDED),
    ]
    assert describe_all(events) == (
        "started → input_required (5, 4, 3 left) → succeeded → succeeded"
    )
