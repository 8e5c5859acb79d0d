"""The events of the result stream: their types, and the model of what each type's data holds.

A newer release may add members and types: what a model does not know, it keeps.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.contract.refusal_reasons import as_read
from uprid_client.contract.states import State
from uprid_client.names import Provider


class EventType(StrEnum):
    """What has happened."""

    ACCEPTED = "uprid.operation.accepted"
    STARTED = "uprid.operation.started"
    INPUT_REQUIRED = "uprid.operation.input_required"
    SUCCEEDED = "uprid.operation.succeeded"
    REJECTED = "uprid.operation.rejected"
    EXPIRED = "uprid.operation.expired"
    FAILED = "uprid.operation.failed"
    CANCELLED = "uprid.operation.cancelled"
    WAITING_FOR_PERSON = "uprid.operation.waiting_for_person"
    LATE_ANSWER = "uprid.operation.late_answer"
    MESSAGE_REFUSED = "uprid.message.refused"
    #: One alert for all of a provider's operations: its calls have stopped.
    PROVIDER_PAUSED = "uprid.provider.paused"
    PROVIDER_UNPAUSED = "uprid.provider.unpaused"


class EventData(BaseModel):
    """What an event says."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)


class Reason(EventData):
    """Why an operation ended or waits."""

    #: A text where a newer release has a new one.
    code: Annotated[ReasonCode | str, Field(union_mode="left_to_right")]
    #: The provider's own code, where it gave one.
    provider_code: str | None
    #: A next attempt can succeed; after a rejection with corrected data.
    retryable: bool
    #: In English, for people.
    message: str | None


class Refusal(EventData):
    """Why a message was not taken."""

    #: A text where a newer release has a new one.
    code: Annotated[RefusalCode | str, Field(union_mode="left_to_right")]
    provider_code: None
    #: The very same message can be taken later.
    retryable: bool
    message: str | None


class OperationData(EventData):
    """What every event of an operation says of it."""

    operation_id: str
    reference: str
    provider: Provider
    #: Such as `identification`, `invoices`.
    kind: str
    attempt: Annotated[int, Field(ge=1)]
    #: Counts an operation's events, from 1.
    sequence: Annotated[int, Field(ge=1)]
    state: State
    #: The provider's id of the attempt.
    provider_ref: str | None
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    #: Status requests that were sent.
    polls: Annotated[int, Field(ge=0)]
    reason: Reason | None
    #: Facts that are not personal.
    result: Mapping[str, Any]
    #: The provider's whole answer as a Fernet token, where it is small enough.
    sealed: Annotated[str | None, Field(repr=False)] = None


class InputData(OperationData):
    """What is asked for with `input_required`."""

    #: Such as `sms_code`.
    missing: str
    attempts_left: Annotated[int, Field(ge=0)]


class RefusedData(EventData):
    """What is said of a message that was not taken."""

    #: Where the message named one that could be one.
    reference: str | None
    task: str
    message_id: str
    #: The arguments that are wrong; no values.
    fields: tuple[str, ...]
    #: Release 0.1.0 wrote a text.
    reason: Annotated[Refusal, BeforeValidator(as_read)]


class ProviderData(EventData):
    """What is said of a provider whose calls stop or go on."""

    provider: Provider
    at: AwareDatetime
    by: str
    note: str
    #: Why they stopped; None where they go on.
    reason: Reason | None = None
    #: The operation that had them stopped.
    reference: str | None = None
    #: What to do next.
    next: str | None = None


#: What the data of each type of event holds.
DATA: Final[Mapping[EventType, type[EventData]]] = {
    **dict.fromkeys(EventType, OperationData),
    EventType.INPUT_REQUIRED: InputData,
    EventType.MESSAGE_REFUSED: RefusedData,
    EventType.PROVIDER_PAUSED: ProviderData,
    EventType.PROVIDER_UNPAUSED: ProviderData,
}


def read_data(kind: str, data: Mapping[str, Any]) -> EventData | None:
    """Return what an event says as the model of its type; None for a type that is not known.

    Raises pydantic's `ValidationError`, which names fields and no values.
    """
    known = kind in set(EventType)
    return DATA[EventType(kind)].model_validate(data) if known else None
