"""What a marketplace gives for IntellectMoney."""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Final, NoReturn

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
)

from uprid_client.contract.arguments import OfOperation
from uprid_client.contract.cron import read_cron
from uprid_client.contract.given import Given
from uprid_client.contract.tasks import TaskContract
from uprid_client.contract.typography import plain
from uprid_client.names import Task

#: `InvoiceState` by its numbers; 5 is not defined.
INVOICE_STATES: Final[Mapping[int, str]] = {
    0: "Created", 1: "PartPaid", 2: "Paid", 3: "ToPaid", 4: "Refund", 6: "Held",
}  # fmt: skip
#: The key of the validation context that says whether requests can be made with the filter State.
STATE_ASKED: Final = "state_asked"
LARGEST_PAGE: Final = 1000
GUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
LARGEST_ID: Final = 2**63 - 1
_LARGEST_STATE: Final = max(INVOICE_STATES)
_LARGEST_COUNT: Final = 2**31 - 1
_ISO_DATE: Final = re.compile(r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}")
_LONGEST_PARAMS: Final = 4_000
_LONGEST_PLAN: Final = 500


def _day(value: str) -> str:
    try:
        if _ISO_DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    message = "must be a day of the calendar such as 2026-01-31"
    raise ValueError(message)


def _guid(value: str) -> str:
    if not GUID.fullmatch(value):
        message = "must be an id such as 01234567-89ab-cdef-0123-456789abcdef"
        raise ValueError(message)
    return value.lower()


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _count_up_to(highest: int, lowest: int = 0) -> BeforeValidator:
    def check(value: object) -> object:
        if not isinstance(value, int) or not _is_int(value) or not lowest <= value <= highest:
            message = f"must be an integer from {lowest} to {highest}"
            raise ValueError(message)
        return value

    return BeforeValidator(check)


def _yes_or_no(value: object) -> object:
    if not isinstance(value, bool):
        message = "must be true or false"
        raise ValueError(message)  # noqa: TRY004 - what pydantic collects
    return value


def _flag(value: object) -> object:
    if not isinstance(value, int) or value not in {0, 1}:
        message = "must be 0 or 1, or false or true"
        raise ValueError(message)
    return int(value)


def _invoice_state(value: object) -> object:
    by_number = isinstance(value, int) and _is_int(value) and 0 <= value <= _LARGEST_STATE
    if by_number or (isinstance(value, str) and value in INVOICE_STATES.values()):
        return value
    names = ", ".join(INVOICE_STATES.values())
    message = f"must be one of {names}, or a number from 0 to {_LARGEST_STATE}"
    raise ValueError(message)


def _holds_an_object(text: str) -> bool:
    """Return whether a text is a JSON object that two readers cannot understand differently."""
    try:
        text.encode()
        found = _DECODER.decode(text.lstrip("\ufeff \t\r\n"))
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _no_constant(_: str) -> NoReturn:
    raise ValueError


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)


def _params(value: object) -> str:
    message = f"must be a JSON object, or the text of one, of at most {_LONGEST_PARAMS} characters"
    if isinstance(value, dict):
        try:
            value = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except (ValueError, TypeError, RecursionError):
            raise ValueError(message) from None
    if not isinstance(value, str) or len(value) > _LONGEST_PARAMS or not _holds_an_object(value):
        raise ValueError(message)
    return value


def _plan(value: str) -> str:
    """Take a cron expression, or the newer pages' JSON form, which is passed on as it is."""
    if plain(value).startswith("{"):
        if not _holds_an_object(value):
            message = "must be a cron expression of seven fields, or the text of a JSON object"
            raise ValueError(message)
        return value
    return read_cron(plain(value))


Id = Annotated[int, Field(strict=True, gt=0, le=LARGEST_ID)]
OperationGuid = Annotated[str, Field(strict=True, max_length=60), AfterValidator(_guid)]
Day = Annotated[str, Field(strict=True, max_length=40), AfterValidator(_day)]
InvoiceState = Annotated[int | str, BeforeValidator(_invoice_state)]
Flag = Annotated[int, BeforeValidator(_flag)]
Plan = Annotated[
    str, Field(strict=True, min_length=1, max_length=_LONGEST_PLAN), AfterValidator(_plan)
]


class _Dated(Given):
    date_from: Day | None = None
    date_to: Day | None = None

    @field_validator("date_to")
    @classmethod
    def _in_order(cls, value: str | None, info: ValidationInfo) -> str | None:
        first = info.data.get("date_from")
        if value is not None and first is not None and value < first:
            message = "must not be before date_from"
            raise ValueError(message)
        return value


class InvoiceFilters(_Dated):
    """Which invoices of the registry; they must meet all of it. Dates are of the last change."""

    eshop_id: Id | None = None
    state: InvoiceState | None = None
    invoice_id: Id | None = None
    include_payment_transactions: Annotated[bool, BeforeValidator(_yes_or_no)] | None = None
    page_size: Annotated[int, _count_up_to(LARGEST_PAGE, lowest=1)] = 100

    @field_validator("state")
    @classmethod
    def _can_be_asked(cls, value: int | str | None, info: ValidationInfo) -> int | str | None:
        if value is not None and not (info.context or {}).get(STATE_ASKED, True):
            message = "cannot be signed: its place among the signed values is not known"
            raise ValueError(message)
        return value


class ScheduledFilters(_Dated):
    """Which scheduled operations."""

    operation_id: OperationGuid | None = None
    object_id: Id | None = None
    #: 0 is active, 1 is off.
    state: Flag | None = None


class ScheduledChange(Given):
    """A scheduled operation as it is to be.

    `is_single` says the contrary of its name, as the page has it: 0 is one thread, 1 is any number
    of parallel ones. `state` likewise: 0 is active, 1 is off.
    """

    #: JSON is the shop's own text; what of a plan is none is read in plain typography all the same.
    verbatim: ClassVar[frozenset[str]] = frozenset({"params", "repeat_plan", "retry_on_fail_plan"})

    #: None: a new one.
    operation_id: OperationGuid | None = None
    object_id: Id
    #: 1: recurring.
    object_type: Annotated[int, _count_up_to(255, lowest=1)]
    #: The text of a JSON object.
    params: Annotated[str, BeforeValidator(_params)]
    repeat_plan: Plan
    retry_on_fail_plan: Plan | None = None
    retry_on_fail_count: Annotated[int, _count_up_to(_LARGEST_COUNT)] | None = None
    is_single: Flag | None = None
    fire_on_skip: Flag | None = None
    state: Flag | None = None
    end_exec_date: Day | None = None


class InvoicesArguments(Given):
    """What a start message says, but for the reference."""

    filters: InvoiceFilters


class ListArguments(Given):
    """What a start message says, but for the reference."""

    filters: ScheduledFilters


class SaveArguments(Given):
    """What a start message says, but for the reference."""

    operation: ScheduledChange


class FetchInvoices(OfOperation, InvoicesArguments):
    """Fetch the payment registry, all its pages."""

    verbatim: ClassVar[frozenset[str]] = frozenset({"reference"})


class FetchScheduledOperations(OfOperation, ListArguments):
    """Fetch the list of scheduled operations."""

    verbatim: ClassVar[frozenset[str]] = frozenset({"reference"})


class SaveScheduledOperation(OfOperation, SaveArguments):
    """Create a scheduled operation, or change the one that `operation_id` names."""

    verbatim: ClassVar[frozenset[str]] = frozenset({"reference"})


TASKS: Final[Mapping[Task, TaskContract]] = {
    Task.INTELLECTMONEY_INVOICES: TaskContract(FetchInvoices),
    Task.INTELLECTMONEY_LIST: TaskContract(FetchScheduledOperations),
    Task.INTELLECTMONEY_SAVE: TaskContract(SaveScheduledOperation),
}
