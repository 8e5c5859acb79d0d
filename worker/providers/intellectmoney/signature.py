"""The `Sign` header: which values of a method are signed, and in which order.

Lower-case SHA-256 in hex of the values joined by `::`, the key last, an empty segment for a value
that is not sent. The orders are those of the provider's newer pages; `None` is a place that stays
empty always. `getUserToken`'s was seen once.
"""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

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
    """Tell whether the setting names a value after which `State` can be signed."""
    return state_signed_after is not None and state_signed_after in ORDERS[Method.INVOICES]


def sign(order: Order, values: Mapping[str, str], key: str) -> str:
    """Return the signature of what is sent."""
    segments = ["" if name is None else values.get(name, "") for name in order]
    return hashlib.sha256(_BETWEEN.join([*segments, key]).encode()).hexdigest()
