"""What becomes of a scheduled operation that is to be saved: outcomes, and what is remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, assert_never

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
    ReasonCode,
    Started,
    Trouble,
)
from worker.domain.states import State
from worker.providers.base import Work
from worker.providers.intellectmoney.ends import OPERATION_ERROR, error
from worker.providers.intellectmoney.mapping import is_as_sent
from worker.providers.intellectmoney.pages import Place
from worker.providers.intellectmoney.said import Done, Failed, Queued, Scheduled, Unlike
from worker.providers.intellectmoney.tokens import NoToken

#: In `progress`: all that comes before the write is done.
READY: Final = "ready"
#: In `progress`: the ids that were listed for the object before a create.
BEFORE: Final = "before"
#: In `progress`: the ids found on the pages of the list that is being read.
FOUND: Final = "found"
#: In `progress`: how often the list did not show what a doubtful write would have made.
DOUBTS: Final = "doubts"
_DOUBTS: Final = 3
#: In `progress`: when the ids before a create were listed. Seconds since 1970.
LISTED_AT: Final = "listed_at"
#: Seconds after which they are listed anew: others make operations meanwhile.
_STALE_AFTER: Final = 600.0
#: How long past the deadline a token or the list's next page is waited for.
_GRACE: Final = timedelta(minutes=5)
_NOTED: Final = frozenset({READY, BEFORE, LISTED_AT, DOUBTS})


@dataclass(frozen=True, slots=True)
class Listed:
    """The whole list was read: the ids that were looked for."""

    found: list[str]


def is_create(work: Work) -> bool:
    """Tell whether it makes a new operation."""
    return work.args["operation"].get("operation_id") is None


def is_wanted(listed: Scheduled, work: Work) -> bool:
    """Tell whether a listed operation may be what was written."""
    operation = work.args["operation"]
    if not is_create(work):
        return is_as_sent(listed, operation)
    if not is_written(work):
        # The filter is the provider's; should it be ignored, others' operations are none of ours.
        return listed.object_id in {None, operation["object_id"]}
    return listed.operation_id not in work.progress.get(BEFORE, ()) and is_as_sent(
        listed, operation
    )


def is_written(work: Work) -> bool:
    """Tell whether the write may have been made: until then all that is listed was there before."""
    return bool(work.progress.get(READY)) or work.state is not State.ACCEPTED


def is_stale(work: Work) -> bool:
    """Tell whether what was listed before a create is too old to tell ours by."""
    listed_at = work.progress.get(LISTED_AT)
    return listed_at is not None and work.now.timestamp() - listed_at > _STALE_AFTER


def unlisted(work: Work) -> dict[str, Any]:
    """Return `progress` without what comes before the write: it was not made, and comes anew."""
    past = {READY, BEFORE, LISTED_AT}
    return {name: value for name, value in work.progress.items() if name not in past}


def listed_before(listed: Listed | Finished | NoToken, work: Work) -> Outcome:
    """Return what the list before a create comes to: a page of it is a step, and recorded."""
    match listed:
        case Listed():
            listed_at = work.now.timestamp()
            progress = {READY: True, BEFORE: listed.found, LISTED_AT: listed_at}
            return Prepared("listed before", progress)
        case Pending(again_in=0.0, progress=progress) if progress is not None:
            return Prepared(listed.note, progress)
        case _:
            return listed


def noted(progress: Mapping[str, Any]) -> dict[str, Any]:
    """Return `progress` without the list that was being read."""
    return {name: value for name, value in progress.items() if name in _NOTED}


def reading(progress: Mapping[str, Any], found: Sequence[str], place: Place) -> dict[str, Any]:
    """Return `progress` with the list as far as it was read."""
    return {**noted(progress), FOUND: list(found), **place.remembered()}


def written(said: Done[bool] | Queued | Failed | Unlike | NoToken, work: Work) -> Outcome:
    """Return what the one write comes to."""
    match said:
        case Done():
            return done(said, work)
        case Queued():
            if said.operation_id is None:
                # There is nothing to call it by; but the list will show it.
                return Doubtful("queued without an id", Trouble.UNKNOWN)
            return Started(said.operation_id, "queued")
        case Failed():
            return failed(OPERATION_ERROR, said.answer)
        case Unlike():
            return Doubtful(said.what, Trouble.UNKNOWN)
        case Pending():
            return NotSent(said.note, said.trouble or Trouble.DEPENDENCY, said.retry_after)
        case NeedsPerson() | Misconfigured():
            return said
        case _:
            assert_never(said)


def done(said: Done[bool], work: Work) -> Finished:
    """Return what `SetScheduledOperationData` comes to: 1 is done, 0 is not."""
    if not said.result:
        return failed("SetScheduledOperationData 0", said.answer)
    note = "saved with warnings" if said.warned else "saved"
    operation_id = work.args["operation"].get("operation_id")
    # The reply does not name what it made: its OperationId is the request's own.
    known = {} if operation_id is None else {"scheduled_operation_id": operation_id}
    result = {**known, "confirmed_by": "reply"}
    return Finished(State.SUCCEEDED, note, result=result, answer=said.answer)


def failed(note: str, answer: bytes) -> Finished:
    """Return the end of a write that was not done."""
    # A next attempt sends the very same: whether it can succeed, nobody said.
    return Finished(State.FAILED, note, error(note, retryable=False), answer=answer)


def never_written(answer: bytes) -> Finished:
    """Return the end where the list before a create fails: nothing was sent, so it may be again."""
    return Finished(
        State.FAILED, OPERATION_ERROR, error(OPERATION_ERROR, retryable=True), answer=answer
    )


def confirmed(listed: Listed) -> Finished | NeedsPerson | None:
    """Return what the list says became of the write; None where it does not show anything yet."""
    match listed.found:
        case []:
            return None
        case [operation_id]:
            result = {"scheduled_operation_id": operation_id, "confirmed_by": "list"}
            return Finished(State.SUCCEEDED, "listed", result=result)
        case _:
            return NeedsPerson(DOUBTFUL, "several new ones are listed")


def doubted(work: Work) -> Doubtful | NeedsPerson:
    """Look a few times, as the list may lag behind."""
    doubts = int(work.progress.get(DOUBTS, 0)) + 1
    if doubts > _DOUBTS:
        return NeedsPerson(DOUBTFUL, "not listed")
    progress = {**noted(work.progress), DOUBTS: doubts}
    return Doubtful("not listed", Trouble.UNKNOWN, progress=progress)


def in_time(outcome: Outcome, work: Work) -> Outcome:
    """Let past the deadline only what is already on its way: a token, the list's next page."""
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
