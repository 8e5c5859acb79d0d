"""IntellectMoney's replies as typed members, whatever language they were written in.

Members that the page does not document are ignored, as it says. One documented member of the wrong
type spoils the whole reply, and a spoilt reply is never a verdict.
"""

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

from uprid_client.contract.intellectmoney import LARGEST_PAGE
from worker.providers.intellectmoney.values import (
    Currency,
    Flag,
    Guid,
    Id,
    Integer,
    InvoiceState,
    Moment,
    OptionalGuid,
    OptionalWord,
    Printable,
    Sum,
    Text,
    Word,
)

T = TypeVar("T")

#: Nobody asks for more than `LARGEST_PAGE` at a time; some excess is overlooked.
LONGEST_LIST: Final = 10 * LARGEST_PAGE
#: One spoilt item spoils the reply: the faults of all of them would fill the memory.
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
    def said(self) -> int | None:
        """The code, however it is called."""
        return self.state if self.code is None else self.code


class ResultRead(_Read):
    """`Result`: of what was asked for one list, flag or token; the others were not said."""

    state: CodeRead | None = None
    user_token: str | None = None
    invoices_history_list: Items[InvoiceRead] = None
    get_scheduled_operation_data: Items[ScheduledRead] = None
    set_scheduled_operation_data: Flag = None

    def says(self, name: str) -> bool:
        """Tell whether a member was there, be it as nothing."""
        return name in self.model_fields_set


class ResponseRead(_Read):
    """`Response`."""

    operation_state: CodeRead
    operation_id: OptionalGuid = None
    result: ResultRead | None = None


def read_response(document: Any) -> ResponseRead:  # noqa: ANN401 - whatever came
    """Return what a reply says; raise pydantic's `ValidationError`."""
    return ResponseRead.model_validate(document)
