"""The transitions between the states of an operation. The only table of them."""

from typing import Final

from uprid_client.contract.states import TERMINAL, State

LIVE: Final = frozenset(State) - TERMINAL
#: States in which the engine has work to do, so that they have a due time.
DRIVEN: Final = LIVE - {State.WAITING_FOR_PERSON}
#: A next attempt may start from here (and never while the provider may still answer).
RETRYABLE: Final = frozenset(
    {State.REJECTED, State.EXPIRED, State.FAILED, State.WAITING_FOR_PERSON}
)
#: How a superseded attempt is closed, without an event.
SUPERSEDED: Final = "superseded"

_ANY_END: Final = TERMINAL | {State.WAITING_FOR_PERSON}

#: Transitions within one attempt. A retry is none: it starts the next attempt in ACCEPTED.
TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    # Straight to POLLING where the submit is harmless, so that nothing had to be marked before it.
    State.ACCEPTED: frozenset({State.SUBMITTING, State.POLLING}) | _ANY_END,
    State.SUBMITTING: frozenset({State.ACCEPTED, State.POLLING}) | _ANY_END,
    State.POLLING: frozenset({State.SETTLING}) | _ANY_END,
    State.SETTLING: _ANY_END,
    State.WAITING_FOR_PERSON: DRIVEN | TERMINAL,
    **{state: frozenset() for state in TERMINAL},
}


def is_allowed(origin: State, to: State) -> bool:
    """Return whether an attempt may go from one state to another."""
    return to in TRANSITIONS[origin]
