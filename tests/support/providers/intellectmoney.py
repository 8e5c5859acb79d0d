"""An IntellectMoney plugin for tests, the work it is given and the replies it reads."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from pydantic import SecretStr

from config.polling import PollPolicy
from config.providers import IntellectMoneySettings
from tests.support.loopback.http_stub import Answer, Asked
from tests.support.providers.limits import PATIENT
from uprid_client.contract.states import State
from worker.providers.protocol import Work

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
DEADLINE = NOW + timedelta(minutes=60)
LOGIN, PASSWORD = "shop", 'pass"wörd&='
ACCESS_TOKEN = "bs/fZ+E=="
OPERATION = "f2c33a48-17c8-4889-a327-5ad1b6260cd5"
#: A scheduled operation that is there already, and those that come.
FIRST, SECOND, THIRD = (f"{n}0000000-0000-4000-8000-000000000000" for n in "123")
OBJECT_ID = 77
CHANGE: dict[str, Any] = {
    "object_id": OBJECT_ID,
    "object_type": 1,
    "params": '{"Amount":15}',
    "repeat_plan": "0 0 12 1/1 * ? *",
    "is_single": 0,
    "state": 0,
}
#: What the other side writes in the place of each name.
_ITEMS = {
    "InvoicesHistoryList": "InvoiceData",
    "HistoryList": "HistoryData",
    "GetScheduledOperationData": "ScheduledOperationData",
}
_NAMESPACE = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
PERSONAL = ("Проверкин", "payer@example.org")


@dataclass(frozen=True, slots=True)
class Language:
    """One of the languages of a reply."""

    name: str

    def said(self, document: object, status: int = 200) -> Answer:
        return Answer(self.written(document), status)

    def written(self, document: object) -> bytes:
        if self.name == "json":
            return json.dumps(document).encode()
        return f'<?xml version="1.0"?>{_element("Response", document, _NAMESPACE)}'.encode()


XML, JSON = Language("xml"), Language("json")


def _element(name: str, value: object, attributes: str = "") -> str:
    match value:
        case None:
            return f'<{name}{attributes} xsi:nil="true" />'
        case Mapping():
            inside = "".join(_element(each, held) for each, held in value.items())
        case list():
            inside = "".join(_element(_ITEMS[name], each) for each in value)
        case bool():
            inside = str(value).lower()
        case _:
            inside = escape(str(value))
    return f"<{name}{attributes}>{inside}</{name}>"


def response(
    result: Mapping[str, Any] | None = None,
    *,
    code: object = 0,
    state: object = 0,
    operation_id: str | None = OPERATION,
) -> dict[str, Any]:
    document: dict[str, Any] = {"OperationState": {"Code": code, "Desc": "…"}}
    if operation_id is not None:
        document["OperationId"] = operation_id
    document["EshopId"] = 0
    if result is not None:
        document["Result"] = {"State": {"Code": state, "Desc": "…"}, **result}
    return document


def registry(*ids: int, **changes: Any) -> dict[str, Any]:
    return response({"InvoicesHistoryList": [invoice(each) for each in ids]}, **changes)


def listed(*operations: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    return response({"GetScheduledOperationData": list(operations)}, **changes)


def saved(flag: object, **changes: Any) -> dict[str, Any]:
    return response({"SetScheduledOperationData": flag}, **changes)


def token(value: str = ACCESS_TOKEN) -> dict[str, Any]:
    return response({"UserToken": value})


#: A whole HTTP 200 of a host that is not IntellectMoney.
HTML = Answer(b"<html><body>maintenance</body></html>")
QUEUED = response(code=1)
FAILED = response(code=2, operation_id=None)
REFUSED = response({}, state=2)


def money(amount: str, currency: str = "RUB") -> dict[str, str]:
    return {"Amount": amount, "Currency": currency}


def invoice(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "Id": number,
        "State": "Paid",
        "HoldModeFlag": False,
        "ChangeDate": "2026-06-02T10:12:00.457",
        "CreationDate": "2026-06-02T10:11:03",
        "ExpirationDate": "0001-01-01T00:00:00",
        "Amount": money("11.0000"),
        "CurrentAmount": money("0.0000"),
        "SurchargeAmount": money("0"),
        "Comment": "от Проверкин",
        "EShopId": 450063,
        "PurchaseOrderId": "A-1",
        "HistoryList": [transaction(number * 10)],
        "OwnerEmail": "payer@example.org",
        "OwnerFIO": "Проверкин Иван",
        **changes,
    }


def transaction(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "Id": number,
        "PaymentNumber": 2036160602,
        "State": "Confirm",
        "CreationDate": "2026-06-02T10:12:01.04",
        "PaymentAmount": money("11.0000"),
        "RecipientAmount": money("10.6200"),
        "PaymentAccount": "IM1",
        "RecipientAccount": "IM2",
        "Comment": "",
        "Description": "для Проверкин",
        "InvoicePaymentType": "Purchase",
        "TypeOfRePayment": None,
        "UserEmail": "payer@example.org",
        **changes,
    }


def scheduled(operation_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "OperationId": operation_id.upper(),
        "ObjectId": OBJECT_ID,
        "ObjectTypeVal": 1,
        "Params": '{ "Amount": 15 }',
        "RepeatPlan": "0 0 12 1/1 * ? *",
        "RetryOnFailPlan": None,
        "RetryOnFailCount": None,
        "IsSingle": False,
        "FireOnSkip": False,
        "State": 0,
        **changes,
    }


def settings(url: str, **changes: Any) -> IntellectMoneySettings:
    values: dict[str, Any] = {
        "url": url,
        "login": LOGIN,
        "password": SecretStr(PASSWORD),
        **PATIENT,
        "poll": PollPolicy(first_after=2, steps=((3, 5), (5, 15)), then=60, jitter=0),
    }
    return IntellectMoneySettings(**{**values, **changes})


def work(
    kind: str = "invoices",
    state: State = State.POLLING,
    *,
    args: Mapping[str, Any] | None = None,
    progress: Mapping[str, Any] | None = None,
    provider_ref: str | None = OPERATION,
    now: datetime = NOW,
) -> Work:
    given: dict[str, Mapping[str, Any]] = {
        "invoices": {"filters": {"page_size": 2}},
        "scheduled_operations": {"filters": {"object_id": OBJECT_ID}},
        "save_scheduled_operation": {"operation": CHANGE},
    }
    return Work(
        id="1",
        reference="order-1",
        kind=kind,
        state=state,
        attempt=1,
        args=given[kind] if args is None else args,
        payload=None,
        provider_ref=None if state is State.ACCEPTED else provider_ref,
        progress=json.loads(json.dumps(dict(progress or {}))),
        polls=0,
        consecutive_failures=0,
        due_at=now,
        deadline_at=DEADLINE,
        now=now,
    )


def form(asked: Asked) -> dict[str, str]:
    """Return what was sent, each name once."""
    pairs = parse_qsl(
        asked.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, encoding="utf-8"
    )
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)
