"""How turns end, whatever was asked for: before the start, past the deadline, by an error."""

from dataclasses import replace
from typing import Final

from config.polling import PollPolicy
from worker.domain.outcomes import Finished, NotSent, Outcome, Pending, Reason, ReasonCode, Trouble
from worker.domain.states import State
from worker.providers.base import Work
from worker.providers.intellectmoney.troubles import UNKNOWN

#: A policy's draw: the wait itself.
_NO_JITTER: Final = 0.5
OPERATION_ERROR: Final = "OperationState 2"


def before_the_start(work: Work, outcome: Outcome, policy: PollPolicy) -> Outcome:
    """Return what an outcome means while nothing has been started: trouble is `NotSent`.

    An answer that is not known is counted, which only `Pending` can do, so it is one that takes
    its time.
    """
    if not isinstance(outcome, Pending):
        return outcome
    match outcome.trouble:
        case None:
            said = outcome
        case Trouble.UNKNOWN:
            times = int((outcome.progress or {}).get(UNKNOWN, 1))
            said = replace(outcome, trouble=None, again_in=policy.backoff(times, _NO_JITTER))
        case trouble:
            return NotSent(outcome.note, trouble, outcome.retry_after, outcome.calls)
    if is_over(work):
        return Finished(State.EXPIRED, said.note, EXPIRED, calls=said.calls)
    return said


def is_over(work: Work) -> bool:
    """Tell whether the deadline has passed."""
    return work.deadline_at is not None and work.now >= work.deadline_at


def error(said: str, *, retryable: bool) -> Reason:
    """Return the reason where IntellectMoney says that it will not be done."""
    return Reason(
        ReasonCode.PROVIDER_ERROR,
        "IntellectMoney could not process the request: ask its support what was wrong.",
        said,
        retryable=retryable,
    )


EXPIRED: Final = Reason(
    ReasonCode.DEADLINE_PASSED,
    "IntellectMoney did not finish in time; what came until then is kept: retry later.",
    retryable=True,
)
