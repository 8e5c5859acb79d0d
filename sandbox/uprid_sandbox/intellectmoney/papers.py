"""An invoice as the provider's examples write it, with undocumented members."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from uprid_sandbox.intellectmoney.acts import Damage, Manner
from uprid_sandbox.intellectmoney.eshops import eshop_scenario
from uprid_sandbox.intellectmoney.invoices import STATES, Invoice, Moment, Transaction
from uprid_sandbox.intellectmoney.tree import Content, Items, Number, Twice, Typed, Value

_NO_DATE: Final = "0001-01-01T00:00:00"
_EMAIL: Final = "obrazets@example.com"
_OWNER: Final = "Образцов Пример Тестович"
_SHOP: Final = 'Магазин «Образец» & "Ко"'
_SITE: Final = "http://shop.example/?a=1&b=2"


def invoice_data(each: Invoice, *, with_transactions: bool) -> Content:
    """Return `InvoiceData`."""
    manner = eshop_scenario(each.eshop_id).manner
    # The page lists the two, its example shows neither.
    optional = {"Comment": "Оплата заказа <№ 1>", "EShopId": Number(each.eshop_id)}
    history = each.transactions if with_transactions else ()
    return {
        "Id": Number(each.id),
        "State": _state(each.state, manner),
        "HoldModeFlag": each.state == "Held",
        "ChangeDate": str(each.changed),
        "CreationDate": str(each.created),
        "ExpirationDate": _date(each.expires),
        "Amount": _money(each.amount, each.currency),
        "CurrentAmount": _money(each.current, each.currency),
        "SurchargeAmount": _money(each.surcharge, each.currency),
        **(optional if each.index % 2 else {}),
        "AdditionalInfo": _additional_info(),
        "HistoryList": Items("HistoryData", [_history_data(each, one) for one in history]),
        "OwnerEmail": _EMAIL,
        "OwnerFIO": _OWNER,
        "PurchaseOrderId": _order(each),
        "PurchaseData": _purchase_data(each),
        "IsCanEnrollmentByDisabledMethod": False,
        "InvoiceChangeAmountHistoryData": "",
        "OriginalAmount": _money(each.amount, each.currency),
        "FormType": "None",
        "OrganizationName": "Образцы и Примеры",
        "IsHaveCashboxReceipts": False,
    }


def damaged(paper: Content, damage: Damage) -> Content:
    """Return an invoice, or a scheduled operation, with something wrong about it."""
    return _DAMAGES[damage](paper)


def _history_data(of: Invoice, one: Transaction) -> Content:
    return {
        "Id": Number(one.id),
        "PaymentNumber": Number(one.id + 1),
        "State": one.state,
        "CreationDate": str(one.created),
        "PaymentAmount": _money(one.paid, of.currency),
        "RecipientAmount": _money(one.received, of.currency),
        "PaymentAccount": "IM0000000001",
        "RecipientAccount": f"Счет к оплате {of.id}",
        **({"Comment": f"Возврат по ордеру {of.index}"} if one.payment_type == "Refund" else {}),
        "Description": f"Внутренний на {_EMAIL}",
        "Direction": "Deposit" if one.payment_type == "Entry" else "Withdraw",
        "PurchaseOrderId": _order(of),
        "AdditionalInfo": "",
        "InvoicePaymentType": one.payment_type,
        "InvoiceId": Number(of.id),
        "IsElectedPayment": False,
        "TypeOfRePayment": None,
        "ProviderId": None,
        "CatalogPaymentId": Number(0),
        "ShortPan": "",
        "Country": "",
        "UserEmail": _EMAIL,
    }


def _purchase_data(each: Invoice) -> Content:
    return {
        "Id": Number(each.index),
        "PurchaseMoney": _money(each.amount, each.currency),
        "OrderId": _order(each),
        "BackUrl": _SITE,
        "SuccessMethod": None,
        "FailMethod": None,
        "EshopId": Number(each.eshop_id),
        "EshopUrl": _SITE,
        "EshopName": _SHOP,
        "SMSEnable": True,
        "UserName": _OWNER,
        "UserEmail": _EMAIL,
        "IsHeldByEshop": each.state == "Held",
        "ParseUserFields": "",
    }


def _additional_info() -> Value:
    pairs = (("Магазин", _SHOP), ("Url", _SITE))
    return Items("KeyValue", [{"Key": key, "Value": Typed(value)} for key, value in pairs])


def _order(each: Invoice) -> str:
    return f"З-{each.index:06}"


def _state(state: str, manner: Manner) -> Value:
    number = STATES.get(state, state)
    written = number if Manner.NUMBERS in manner else state
    return Number(written) if written.isdecimal() else written


def _date(moment: Moment | None) -> str:
    return _NO_DATE if moment is None else str(moment)


def _money(amount: Decimal, currency: str) -> Content:
    # The provider's example writes one and the same nothing as 0.0000 and as 0.
    written = "0" if not amount and currency == "TST" else f"{amount:f}"
    return {"Amount": Number(written), "Currency": currency}


def _without_id(paper: Content) -> Content:
    return {name: value for name, value in paper.items() if name not in {"Id", "OperationId"}}


def _with_two_ids(paper: Content) -> Content:
    return {**paper, "Id": Twice(paper["Id"], Number(1))}


def _with_amount(amount: Value) -> Callable[[Content], Content]:
    return lambda paper: {**paper, "Amount": {"Amount": amount, "Currency": "RUB"}}


def _with_bad_date(paper: Content) -> Content:
    return {**paper, "ChangeDate": "вчера"}


_DAMAGES: Final[Mapping[Damage, Callable[[Content], Content]]] = {
    Damage.NO_ID: _without_id,
    Damage.TWO_IDS: _with_two_ids,
    Damage.BAD_AMOUNT: _with_amount("много"),
    Damage.VAST_AMOUNT: _with_amount(Number("1e400")),
    Damage.BAD_DATE: _with_bad_date,
}
