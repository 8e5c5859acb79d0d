"""NPD's words → ours. Exhaustive: what is not known needs a person and is never a verdict."""

from typing import Final, assert_never

from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.outcomes import Finished, Misconfigured, NeedsPerson, NotSent, Reason, Trouble
from worker.providers.npd.types import Error, Refusal, Unlike

#: How often in a row NPD may fail to do what it was asked, before that is its last word.
FAILURES_IN_A_ROW: Final = 5


def refused(reply: Refusal, consecutive_failures: int) -> Finished | NotSent | Misconfigured:
    """Return what an error comes to; `consecutive_failures` met trouble before.

    All of them say that nothing was done: a step or a start may be asked for again.
    """
    error = reply.error
    note = f"error: {error}"
    match error:
        case Error.NO_PARTNER:
            return Misconfigured(_because(error, ReasonCode.CONFIGURATION, _NO_PARTNER), note)
        case Error.WRONG_SIGNATURE:
            return Misconfigured(_because(error, ReasonCode.CONFIGURATION, _SIGNATURE), note)
        case Error.NO_USER_FOUND:
            return _rejected(reply, ReasonCode.NOT_FOUND_AT_PROVIDER, _NO_USER)
        case Error.NO_USER_UNIT:
            return _rejected(reply, ReasonCode.NOT_FOUND_AT_PROVIDER, _NO_UNIT)
        case Error.NO_USER_INN:
            return _rejected(reply, ReasonCode.NOT_ELIGIBLE, _NO_INN)
        case Error.NOT_UPDATED | Error.NO_ASYNC_TASK:
            if consecutive_failures + 1 < FAILURES_IN_A_ROW:
                return NotSent(note, Trouble.DEPENDENCY)
            reason = _because(error, ReasonCode.PROVIDER_ERROR, _FAILED, retryable=True)
            return Finished(State.FAILED, note, reason, answer=reply.answer)
        case _:
            assert_never(error)


def not_known(reply: Unlike) -> NeedsPerson:
    """Return what an answer to a harmless step comes to that the page does not know."""
    return NeedsPerson(UNKNOWN_ANSWER, reply.what, reply.answer)


def _rejected(reply: Refusal, code: ReasonCode, message: str) -> Finished:
    reason = _because(reply.error, code, message, retryable=True)
    return Finished(State.REJECTED, f"error: {reply.error}", reason, answer=reply.answer)


def _because(error: Error, code: ReasonCode, message: str, *, retryable: bool = False) -> Reason:
    return Reason(code, message, error.value, retryable)


_NO_PARTNER: Final = "NPD does not know our key, or has turned it off: check SECURITY_KEY."
_SIGNATURE: Final = "NPD refuses our signature: check SECRET_KEY and SIGNED_FIELDS."
_NO_USER: Final = (
    "NPD knows nobody by this phone: send the SMS code again, make the profile at MONETA.RU, "
    "then retry."
)
_NO_UNIT: Final = "MONETA.RU has no profile of this person: make it there, then retry."
_NO_INN: Final = "The person is not bound to the marketplace: bind the person, then retry."
_FAILED: Final = "NPD failed to do what it was asked several times in a row: retry later."
UNKNOWN_ANSWER: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "NPD answered what its page does not know: look at the answer, then retry or resolve.",
)
