"""Questions to MONETA that have no effect: how a task stands, who is identified."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, assert_never

from config.providers import MonetaSettings
from worker.domain.errors import CallFailed, ReplyUnreadable
from worker.domain.outcomes import Outcome, Pending
from worker.providers.moneta import mapping
from worker.providers.moneta.attributes import names
from worker.providers.moneta.groups import Group, Membership, groups_of, membership_of
from worker.providers.moneta.progress import Progress
from worker.providers.moneta.transport import open_transport
from worker.providers.moneta.types import Fault, Holding, Profile, Result, Task, Ticket, Unlike
from worker.providers.transport.failures import BadStatus, trouble_of
from worker.providers.transport.sessions import session_of

#: A task that is not known is asked for again over this part of `SETTLE_OVER`: some minutes.
_MISSING_OVER: Final = 1 / 3


class Queries:
    """Asks MONETA; an answer that is to be asked for again counts in `progress`.

    Make it after a fork, and close it.
    """

    def __init__(self, settings: MonetaSettings) -> None:
        self.session: Final = session_of(settings)
        self.transport: Final = open_transport(settings, self.session)
        self.groups: Final[Mapping[int, Group]] = groups_of(settings)
        over = settings.settle_over.total_seconds() * _MISSING_OVER
        self._missing_apart = over / mapping.MISSING_ASKED_AGAIN

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def group(self, unit_id: int, progress: Mapping[str, Any]) -> Membership | Outcome:
        """Ask which group holds a unit; an `Outcome` where that was not answered."""
        try:
            reply, calls = self.transport.profile(
                unit_id, lambda reply: _is_of_unit(reply, unit_id)
            )
        except CallFailed as failure:
            return Pending(failure.note, trouble_of(failure), failure.retry_after)
        if isinstance(reply, Unlike):
            unknown = mapping.not_known(reply.what, Progress.of(progress), reply.answer)
            return replace(unknown, calls=calls)
        if isinstance(reply, Fault):
            return replace(mapping.fault_on_profile(reply), calls=calls)
        return replace(membership_of(reply, unit_id, self.groups), calls=calls)

    def status(self, async_id: int, unit_id: int, progress: Mapping[str, Any]) -> Outcome:
        """Ask how a task of a unit stands."""
        known = Progress.of(progress)
        try:
            reply, calls = self.transport.status(
                async_id, lambda reply: _is_of_task(reply, async_id, unit_id)
            )
        except CallFailed as failure:
            return _troubled(failure, known)
        return replace(self._status(reply, async_id, unit_id, known), calls=calls)

    def _status(self, reply: Task, async_id: int, unit_id: int, progress: Progress) -> Outcome:
        if isinstance(reply, Unlike):
            return mapping.not_known(reply.what, progress, reply.answer)
        if isinstance(reply, Fault):
            return mapping.fault_on_poll(reply, progress, self._missing_apart)
        if isinstance(reply, Result):
            return mapping.result(reply, unit_id, async_id, progress)
        if reply.async_id != async_id:
            return mapping.not_known("another task's status", progress, reply.answer)
        if reply.status not in mapping.STATUSES:
            return mapping.not_known("unknown asyncStatus", progress, reply.answer)
        changed = None if progress.is_answered else progress.answered().stored()
        return Pending(status_of(reply), progress=changed)


def _is_of_task(reply: Task, async_id: int, unit_id: int) -> bool:
    """Return whether an answer is this task's for certain, or says nothing of any."""
    match reply:
        case Ticket():
            return reply.async_id == async_id
        case Result(async_id=None):
            return names(reply.profile, unit_id)
        case Result():
            return reply.async_id == async_id
        case Fault():
            return mapping.is_silent(reply)
        case Unlike():
            return False
        case _:
            assert_never(reply)


def _is_of_unit(reply: Holding, unit_id: int) -> bool:
    """Return whether an answer is this unit's for certain, or says nothing of any."""
    match reply:
        case Profile():
            return names(reply.attributes, unit_id)
        case Fault():
            return mapping.is_silent(reply)
        case Unlike():
            return False
        case _:
            assert_never(reply)


def status_of(ticket: Ticket) -> str:
    """Return what a journal says of a ticket: free text must not reach it."""
    return ticket.status if ticket.status in mapping.STATUSES else "unknown asyncStatus"


def _troubled(failure: CallFailed, progress: Progress) -> Pending:
    """Return a wait that counts the replies in a row that came and were not MONETA's."""
    spoilt = isinstance(failure, ReplyUnreadable) or (
        isinstance(failure, BadStatus) and failure.is_about_the_request
    )
    return Pending(
        failure.note,
        trouble_of(failure),
        failure.retry_after,
        progress=replace(progress, spoilt=progress.spoilt + 1).stored() if spoilt else None,
    )
