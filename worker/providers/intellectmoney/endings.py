"""Outcomes that all kinds of operations share: trouble, errors, before the start, the deadline."""

from dataclasses import replace
from typing import Final

from config.polling import PollPolicy
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.errors import CallFailed, ReplyTooLarge
from worker.domain.outcomes import Finished, NeedsPerson, NotSent, Outcome, Pending, Reason, Trouble
from worker.providers.intellectmoney.progress import Progress
from worker.providers.protocol import Work
from worker.providers.transport.failures import BadStatus, Unavailable, trouble_of

#: A policy's draw: the wait itself.
_NO_JITTER: Final = 0.5
OPERATION_ERROR: Final = "OperationState 2"
#: How often an answer that is not known is asked for again.
ASKED_AGAIN: Final = 3
#: Bytes of a strange answer that a person is shown.
_SHOWN: Final = 64 * 1024


def before_the_start(work: Work, outcome: Outcome, policy: PollPolicy) -> Outcome:
    """Return what an outcome means while nothing has been started: trouble is `NotSent`.

    An answer that is not known is counted, which only `Pending` can do, so it is one that takes
    its time.
    """
    if not isinstance(outcome, Pending):
        return outcome
    match outcome.trouble:
        case None:
            bounded = outcome
        case Trouble.UNKNOWN:
            times = Progress.of(outcome.progress).unknown or 1
            bounded = replace(outcome, trouble=None, again_in=policy.backoff(times, _NO_JITTER))
        case trouble:
            return NotSent(outcome.note, trouble, outcome.retry_after, outcome.calls)
    if is_over(work):
        return Finished(State.EXPIRED, bounded.note, EXPIRED, calls=bounded.calls)
    return bounded


def is_over(work: Work) -> bool:
    """Return whether the deadline has passed."""
    return work.deadline_at is not None and work.now >= work.deadline_at


def error(detail: str, *, retryable: bool) -> Reason:
    """Return the reason where IntellectMoney says that it will not be done."""
    return Reason(
        ReasonCode.PROVIDER_ERROR,
        "IntellectMoney could not process the request: ask its support what was wrong.",
        detail,
        retryable=retryable,
    )


def failed(failure: CallFailed, progress: Progress) -> Pending | NeedsPerson:
    """Return what a read that got no usable reply comes to."""
    if isinstance(failure, ReplyTooLarge):
        return NeedsPerson(_TOO_LARGE, failure.note)
    if isinstance(failure, Unavailable):
        return Pending(failure.note, trouble_of(failure), failure.retry_after)
    if isinstance(failure, BadStatus) and failure.is_about_the_request:
        # An undocumented status: asking again will not change it.
        return not_known(failure.note, progress)
    return Pending(failure.note, trouble_of(failure), failure.retry_after)


def not_known(note: str, progress: Progress, answer: bytes = b"") -> Pending | NeedsPerson:
    """Ask again a few times for an answer that is not known, then leave it to a person."""
    again = progress.counted_unknown()
    if again.unknown > ASKED_AGAIN:
        return NeedsPerson(_UNKNOWN, note, answer[:_SHOWN] or None)
    return Pending(note, Trouble.UNKNOWN, progress=again.stored())


EXPIRED: Final = Reason(
    ReasonCode.DEADLINE_PASSED,
    "IntellectMoney did not finish in time; what came until then is kept: retry later.",
    retryable=True,
)
_TOO_LARGE: Final = Reason(
    ReasonCode.CONFIGURATION,
    "The reply is larger than REPLY_LIMIT: lower page_size or raise the setting, then resume.",
    retryable=True,
)
_UNKNOWN: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "IntellectMoney answered what its pages do not allow: look at the answer and resolve by hand.",
)
