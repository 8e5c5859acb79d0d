"""The states of an operation and the moves between them. The only table of moves there is."""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where an operation stands."""

    #: Stored and ours; nothing has been sent to the provider for this attempt.
    ACCEPTED = "accepted"
    #: The submit is about to be sent, or was: found in this state by a claim, it is doubtful.
    SUBMITTING = "submitting"
    #: The provider took the attempt; its answer is asked for again and again.
    POLLING = "polling"
    #: Past the deadline: the provider is asked what became of it.
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


TERMINAL: Final = frozenset(
    {State.SUCCEEDED, State.REJECTED, State.EXPIRED, State.FAILED, State.CANCELLED}
)
LIVE: Final = frozenset(State) - TERMINAL
#: States in which the engine has something to do, so that they carry a due time.
DRIVEN: Final = LIVE - {State.WAITING_FOR_PERSON}
#: A next attempt may start from here (and never while the provider may still answer).
RETRYABLE: Final = frozenset(
    {State.REJECTED, State.EXPIRED, State.FAILED, State.WAITING_FOR_PERSON}
)
#: How a superseded attempt is closed: no event tells of it.
SUPERSEDED: Final = "superseded"

_ANY_END: Final = TERMINAL | {State.WAITING_FOR_PERSON}

#: Moves within one attempt. A retry is not a move: it starts the next attempt in ACCEPTED.
MOVES: Final[dict[State, frozenset[State]]] = {
    # Straight to POLLING where the submit is harmless, so that nothing had to be marked before it.
    State.ACCEPTED: frozenset({State.SUBMITTING, State.POLLING}) | _ANY_END,
    State.SUBMITTING: frozenset({State.ACCEPTED, State.POLLING}) | _ANY_END,
    State.POLLING: frozenset({State.SETTLING}) | _ANY_END,
    State.SETTLING: _ANY_END,
    State.WAITING_FOR_PERSON: DRIVEN | TERMINAL,
    **{state: frozenset() for state in TERMINAL},
}


def may_move(origin: State, to: State) -> bool:
    """Tell whether an attempt may go from one state to another."""
    return to in MOVES[origin]
