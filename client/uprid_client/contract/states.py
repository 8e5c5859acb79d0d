"""The states of an operation, as events name them."""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where an operation stands."""

    #: Stored and ours; nothing has been sent to the provider for this attempt.
    ACCEPTED = "accepted"
    #: The submit is about to be sent, or was: found in this state by a claim, it is doubtful.
    SUBMITTING = "submitting"
    #: The provider took the attempt; the result is polled.
    POLLING = "polling"
    #: Past the deadline: the provider is asked how the attempt ended.
    SETTLING = "settling"
    #: Parked: an on-call engineer decides.
    WAITING_FOR_PERSON = "waiting_for_person"
    #: The provider said yes.
    SUCCEEDED = "succeeded"
    #: The provider said no.
    REJECTED = "rejected"
    #: No answer came in time.
    EXPIRED = "expired"
    #: It could not be done; there is no verdict.
    FAILED = "failed"
    #: A person called it off.
    CANCELLED = "cancelled"


#: The states that an attempt ends in.
TERMINAL: Final = frozenset(
    {State.SUCCEEDED, State.REJECTED, State.EXPIRED, State.FAILED, State.CANCELLED}
)
