"""A MONETA plugin for tests, the work it is given and the replies it reads."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from config.providers import MonetaSettings
from tests.support.providers.limits import PATIENT
from uprid_client.contract.states import State
from worker.providers.protocol import Work

UNIT_ID = 4242
ASYNC_ID = 37027
ANONYMOUS, SIMPLIFIED, FULL = 11, 22, 33
NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
PASSWORD = 'pass"wörd'

#: No person: the SNILS and INN are the published examples.
PERSON: dict[str, Any] = {
    "profile": {
        "first_name": "Проверка",
        "last_name": "Проверкин",
        "middle_initial_name": "Иванович",
        "cell_phone": "79001234567",
        "date_of_birth": "1990-01-31",
        "snils": "11223344595",
        "inn": "501716749325",
    },
    "document": {
        "series": "0000",
        "number": "000001",
        "issuer": "ОВД № 1",
        "issued": "2010-02-03",
        "department": "000-000",
        "id": 123,
    },
}


def settings(url: str, **changes: Any) -> MonetaSettings:
    values: dict[str, Any] = {
        "url": url,
        "username": "user",
        "password": SecretStr(PASSWORD),
        "anonymous_group_id": ANONYMOUS,
        "simplified_group_id": SIMPLIFIED,
        "full_group_id": FULL,
        **PATIENT,
    }
    return MonetaSettings(**{**values, **changes})


def work(
    state: State = State.POLLING,
    *,
    provider_ref: str | None = str(ASYNC_ID),
    payload: Mapping[str, Any] | None = None,
    progress: Mapping[str, Any] | None = None,
) -> Work:
    return Work(
        id="1",
        reference="order-1",
        kind="identification",
        state=state,
        attempt=1,
        args={"unit_id": UNIT_ID},
        payload=payload,
        provider_ref=provider_ref,
        progress=progress or {},
        polls=0,
        consecutive_failures=0,
        due_at=NOW,
        deadline_at=NOW + timedelta(minutes=700),
        now=NOW,
    )


def envelope(**body: Any) -> dict[str, Any]:
    return {"Envelope": {"Body": body}}


def fault(code: str, key: str = "fault") -> dict[str, Any]:
    told = {"faultcode": "Client", "faultstring": "Проверкин", "detail": {"faultDetail": code}}
    return envelope(**{key: told})


def ticket(status: str | None = "INPROGRESS", **changes: Any) -> dict[str, Any]:
    task = {
        "asyncId": ASYNC_ID,
        "asyncStatus": status,
        "expirationDate": "2026-08-02T02:40:00.000+03:00",
    }
    return envelope(AsyncResponse={**task, **changes})


def result(
    *, success: object = True, code: str | None = None, unit_id: object = UNIT_ID, **changes: Any
) -> dict[str, Any]:
    attributes = [
        {"key": "last_name", "value": "Проверкин", "approved": True, "published": False},
        {"key": "first_name", "value": "Проверка", "approved": True},
        {"key": "snils", "value": None, "approved": False},
    ]
    if unit_id is not None:
        attributes.append({"key": "unitid", "value": str(unit_id), "approved": False})
    said: dict[str, Any] = {"success": success}
    if code is not None:
        said |= {"error": "Проверкин did not pass", "errorCode": code}
    said["personalInformation"] = {
        "profile": {"attribute": attributes},
        "document": {
            "id": 123,
            "type": "PASSPORT",
            "attribute": [{"key": "SERIES", "value": "0000", "approved": True}],
        },
    }
    return envelope(AsyncResponse={"SimplifiedIdentificationResponse": said, **changes})


def profile(parent: object, unit_id: object = UNIT_ID) -> dict[str, Any]:
    attributes = [{"key": "unitid", "value": str(unit_id)}]
    if parent is not None:
        attributes.append({"key": "parentid", "value": str(parent)})
    return envelope(GetProfileInfoResponse={"attribute": attributes})
