"""The methods: what each takes, and in which order its values are signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from uprid_sandbox.intellectmoney import forms
from uprid_sandbox.intellectmoney.forms import INT_MAX, LONG_MAX, Form
from uprid_sandbox.intellectmoney.invoices import STATES
from uprid_sandbox.intellectmoney.registry import LAST_ESHOP

#: Records on one page, the sandbox's own bound: no page tells the provider's.
MOST_TAKEN: Final = 10_000

_TEXT: Final = forms.given
_ID: Final = forms.number(1, LONG_MAX)
_COUNT: Final = forms.number(0, INT_MAX)
_TAKE: Final = forms.number(1, MOST_TAKEN)
_BIT: Final = forms.pattern("[01]")
_GUID: Final = forms.pattern("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Method:
    """One address."""

    #: As the counters name it.
    kind: str
    #: Below the provider's prefix.
    path: str
    #: By the names that the pages print.
    forms: Mapping[str, Form]
    required: frozenset[str]
    #: The names of the signed values in order; an empty one is an empty segment. None: no page
    #: says the order, and the signature is not looked at.
    signed: tuple[str, ...] | None
    #: Signed too, and no page says where: any place among the others is right.
    unplaced: tuple[str, ...] = ()


TOKEN: Final = Method(
    kind="token",
    path="/user/getUserToken",
    forms={"Login": _TEXT, "Password": _TEXT},
    required=frozenset({"Login", "Password"}),
    signed=("", "Login", "Password", ""),
)

#: A newer page signs further values, which page 003 does not know: their segments are empty.
INVOICES: Final = Method(
    kind="invoices",
    path="/payment/getInvoicesHistory",
    forms={
        "UserToken": _TEXT,
        "EshopId": forms.number(1, LAST_ESHOP),
        "State": forms.pattern("|".join((*STATES, *STATES.values()))),
        "InvoiceId": _ID,
        "IncludePaymentTransactions": forms.pattern("true|false"),
        "DateFrom": forms.day,
        "DateTo": forms.day,
        "Skip": _COUNT,
        "Take": _TAKE,
    },
    required=frozenset({"UserToken", "Take"}),
    signed=(
        *("UserToken", "Skip", "Take", "EshopId", "InvoiceId", "DateFrom", "DateTo"),
        *("", "", "IncludePaymentTransactions", "", "", "", ""),
    ),
    unplaced=("State",),
)

_SCHEDULED: Final[Mapping[str, Form]] = {
    "UserToken": _TEXT,
    "Operation": _GUID,
    "ObjectId": _ID,
    "ObjectTypeVal": forms.number(1, 255),
    "ParamsJson": forms.json_object,
    "RepeatPlan": forms.plan,
    "RetryOnFailPlan": forms.plan,
    "RetryOnFailCount": _COUNT,
    "IsSingle": _BIT,
    "FireOnSkip": _BIT,
    "State": _BIT,
}
_OF_SCHEDULED: Final = (
    *("Operation", "ObjectId", "ObjectTypeVal", "ParamsJson", "RepeatPlan", "RetryOnFailPlan"),
    *("RetryOnFailCount", "IsSingle", "FireOnSkip", "State"),
)

WRITE: Final = Method(
    kind="set",
    path="/scheduler/setScheduledOperationData",
    forms={**_SCHEDULED, "EndExecDate": forms.day},
    required=frozenset({"UserToken", "ObjectId", "ObjectTypeVal", "ParamsJson", "RepeatPlan"}),
    signed=("UserToken", "", "", *_OF_SCHEDULED, "", "", "EndExecDate"),
)

LIST: Final = Method(
    kind="get",
    path="/scheduler/getScheduledOperationData",
    forms={
        **_SCHEDULED,
        "Skip": _COUNT,
        "Take": _TAKE,
        "DateFrom": forms.day,
        "DateTo": forms.day,
    },
    # No page says that Take must be there.
    required=frozenset({"UserToken"}),
    signed=("UserToken", "Skip", "Take", *_OF_SCHEDULED, "DateFrom", "DateTo", ""),
)


def result_method(template: str) -> Method:
    """Return the method that page 003 mentions and no page documents (a guess from end to end)."""
    return Method(
        kind="result",
        path=f"/{template}",
        forms={"UserToken": _TEXT, "OperationId": _GUID},
        required=frozenset({"UserToken"}),
        signed=None,
    )
