"""What IntellectMoney is asked: methods, our arguments in the page's names, and the signature.

A value that is not given is not sent. What is signed are these very strings: the `Sign` header is
lower-case SHA-256 in hex of the values joined by `::`, the key last, an empty segment for a value
that is not sent. The orders are those of the provider's newer pages; `None` is a place that stays
empty always. `getUserToken`'s was seen once.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Final

Values = dict[str, str]
Order = Sequence[str | None]

_BETWEEN: Final = "::"
#: Stands in no known order of the registry's values.
_STATE: Final = "State"


class Method(StrEnum):
    """The methods, by their paths below the address."""

    TOKEN = "user/getUserToken"  # noqa: S105 - a path
    INVOICES = "payment/getInvoicesHistory"
    SAVE = "scheduler/setScheduledOperationData"
    LIST = "scheduler/getScheduledOperationData"


ORDERS: Final[Mapping[Method, Order]] = {
    Method.TOKEN: (None, "Login", "Password", None),
    Method.INVOICES: (
        "UserToken", "Skip", "Take", "EshopId", "InvoiceId", "DateFrom", "DateTo",
        "ChangeDateFrom", "ChangeDateTo", "IncludePaymentTransactions", "IsHoldingSearch",
        "OrganizationId", "OwnerEmail", "WithRefunds",
    ),
    Method.SAVE: (
        "UserToken", None, None, "Operation", "ObjectId", "ObjectTypeVal", "ParamsJson",
        "RepeatPlan", "RetryOnFailPlan", "RetryOnFailCount", "IsSingle", "FireOnSkip", "State",
        None, None, "EndExecDate",
    ),
    Method.LIST: (
        "UserToken", "Skip", "Take", "Operation", "ObjectId", "ObjectTypeVal", "ParamsJson",
        "RepeatPlan", "RetryOnFailPlan", "RetryOnFailCount", "IsSingle", "FireOnSkip", "State",
        "DateFrom", "DateTo", None,
    ),
}  # fmt: skip

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


def order_of(method: Method, values: Mapping[str, str], state_signed_after: str | None) -> Order:
    """Return the order for what is sent: the registry's `State` where the setting has it.

    Without `State` it is the known order, which has no segment for it.
    """
    known = ORDERS[method]
    if method is not Method.INVOICES or _STATE not in values or not signs_state(state_signed_after):
        return known
    place = known.index(state_signed_after) + 1
    return (*known[:place], _STATE, *known[place:])


def signs_state(state_signed_after: str | None) -> bool:
    """Return whether the setting names a value after which `State` can be signed."""
    return state_signed_after is not None and state_signed_after in ORDERS[Method.INVOICES]


def sign(order: Order, values: Mapping[str, str], key: str) -> str:
    """Return the signature of what is sent."""
    segments = ["" if name is None else values.get(name, "") for name in order]
    return hashlib.sha256(_BETWEEN.join([*segments, key]).encode()).hexdigest()


def asked_date(iso: str, date_format: str) -> str:
    """Write an ISO date as a request has it: `MM.DD.YYYY` on page 003, other pages differ."""
    return date.fromisoformat(iso).strftime(date_format)


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
