"""From a host's reply to IntellectMoney's answer, in XML or JSON, in the three steps of the page.

HTTP 200, then `OperationState` (0 done, 1 queued, 2 error), then the result's `State` (0 in order,
1 in order with warnings, 2 not authenticated). Whether a reply is JSON or XML
is read from the reply, not from the request.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar

from lxml import etree
from pydantic import ValidationError

from worker.domain.errors import ReplyUnreadable
from worker.domain.invoices import Invoice
from worker.providers.intellectmoney.answers import (
    AccessTokenRefused,
    Answer,
    Done,
    Failed,
    Queued,
    Scheduled,
    Unlike,
)
from worker.providers.intellectmoney.mapping import invoice_of, scheduled_of
from worker.providers.intellectmoney.replies import ResponseRead, ResultRead, read_response
from worker.providers.transport.blanks import bare
from worker.providers.transport.failures import bad_status
from worker.providers.transport.http import Reply
from worker.providers.transport.strict_json import NamedTwice, NotJson, parse_json
from worker.providers.transport.xml import (
    Misshapen,
    NotXml,
    Read,
    Shape,
    local_name,
    members,
    parse,
    token,
)

T = TypeVar("T")
#: Returns what was asked for; None where the result does not hold it.
Pick = Callable[[ResultRead], T | None]

_LONGEST_ACCESS_TOKEN: Final = 2_000
_ROOT: Final = "Response"


def answer_of(reply: Reply, pick: Pick[T]) -> Answer[T]:
    """Return what was answered; raise `CallFailed` where no usable reply came."""
    if reply.status == HTTPStatus.UNAUTHORIZED:
        # No page has it, but it has one meaning: the request was not applied (RFC 9110, 15.5.2).
        return AccessTokenRefused(reply.body)
    if reply.status != HTTPStatus.OK:
        raise bad_status(reply.status, reply.retry_after)
    try:
        response = read_response(document_of(reply.body))
    except NamedTwice:
        return Unlike("a name is given twice", reply.body)
    except (Misshapen, ValidationError):
        return Unlike("wrong types", reply.body)
    return _answer(response, pick, reply.body)


def _answer(response: ResponseRead, pick: Pick[T], answer: bytes) -> Answer[T]:
    operation = response.operation_state.number
    state = None if response.result is None else response.result.state
    request = None if state is None else state.number
    match operation, request:
        case (0 | 2, 2):
            return AccessTokenRefused(answer)
        case (2, _):
            return Failed(answer, response.operation_id)
        case (1, None | 0 | 1):
            return Queued(response.operation_id, answer)
        case (0, 0 | 1) if response.result is not None:
            result = pick(response.result)
            if result is None:
                return Unlike("no such result", answer)
            return Done(result, response.operation_id, request == 1, answer)
        case (0, None):
            return Unlike("no result", answer)
        case (0, _):
            return Unlike("unknown State", answer)
        case _:
            return Unlike("unknown OperationState", answer)


def access_token_in(result: ResultRead) -> str | None:
    """Return the UserToken."""
    access_token = result.user_token
    sound = (
        access_token
        and access_token.isascii()
        and access_token.isprintable()
        and len(access_token) <= _LONGEST_ACCESS_TOKEN
    )
    return access_token if sound else None


def invoices_in(result: ResultRead) -> tuple[Invoice, ...] | None:
    """Return a page of the registry. A list that is null is empty; none at all says nothing."""
    if not result.has("invoices_history_list"):
        return None
    return tuple(invoice_of(each) for each in result.invoices_history_list or ())


def scheduled_in(result: ResultRead) -> tuple[Scheduled, ...] | None:
    """Return a page of scheduled operations, likewise."""
    if not result.has("get_scheduled_operation_data"):
        return None
    return tuple(scheduled_of(each) for each in result.get_scheduled_operation_data or ())


def saved_in(result: ResultRead) -> bool | None:
    """Return whether the change was made."""
    flag = result.set_scheduled_operation_data
    return None if flag is None else flag == 1


def document_of(body: bytes) -> object:
    """Return a reply's members.

    Raises `ReplyUnreadable` where IntellectMoney did not speak: neither XML nor JSON, or XML that
    is no `Response`. Raises `Misshapen` or `NamedTwice` where it spoke strangely.
    """
    if bare(body).startswith(b"{"):
        try:
            return parse_json(body, exact=True)
        except NotJson:
            raise ReplyUnreadable from None
    try:
        root = parse(body)
    except NotXml:
        raise ReplyUnreadable from None
    if local_name(root) != _ROOT:
        raise ReplyUnreadable
    return _RESPONSE(root)


def _free(element: etree._Element) -> str | None:
    """Read free text; what holds further elements is none, and spoils nothing."""
    return None if len(element) else element.text


def _items(read: Read) -> Read:
    """Return a reader of a list: every element in it is an item."""

    def each(element: etree._Element) -> list[Any]:
        if (element.text or "").strip():
            message = "text in the place of a list"
            raise Misshapen(message)
        return [read(child) for child in element]

    return each


def _own(shape: Shape) -> Callable[[etree._Element], Any]:
    # The page's replies have no namespace; one that is added one day changes no meaning.
    return members(shape, own=None)


_MONEY: Final = _own({"Amount": token, "Currency": token})
_TRANSACTION: Final = _own(
    {
        "Id": token,
        "PaymentNumber": token,
        "State": token,
        "CreationDate": token,
        "PaymentAmount": _MONEY,
        "RecipientAmount": _MONEY,
        "PaymentAccount": _free,
        "RecipientAccount": _free,
        "Comment": _free,
        "Description": _free,
        "InvoicePaymentType": token,
        "UserEmail": _free,
    }
)
_PURCHASE: Final = _own({"EshopId": token, "UserName": _free, "UserEmail": _free})
_INVOICE: Final = _own(
    {
        "Id": token,
        "State": token,
        "CreationDate": token,
        "ChangeDate": token,
        "ExpirationDate": token,
        "Amount": _MONEY,
        "CurrentAmount": _MONEY,
        "SurchargeAmount": _MONEY,
        "Comment": _free,
        "EShopId": token,
        "EshopId": token,
        "PurchaseOrderId": _free,
        "HistoryList": _items(_TRANSACTION),
        "OwnerEmail": _free,
        "OwnerFIO": _free,
        "PurchaseData": _PURCHASE,
    }
)
_SCHEDULED: Final = _own(
    {
        "OperationId": token,
        "ObjectId": token,
        "ObjectTypeVal": token,
        "Params": _free,
        "ParamsJson": _free,
        "RepeatPlan": _free,
        "RetryOnFailPlan": _free,
        "RetryOnFailCount": token,
        "IsSingle": token,
        "FireOnSkip": token,
        "State": token,
    }
)
_CODE: Final = _own({"Code": token, "State": token})
_RESULT: Final = _own(
    {
        "State": _CODE,
        "UserToken": token,
        "InvoicesHistoryList": _items(_INVOICE),
        "GetScheduledOperationData": _items(_SCHEDULED),
        "SetScheduledOperationData": token,
    }
)
_RESPONSE: Final = _own({"OperationState": _CODE, "OperationId": token, "Result": _RESULT})
