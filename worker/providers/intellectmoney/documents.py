"""A reply's bytes → plain members, from XML or JSON: by what came, not by what was asked for."""

from collections.abc import Callable
from typing import Any, Final

from lxml import etree

from worker.domain.errors import ReplyUnreadable
from worker.providers.transport.blanks import bare
from worker.providers.transport.strict_json import NotJson, parse_json
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

_ROOT: Final = "Response"


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
    """Return a reader of a list: an item is whatever element stands in it."""

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
