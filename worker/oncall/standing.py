"""Why an operation is where it is, and what to type next. Pure."""

import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from worker.oncall.output import lasting, moment
from worker.operations.states import LIVE, RETRYABLE, State
from worker.operations.store.overview import ProviderRow
from worker.operations.store.reading import Row

#: Work that was due this long ago is overdue: slots, sweep and a restarted worker are faster.
OVERDUE_AFTER: Final = timedelta(seconds=10)

_NEXT: Final = {
    State.ACCEPTED: "to be submitted",
    State.SUBMITTING: "its submit to be cleared up",
    State.POLLING: "the next poll",
    State.SETTLING: "the next question to settle it",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person wants to know at a glance."""

    why: str
    #: A command to type; None: there is nothing to do.
    command: str | None = None


def standing(row: Row, provider: ProviderRow | None, now: datetime) -> Standing:
    """Say what an operation waits for."""
    if row.state not in LIVE or row.state is State.WAITING_FOR_PERSON:
        return _at_rest(row)
    if provider is not None and provider.paused_at is not None:
        note = f": {provider.paused_note}" if provider.paused_note else ""
        who = f"since {moment(provider.paused_at)} by {provider.paused_by}{note}"
        return Standing(f"{row.provider} is paused {who}", "uprid doctor")
    if provider is not None and provider.closed_until is not None and provider.closed_until > now:
        rests = f"{row.provider} rests until {moment(provider.closed_until)}"
        return Standing(f"{rests} after {provider.failures} failed requests in a row")
    return _driven(row, now)


def _driven(row: Row, now: datetime) -> Standing:
    if row.due_at is None:
        return Standing("nothing is planned for it, which must not be", "uprid doctor")
    waits = f"waits for {_NEXT[row.state]}"
    if row.faults:
        waits += f" after {row.faults} requests in a row that met trouble"
    late = now - row.due_at
    if late > OVERDUE_AFTER:
        held = ", held by a worker" if row.leased else ""
        return Standing(f"{waits}, overdue by {lasting(late)}{held}", "uprid doctor")
    if row.leased:
        return Standing("is being worked on")
    if late >= timedelta(0):
        return Standing(f"{waits}, due now")
    return Standing(f"{waits} at {moment(row.due_at)}, in {lasting(late)}")


def _at_rest(row: Row) -> Standing:
    command = f"uprid retry {shlex.quote(row.reference)} --note '…'"
    if row.state is State.WAITING_FOR_PERSON:
        return Standing("waits for a person", command)
    if row.state in RETRYABLE and (row.reason or {}).get("retryable"):
        return Standing("has ended; a next attempt can succeed", command)
    return Standing("has ended")
