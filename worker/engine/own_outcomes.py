"""Outcomes that no provider gave: of a payload that does not open, and of an error of our own."""

from typing import Final

from uprid_client.contract.reason_codes import ReasonCode
from worker.domain.outcomes import Doubtful, NeedsPerson, Outcome, Pending, Reason, Trouble
from worker.engine.calls import Call

#: Errors of our own in a row after which an operation waits for a person.
MOST_STUMBLES: Final = 5

UNREADABLE: Final = NeedsPerson(
    Reason(
        ReasonCode.PAYLOAD_UNREADABLE,
        "The sealed payload opens with none of the keys: put its key back and resume.",
        retryable=True,
    ),
    note="payload does not open",
    calls=0,
)

ERASED: Final = NeedsPerson(
    Reason(
        ReasonCode.ERASED,
        "Its data were erased past their retention: retry with the data.",
        retryable=True,
    ),
    note="payload was erased",
    calls=0,
)


def stumbled(call: Call, before: int, error: str) -> Outcome:
    """Return the outcome of an error of our own in a plugin.

    `before`: how often the operation met trouble in a row before it. `error`: its class.
    """
    note = f"our own error: {error}"
    if call is Call.SUBMIT:
        # The error may have come after the call: find that out, and do not repeat the call.
        return Doubtful(note=note, trouble=Trouble.UNKNOWN)
    if before + 1 >= MOST_STUMBLES:
        reason = Reason(
            ReasonCode.PROVIDER_ERROR,
            "The worker stumbled over this operation again and again; the log says where.",
            provider_code=error,
        )
        return NeedsPerson(reason, note=note)
    return Pending(note=note, trouble=Trouble.UNKNOWN)
