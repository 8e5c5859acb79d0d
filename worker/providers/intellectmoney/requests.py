"""What IntellectMoney is asked: our arguments → the page's names and its writing of values.

A value that is not given is not sent. What is signed are these very strings.
"""

from collections.abc import Mapping
from typing import Any, Final

from worker.providers.intellectmoney.dates import asked_date

Values = dict[str, str]

#: Scheduled operations that are listed at a time.
LISTED_AT_A_TIME: Final = 100

_INVOICES: Final[Mapping[str, str]] = {
    "eshop_id": "EshopId",
    "state": "State",
    "invoice_id": "InvoiceId",
    "include_payment_transactions": "IncludePaymentTransactions",
    "date_from": "DateFrom",
    "date_to": "DateTo",
}
_LISTED: Final[Mapping[str, str]] = {
    "operation_id": "Operation",
    "object_id": "ObjectId",
    "state": "State",
    "date_from": "DateFrom",
    "date_to": "DateTo",
}
#: The request's names are not those of the page's response type.
_CHANGED: Final[Mapping[str, str]] = {
    "operation_id": "Operation",
    "object_id": "ObjectId",
    "object_type": "ObjectTypeVal",
    "params": "ParamsJson",
    "repeat_plan": "RepeatPlan",
    "retry_on_fail_plan": "RetryOnFailPlan",
    "retry_on_fail_count": "RetryOnFailCount",
    "is_single": "IsSingle",
    "fire_on_skip": "FireOnSkip",
    "state": "State",
    "end_exec_date": "EndExecDate",
}
_DATES: Final = frozenset({"date_from", "date_to", "end_exec_date"})


def invoices_asked(filters: Mapping[str, Any], skip: int, date_format: str) -> Values:
    """Return what asks for a page of the registry."""
    take = filters["page_size"]
    return {**_page(skip, take), **_written(filters, _INVOICES, date_format)}


def listed_asked(filters: Mapping[str, Any], skip: int, date_format: str) -> Values:
    """Return what asks for a page of the scheduled operations."""
    return {**_page(skip, LISTED_AT_A_TIME), **_written(filters, _LISTED, date_format)}


def change_asked(operation: Mapping[str, Any], date_format: str) -> Values:
    """Return what makes a scheduled operation as it is to be; without an id, a new one."""
    return _written(operation, _CHANGED, date_format)


def _page(skip: int, take: int) -> Values:
    return {"Skip": str(skip), "Take": str(take)}


def _written(given: Mapping[str, Any], names: Mapping[str, str], date_format: str) -> Values:
    return {
        name: asked_date(given[ours], date_format) if ours in _DATES else _plain(given[ours])
        for ours, name in names.items()
        if given.get(ours) is not None
    }


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
