"""IntellectMoney's cases. `EshopId % 1000` and `ObjectId % 1000` choose what the sandbox does.

An eshop has `EshopId // 1000` invoices, an object `ObjectId // 1000` operations to begin with.
"""

from typing import Any, Final

from worker.local.demo.cases.messages import FetchInvoices, SaveScheduled
from worker.local.demo.cases.shape import (
    ACCEPTED,
    FAILED,
    SUCCEEDED,
    TAKEN,
    WAITING,
    BadStart,
    Case,
    ExpectedEvent,
    Play,
)
from worker.local.demo.registry import tally_of

#: 65 invoices; pages 3 and 6 of the seven are queued.
_REGISTRY: Final = 65_103
#: The second page gets an error.
_BROKEN_REGISTRY: Final = 30_201
#: Those whose invoices are sent.
ESHOPS: Final = (_REGISTRY, _BROKEN_REGISTRY)
_PAGE: Final = 10
_WRITTEN: Final = {"writes": 1, "created": 1}
_NOT_WRITTEN: Final = {"writes": 1, "created": 0}


def _filters(eshop_id: int) -> dict[str, Any]:
    return {"eshop_id": eshop_id, "page_size": _PAGE, "include_payment_transactions": True}


def _operation(object_id: int) -> dict[str, Any]:
    return {
        "object_id": object_id,
        "object_type": 1,
        "params": {"Amount": 150},
        "repeat_plan": "0 0 9 1 * ? *",
        "is_single": 0,
        "state": 0,
    }


_CASES: Final = (
    Case(
        "registry",
        FetchInvoices(_filters(_REGISTRY)),
        "7 pages, 2 of them queued: every invoice once, sums exact",
        (*TAKEN, ExpectedEvent(SUCCEEDED, result={"pages": 7, **tally_of(_REGISTRY)})),
        {"answered": 7},
    ),
    Case(
        "registry-broken",
        FetchInvoices(_filters(_BROKEN_REGISTRY)),
        "an error on page 2: failed, page 1 is kept",
        (
            *TAKEN,
            ExpectedEvent(
                FAILED, "provider_error", retryable=True, result={"pages": 1, "invoices": _PAGE}
            ),
        ),
        {"answered": 1},
    ),
    Case(
        "scheduled",
        SaveScheduled(_operation(3_500)),
        "a scheduled operation is created",
        (ExpectedEvent(ACCEPTED), ExpectedEvent(SUCCEEDED, result={"confirmed_by": "reply"})),
        _WRITTEN,
    ),
    Case(
        "scheduled-noreply",
        SaveScheduled(_operation(4_530)),
        "the reply is lost: not sent twice, the list confirms it",
        (ExpectedEvent(ACCEPTED), ExpectedEvent(SUCCEEDED, result={"confirmed_by": "list"})),
        _WRITTEN,
    ),
    Case(
        "scheduled-refused",
        SaveScheduled(_operation(2_510)),
        "IntellectMoney refuses to create it: failed",
        (ExpectedEvent(ACCEPTED), ExpectedEvent(FAILED, "provider_error")),
        _NOT_WRITTEN,
    ),
    Case(
        "scheduled-unsure",
        SaveScheduled(_operation(5_540)),
        "no reply, not in the list: an engineer decides",
        (ExpectedEvent(ACCEPTED), ExpectedEvent(WAITING, "doubtful_submit")),
        _NOT_WRITTEN,
    ),
)

INTELLECTMONEY: Final = Play(
    _CASES,
    (
        BadStart(
            "bad-plan",
            SaveScheduled({**_operation(1_500), "repeat_plan": "every full moon"}),
            "a plan that is no cron expression: refused",
            ("operation.repeat_plan",),
        ),
    ),
)
