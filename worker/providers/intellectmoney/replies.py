"""IntellectMoney's replies as typed members, the same for JSON and XML.

Members that the page does not document are ignored, as it says. One documented member of the wrong
type spoils the whole reply, and a spoilt reply is never a verdict. What XML has as text JSON may
have as text, number or boolean. Nothing and an empty element are None. No message quotes a value.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    model_validator,
)
from pydantic.alias_generators import to_pascal

from uprid_client.contract.intellectmoney import GUID, INVOICE_STATES, LARGEST_ID, LARGEST_PAGE
from worker.providers.moments import read_moment

T = TypeVar("T")

#: What may stand around a value. `strip` by itself takes off what other alphabets call blank, too.
_BLANK: Final = " \t\r\n"
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,10})?")
#: Digits of a sum before and after its point: what a column holds.
_WHOLE, _FRACTION = 18, 10
#: Events carry states and types in clear, so that a person's name must not pass for one.
_WORD: Final = re.compile(r"[A-Za-z0-9_]{1,40}")
_CURRENCY: Final = re.compile(r"[A-Za-z0-9]{1,10}")
_FLAGS: Final = {"0": 0, "1": 1, "false": 0, "true": 1}
#: Characters of one free text that are kept.
_LONGEST_TEXT: Final = 4_000
#: .NET's first moment stands for none.
_NO_MOMENT: Final = "0001-01-01T00:00:00"


def replied_moment(value: object) -> datetime | None:
    """Read local (Moscow) time without a zone, with 0 to 7 digits of a second.

    The null date, nothing and an empty element are None. Raises `ValueError`.
    """
    if value is None or value == "" or (isinstance(value, str) and value.startswith(_NO_MOMENT)):
        return None
    return read_moment(value)


def _integer(value: object) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip(_BLANK)):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_ID:
        message = "no integer"
        raise ValueError(message)
    return value


def _decimal(value: object) -> Decimal | None:
    """Read an exact sum; what has more digits than any sum of money is none."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip(_BLANK)):
        return Decimal(value.strip(_BLANK))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_WHOLE:
        return Decimal(value)
    # Before anything is done with it: 1E+1000000 is short only as long as it is left alone.
    if isinstance(value, Decimal) and value.is_finite():
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent >= -_FRACTION and value.adjusted() < _WHOLE:
            return value
    message = "no sum"
    raise ValueError(message)


def _word(value: object) -> str | None:
    if value is None or value == "":
        return None
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _WORD.fullmatch(text):
        message = "no word"
        raise ValueError(message)
    return text


def _invoice_state(value: object) -> str | None:
    word = _word(value)
    known = {str(number): name for number, name in INVOICE_STATES.items()}
    return None if word is None else known.get(word, word)


def _currency(value: object) -> object:
    if value is None or value == "" or (isinstance(value, str) and _CURRENCY.fullmatch(value)):
        return value or None
    message = "no currency"
    raise ValueError(message)


def _flag(value: object) -> int | None:
    if value is None or value == "":
        return None
    text = str(value).lower() if isinstance(value, bool | int | str) else ""
    if text not in _FLAGS:
        message = "no flag"
        raise ValueError(message)
    return _FLAGS[text]


def _guid(value: object) -> str | None:
    """Take a GUID; .NET's empty one is none, and neither is what has another form."""
    if isinstance(value, str) and GUID.fullmatch(value.strip(_BLANK)) and value.strip("0-"):
        return value.strip(_BLANK).lower()
    return None


def _text(value: object) -> str | None:
    """Take free text; what is none is not worth a whole page of invoices."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    # JSON may hold half a character, which nothing can store.
    return (
        value[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
        if isinstance(value, str)
        else None
    )


def _printable(value: object) -> str | None:
    text = _text(value)
    # PostgreSQL has no room for some of the others.
    return None if text is None else "".join(c for c in text if c.isprintable()) or None


Integer = Annotated[int | None, BeforeValidator(_integer)]
Id = Annotated[int, Field(gt=0), BeforeValidator(_integer)]
Sum = Annotated[Decimal | None, BeforeValidator(_decimal)]
Currency = Annotated[str | None, BeforeValidator(_currency)]
InvoiceState = Annotated[str, BeforeValidator(_invoice_state)]
Word = Annotated[str, BeforeValidator(_word)]
OptionalWord = Annotated[str | None, BeforeValidator(_word)]
Flag = Annotated[int | None, BeforeValidator(_flag)]
Guid = Annotated[str, BeforeValidator(_guid)]
OptionalGuid = Annotated[str | None, BeforeValidator(_guid)]
Moment = Annotated[datetime | None, BeforeValidator(replied_moment)]
#: Free text: personal.
Text = Annotated[str | None, BeforeValidator(_text)]
Printable = Annotated[str | None, BeforeValidator(_printable)]

#: We ask for `LARGEST_PAGE` at most; a provider that sends more is allowed ten times that.
LONGEST_LIST: Final = 10 * LARGEST_PAGE
#: One spoilt item spoils the reply: the errors of all of them would fill the memory.
Items = Annotated[list[T] | None, FailFast(), Field(max_length=LONGEST_LIST)]


class _Read(BaseModel):
    model_config = ConfigDict(
        extra="ignore", strict=True, alias_generator=to_pascal, hide_input_in_errors=True
    )


class MoneyRead(_Read):
    """`Money`; both None where the element is empty."""

    amount: Sum = None
    currency: Currency = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.amount is None) != (self.currency is None):
            message = "half of a sum"
            raise ValueError(message)
        return self


class TransactionRead(_Read):
    """`HistoryData`."""

    id: Id
    payment_number: Integer = None
    state: Word
    creation_date: Moment = None
    payment_amount: MoneyRead | None = None
    recipient_amount: MoneyRead | None = None
    payment_account: Text = None
    recipient_account: Text = None
    comment: Text = None
    description: Text = None
    invoice_payment_type: OptionalWord = None
    user_email: Text = None


class PurchaseRead(_Read):
    """`PurchaseData`, which the page only shows."""

    eshop_id: Integer = None
    user_name: Text = None
    user_email: Text = None


def _shown(value: object) -> object:
    """Overlook what the page does not document where it is not as the page shows it."""
    return value if isinstance(value, dict) else None


class InvoiceRead(_Read):
    """`InvoiceData`."""

    id: Id
    state: InvoiceState
    creation_date: Moment = None
    change_date: Moment = None
    expiration_date: Moment = None
    amount: MoneyRead | None = None
    current_amount: MoneyRead | None = None
    surcharge_amount: MoneyRead | None = None
    comment: Text = None
    eshop_id: Integer = Field(default=None, validation_alias=AliasChoices("EShopId", "EshopId"))
    purchase_order_id: Printable = None
    history_list: Items[TransactionRead] = None
    owner_email: Text = None
    owner_name: Text = Field(default=None, validation_alias="OwnerFIO")
    purchase_data: Annotated[PurchaseRead | None, BeforeValidator(_shown)] = None


class ScheduledRead(_Read):
    """`ScheduledOperationData`."""

    operation_id: Guid
    object_id: Integer = None
    object_type_val: Integer = None
    params: Text = Field(default=None, validation_alias=AliasChoices("Params", "ParamsJson"))
    repeat_plan: Text = None
    retry_on_fail_plan: Text = None
    retry_on_fail_count: Integer = None
    is_single: Flag = None
    fire_on_skip: Flag = None
    state: Flag = None


class CodeRead(_Read):
    """`OperationState` or `State`: the page's table calls the field State, the wire says Code."""

    code: Integer = None
    state: Integer = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.code is not None and self.state is not None and self.code != self.state:
            message = "two codes"
            raise ValueError(message)
        return self

    @property
    def number(self) -> int | None:
        """The code, however it is called."""
        return self.state if self.code is None else self.code


class ResultRead(_Read):
    """`Result`: of what was asked for one list, flag or token; the others were not said."""

    state: CodeRead | None = None
    user_token: str | None = None
    invoices_history_list: Items[InvoiceRead] = None
    get_scheduled_operation_data: Items[ScheduledRead] = None
    set_scheduled_operation_data: Flag = None

    def has(self, name: str) -> bool:
        """Return whether a member was there, be it as nothing."""
        return name in self.model_fields_set


class ResponseRead(_Read):
    """`Response`."""

    operation_state: CodeRead
    operation_id: OptionalGuid = None
    result: ResultRead | None = None


def read_response(document: Any) -> ResponseRead:  # noqa: ANN401 - not validated yet
    """Return what a reply says; raise pydantic's `ValidationError`."""
    return ResponseRead.model_validate(document)
