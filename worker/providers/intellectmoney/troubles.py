"""What stands in the place of an answer: failed calls and answers that are not known."""

from collections.abc import Mapping
from typing import Any, Final

from worker.domain.errors import CallFailed, ReplyTooLarge
from worker.domain.outcomes import NeedsPerson, Pending, Reason, ReasonCode, Trouble
from worker.providers.transport.failures import BadStatus, Unavailable, trouble_of

#: How often an answer that is not known is asked for again.
ASKED_AGAIN: Final = 3
#: In `progress`: how many answers in a row were not known.
UNKNOWN: Final = "unknown"
#: Bytes of a strange answer that a person is shown.
_SHOWN: Final = 64 * 1024


def failed(failure: CallFailed, progress: Mapping[str, Any]) -> Pending | NeedsPerson:
    """Return what a read that got no usable reply comes to."""
    if isinstance(failure, ReplyTooLarge):
        return NeedsPerson(_TOO_LARGE, failure.note)
    if isinstance(failure, Unavailable):
        return Pending(failure.note, trouble_of(failure), failure.retry_after)
    if isinstance(failure, BadStatus) and failure.is_about_the_request:
        # No page knows such a status: it will not become another one by itself.
        return not_known(failure.note, progress)
    return Pending(failure.note, trouble_of(failure), failure.retry_after)


def not_known(note: str, progress: Mapping[str, Any], answer: bytes = b"") -> Pending | NeedsPerson:
    """Ask again a few times for an answer that is not known, then leave it to a person."""
    times = int(progress.get(UNKNOWN, 0)) + 1
    if times > ASKED_AGAIN:
        return NeedsPerson(_UNKNOWN, note, answer[:_SHOWN] or None)
    return Pending(note, Trouble.UNKNOWN, progress={**progress, UNKNOWN: times})


_TOO_LARGE: Final = Reason(
    ReasonCode.CONFIGURATION,
    "The reply is larger than REPLY_LIMIT: lower page_size or raise the setting, then resume.",
    retryable=True,
)
_UNKNOWN: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "IntellectMoney answered what its pages do not allow: look at the answer and resolve by hand.",
)
