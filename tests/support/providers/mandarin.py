"""A Mandarin plugin for tests, the work it is given and the replies it reads."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from config.providers import MandarinSettings
from tests.support.providers.limits import PATIENT
from uprid_client.contract.states import State
from worker.providers.protocol import Work

SESSION = "794d3cc7-a2b4-4579-9173-bafc7d7dc29d"
NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
MERCHANT = "42"
SECRET = 'sec"rét-1'

#: No person: SNILS and INN are published examples.
BY_SNILS: dict[str, Any] = {
    "first_name": "Проверка",
    "patronymic": "Иванович",
    "last_name": "Проверкин",
    "passport_series": "0000",
    "passport_number": "000001",
    "snils": "11223344595",
    "phone": "79001234567",
}
BY_INN: dict[str, Any] = {
    **{name: value for name, value in BY_SNILS.items() if name != "snils"},
    "inn": "501716749325",
}


def settings(url: str, **changes: Any) -> MandarinSettings:
    values: dict[str, Any] = {
        "url": url,
        "merchant_id": MERCHANT,
        "secret": SecretStr(SECRET),
        **PATIENT,
    }
    return MandarinSettings(**{**values, **changes})


def work(state: State = State.POLLING, **changes: Any) -> Work:
    values: dict[str, Any] = {
        "id": "1",
        "reference": "order-1",
        "kind": "identification",
        "state": state,
        "attempt": 1,
        "args": {},
        "payload": None,
        "provider_ref": SESSION,
        "progress": {},
        "polls": 0,
        "consecutive_failures": 0,
        "due_at": NOW,
        "deadline_at": NOW + timedelta(minutes=300),
        "now": NOW,
    }
    return Work(**{**values, **changes})


def submitted(person: Mapping[str, Any] = BY_SNILS) -> Work:
    return work(State.SUBMITTING, payload=person, provider_ref=None, deadline_at=None)


def supplied(code: str = "123456", nth: int = 1, **changes: Any) -> Work:
    """Return the work of sending the nth code, counted as the engine counts it."""
    values: dict[str, Any] = {
        "payload": {"sms_code": code},
        "missing": "sms_code",
        "inputs_sent": nth,
        "input_sent_at": NOW,
    }
    return work(**{**values, **changes})


def status(
    person: tuple[object, object] = (False, None),
    phone: tuple[object, object] = (False, None),
    **changes: Any,
) -> dict[str, Any]:
    """Return a status; each check is (finished, verified)."""
    return {
        "id": SESSION,
        "phoneVerified": phone[1],
        "phoneVerificationFinished": phone[0],
        "personVerified": person[1],
        "personVerificationFinished": person[0],
        "personVerificationError": "Проверкин: Sandbox mode",
        **changes,
    }
