"""An NPD plugin for tests, the work it is given and the replies it reads."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from config.providers import NpdSettings
from tests.support.providers.limits import PATIENT
from uprid_client.contract.states import State
from worker.providers.protocol import Work

UNIT_ID = 4242
DOC_ID = 123
ASYNC_ID = 37027
PHONE = "79001234567"
KEY = "our key & name"
SECRET = "sécret"
NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)

#: No person: the SNILS is a published example.
PERSON: dict[str, Any] = {
    "phone": PHONE,
    "first_name": "Проверка",
    "last_name": "Проверкин",
    "middle_name": "Иванович",
    "birth_date": "1990-01-31",
    "snils": "11223344595",
    "passport": {
        "series": "0000",
        "number": "000001",
        "issuer": "ОВД № 1",
        "issued": "2010-02-03",
        "department": "000-000",
    },
}

UPDATED = {"updated": True}
STORED = {"unitId": UNIT_ID, "docId": DOC_ID}
STARTED = {
    "asyncId": ASYNC_ID,
    "asyncStatus": "CREATED",
    "expirationDate": "2026-08-02T02:40:00.961+03:00",
}


def settings(url: str, **changes: Any) -> NpdSettings:
    values: dict[str, Any] = {
        "url": url,
        "security_key": SecretStr(KEY),
        "secret_key": SecretStr(SECRET),
        **PATIENT,
    }
    return NpdSettings(**{**values, **changes})


def work(
    state: State = State.POLLING,
    *,
    args: Mapping[str, Any] | None = None,
    payload: Mapping[str, Any] | None = None,
    provider_ref: str | None = str(ASYNC_ID),
    progress: Mapping[str, Any] | None = None,
    notifications: Sequence[Mapping[str, Any]] = (),
    consecutive_failures: int = 0,
) -> Work:
    return Work(
        id="1",
        reference="order-1",
        kind="identification",
        state=state,
        attempt=1,
        args=args or {},
        payload=payload,
        provider_ref=provider_ref,
        progress=progress or {},
        polls=0,
        consecutive_failures=consecutive_failures,
        due_at=NOW,
        deadline_at=NOW + timedelta(minutes=700),
        now=NOW,
        notifications=notifications,
    )


def notification(status: str = "SUCCESS", **changes: Any) -> dict[str, Any]:
    """Return a notification as NPD sends it."""
    said = {
        "notificationId": 7,
        "notificationName": "uprid",
        "upridAsyncId": ASYNC_ID,
        "upridAsyncStatus": status,
        "userPhone": PHONE,
    }
    account = {"mntAccountId": "10203040"} if status == "SUCCESS" else {}
    return {**said, **account, **changes}
