"""The outcome of a save, by its reply and by the list of operations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, assert_never

from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Prepared,
    Reason,
    Started,
    Trouble,
)
from worker.providers.intellectmoney.access_tokens import NoAccessToken
from worker.providers.intellectmoney.answers import Done, Failed, Queued, Scheduled, Unlike
from worker.providers.intellectmoney.endings import OPERATION_ERROR, error
from worker.providers.intellectmoney.mapping import is_as_sent
from worker.providers.intellectmoney.paging import Place
from worker.providers.intellectmoney.progress import Progress
from worker.providers.protocol import Work

#: How often the list may not show what a doubtful write would have made.
_DOUBTS: Final = 3
#: Seconds after which the ids before a create are listed anew: others make operations meanwhile.
_STALE_AFTER: Final = 600.0
#: How long past the deadline a token or the list's next page is waited for.
_GRACE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Listed:
    """The whole list was read: the ids that were looked for."""

    found: list[str]


def is_create(work: Work) -> bool:
    """Return whether it makes a new operation."""
    return work.args["operation"].get("operation_id") is None


def is_wanted(listed: Scheduled, work: Work) -> bool:
    """Return whether a listed operation may be what was written."""
    operation = work.args["operation"]
    if not is_create(work):
        return is_as_sent(listed, operation)
    if not is_written(work):
        # The provider may ignore the filter, and list operations of others.
        return listed.object_id in {None, operation["object_id"]}
    progress = Progress.of(work.progress)
    return listed.operation_id not in (progress.before or ()) and is_as_sent(listed, operation)


def is_written(work: Work) -> bool:
    """Return whether the write may have been made: before that, everything listed is older."""
    return Progress.of(work.progress).ready or work.state is not State.ACCEPTED


def is_stale(work: Work) -> bool:
    """Return whether what was listed before a create is too old to tell ours by."""
    listed_at = Progress.of(work.progress).listed_at
    return listed_at is not None and work.now.timestamp() - listed_at > _STALE_AFTER


def listed_before(listed: Listed | Finished | NoAccessToken, work: Work) -> Outcome:
    """Return the outcome of the list before a create: each page is a step, and is recorded."""
    match listed:
        case Listed():
            listed_at = work.now.timestamp()
            progress = Progress(ready=True, before=listed.found, listed_at=listed_at)
            return Prepared("listed before", progress.stored())
        case Pending(again_in=0.0, progress=so_far) if so_far is not None:
            return Prepared(listed.note, so_far)
        case _:
            return listed


def reading(progress: Progress, found: Sequence[str], place: Place) -> dict[str, Any]:
    """Return what to store once the list is read as far as `place`."""
    known = progress.without_list()
    return replace(known, found=list(found), place=place.remembered()).stored()


def written(reply: Done[bool] | Queued | Failed | Unlike | NoAccessToken, work: Work) -> Outcome:
    """Return the outcome of the write."""
    match reply:
        case Done():
            return done(reply, work)
        case Queued():
            if reply.operation_id is None:
                # The reply gives no id, but the list will show the operation.
                return Doubtful("queued without an id", Trouble.UNKNOWN)
            return Started(reply.operation_id, "queued")
        case Failed():
            return failed(OPERATION_ERROR, reply.answer)
        case Unlike():
            return Doubtful(reply.what, Trouble.UNKNOWN)
        case Pending():
            return NotSent(reply.note, reply.trouble or Trouble.DEPENDENCY, reply.retry_after)
        case NeedsPerson() | Misconfigured():
            return reply
        case _:
            assert_never(reply)


def done(reply: Done[bool], work: Work) -> Finished:
    """Return what `SetScheduledOperationData` comes to: 1 is done, 0 is not."""
    if not reply.result:
        return failed("SetScheduledOperationData 0", reply.answer)
    note = "saved with warnings" if reply.warned else "saved"
    operation_id = work.args["operation"].get("operation_id")
    # The reply does not name what it made: its OperationId is the request's own.
    known = {} if operation_id is None else {"scheduled_operation_id": operation_id}
    result = {**known, "confirmed_by": "reply"}
    return Finished(State.SUCCEEDED, note, result=result, answer=reply.answer)


def failed(note: str, answer: bytes) -> Finished:
    """Return the end of a write that was not done."""
    # A next attempt would send the same, and the provider does not say that it could succeed.
    return Finished(State.FAILED, note, error(note, retryable=False), answer=answer)


def never_written(answer: bytes) -> Finished:
    """Return the end where the list before a create fails: nothing was sent, so it may be again."""
    return Finished(
        State.FAILED, OPERATION_ERROR, error(OPERATION_ERROR, retryable=True), answer=answer
    )


def confirmed(listed: Listed) -> Finished | NeedsPerson | None:
    """Return the outcome of the write by the list; None where the list does not show it yet."""
    match listed.found:
        case []:
            return None
        case [operation_id]:
            result = {"scheduled_operation_id": operation_id, "confirmed_by": "list"}
            return Finished(State.SUCCEEDED, "listed", result=result)
        case _:
            return NeedsPerson(DOUBTFUL, "several new ones are listed")


def doubted(work: Work) -> Doubtful | NeedsPerson:
    """Have the list read again a few times, as it may lag behind; then leave it to a person."""
    known = Progress.of(work.progress).without_list()
    again = replace(known, doubts=known.doubts + 1)
    if again.doubts > _DOUBTS:
        return NeedsPerson(DOUBTFUL, "not listed")
    return Doubtful("not listed", Trouble.UNKNOWN, progress=again.stored())


def in_time(outcome: Outcome, work: Work) -> Outcome:
    """Go on past the deadline only for a token or the list's next page."""
    if not isinstance(outcome, Pending):
        return outcome
    late = work.deadline_at is not None and work.now >= work.deadline_at + _GRACE
    if outcome.again_in is None or late:
        return NeedsPerson(DOUBTFUL, outcome.note, calls=outcome.calls)
    return outcome


DOUBTFUL: Final = Reason(
    ReasonCode.DOUBTFUL_SUBMIT,
    "Whether IntellectMoney made the change is not known: look there, then resolve or retry.",
)
ENDLESS: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "IntellectMoney lists more operations of this object than there can be: look there.",
)
