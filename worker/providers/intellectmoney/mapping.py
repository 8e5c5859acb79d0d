"""IntellectMoney's records → ours."""

from collections.abc import Mapping
from typing import Any, Final

from worker.domain.invoices import Invoice, Money, Transaction
from worker.providers.intellectmoney.answers import Scheduled
from worker.providers.intellectmoney.replies import (
    InvoiceRead,
    MoneyRead,
    PurchaseRead,
    ScheduledRead,
    TransactionRead,
)
from worker.providers.transport.strict_json import NamedTwice, NotJson, parse_json

#: What a list shows of what was sent, as it is; when it ends is not shown.
_COMPARED: Final = (
    "operation_id", "object_id", "object_type", "retry_on_fail_count", "is_single", "fire_on_skip",
    "state",
)  # fmt: skip
_PLANS: Final = ("repeat_plan", "retry_on_fail_plan")


def invoice_of(read: InvoiceRead) -> Invoice:
    """Return an invoice. What could name a person is apart, for sealing."""
    purchase = read.purchase_data or PurchaseRead()
    personal = {
        "Comment": read.comment,
        "OwnerEmail": read.owner_email,
        "OwnerFIO": read.owner_name,
        "UserName": purchase.user_name,
        "UserEmail": purchase.user_email,
    }
    return Invoice(
        id=read.id,
        state=read.state,
        created_at=read.creation_date,
        changed_at=read.change_date,
        expires_at=read.expiration_date,
        amount=_money(read.amount),
        current=_money(read.current_amount),
        surcharge=_money(read.surcharge_amount),
        eshop_id=purchase.eshop_id if read.eshop_id is None else read.eshop_id,
        order=read.purchase_order_id,
        transactions=tuple(_transaction(each) for each in read.history_list or ()),
        personal=_without_blanks(personal),
    )


def scheduled_of(read: ScheduledRead) -> Scheduled:
    """Return a listed scheduled operation."""
    return Scheduled(
        operation_id=read.operation_id,
        object_id=read.object_id,
        object_type=read.object_type_val,
        params=read.params,
        repeat_plan=read.repeat_plan,
        retry_on_fail_plan=read.retry_on_fail_plan,
        retry_on_fail_count=read.retry_on_fail_count,
        is_single=read.is_single,
        fire_on_skip=read.fire_on_skip,
        state=read.state,
    )


def is_as_sent(listed: Scheduled, operation: Mapping[str, Any]) -> bool:
    """Return whether a listed operation is what was sent, in all that was sent and is shown."""
    same = all(operation.get(name) in {None, getattr(listed, name)} for name in _COMPARED)
    plans = all(
        operation.get(name) is None or _bare(operation[name]) == _bare(getattr(listed, name))
        for name in _PLANS
    )
    return same and plans and _json(operation["params"]) == _json(listed.params)


def _transaction(read: TransactionRead) -> Transaction:
    personal = {
        "PaymentAccount": read.payment_account,
        "RecipientAccount": read.recipient_account,
        "Comment": read.comment,
        "Description": read.description,
        "UserEmail": read.user_email,
    }
    return Transaction(
        id=read.id,
        number=read.payment_number,
        state=read.state,
        payment_type=read.invoice_payment_type,
        created_at=read.creation_date,
        paid=_money(read.payment_amount),
        received=_money(read.recipient_amount),
        personal=_without_blanks(personal),
    )


def _money(read: MoneyRead | None) -> Money | None:
    if read is None or read.amount is None or read.currency is None:
        return None
    return Money(read.amount, read.currency)


def _without_blanks(texts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text and text.strip()}


def _bare(plan: str | None) -> object:
    """Return a plan without what its writing adds: case and blanks, or JSON's order."""
    document = _json(plan)
    return " ".join((plan or "").upper().split()) if document is None else document


def _json(text: str | None) -> object:
    """Return what a JSON text holds, None where it is none."""
    try:
        return None if text is None else parse_json(text.encode("utf-8", "replace"))
    except (NotJson, NamedTwice):
        return None
