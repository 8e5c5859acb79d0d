"""Says why an operation is in its state, and what to type next. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.cli import steps
from worker.cli.output import lasting, moment
from worker.cli.steps import Step
from worker.domain.states import LIVE, RETRYABLE
from worker.store.overview import ProviderRow
from worker.store.reading import Row

#: Work that was due this long ago is overdue: slots, sweep and a restarted worker are faster.
OVERDUE_AFTER: Final = timedelta(seconds=10)

_NEXT: Final = {
    State.ACCEPTED: "to be submitted",
    State.SUBMITTING: "its submit to be cleared up",
    State.POLLING: "the next poll",
    State.SETTLING: "the next question to settle it",
}
_WAITS: Final = {
    ReasonCode.DOUBTFUL_SUBMIT: "its submit was sent, and no answer came: look at {provider}",
    ReasonCode.PAYLOAD_UNREADABLE: "its data open with none of the keys",
    ReasonCode.UNKNOWN_ANSWER: "{provider} gave an undocumented answer",
    ReasonCode.CONFIGURATION: "{provider} refuses our settings or rights",
    ReasonCode.PROVIDER_ERROR: "{provider} or our reading of it failed",
    ReasonCode.POISON: "workers died while they worked on it",
    ReasonCode.ERASED: "its data were erased while it waited: a retry needs them again",
}
_DOCTOR: Final = (Step("uprid doctor"),)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The reason, and the commands to type."""

    why: str
    #: What can be typed, the likeliest first; empty: there is nothing to do.
    steps: tuple[Step, ...] = ()


def diagnose(row: Row, provider: ProviderRow | None, now: datetime) -> Diagnosis:
    """Return what an operation waits for, and the commands to type."""
    if row.state is State.WAITING_FOR_PERSON:
        return _waiting(row)
    if row.state not in LIVE:
        return _ended(row)
    if provider is not None and provider.paused_at is not None:
        note = f": {provider.paused_note}" if provider.paused_note else ""
        who = f"since {moment(provider.paused_at)} by {provider.paused_by}{note}"
        mended = Step(f"uprid unpause {row.provider}", "once that is corrected")
        return Diagnosis(f"{row.provider} is paused {who}", (mended,))
    if provider is not None and provider.closed_until is not None and provider.closed_until > now:
        rests = f"{row.provider} rests until {moment(provider.closed_until)}"
        return Diagnosis(f"{rests} after {provider.failures} failed requests in a row")
    return _driven(row, now)


def _driven(row: Row, now: datetime) -> Diagnosis:
    if row.due_at is None:
        return Diagnosis("nothing is planned for it: this is a defect", _DOCTOR)
    waits = f"waits for {_NEXT[row.state]}"
    if row.consecutive_failures:
        waits += f" after {row.consecutive_failures} requests in a row that met trouble"
    late = now - row.due_at
    if late > OVERDUE_AFTER:
        held = ", held by a worker" if row.is_leased else ""
        return Diagnosis(f"{waits}, overdue by {lasting(late)}{held}", _DOCTOR)
    if row.is_leased:
        return Diagnosis("is being worked on")
    if late >= timedelta(0):
        return Diagnosis(f"{waits}, due now")
    return Diagnosis(f"{waits} at {moment(row.due_at)}, in {lasting(late)}")


def _waiting(row: Row) -> Diagnosis:
    code = (row.reason or {}).get("code")
    why = _WAITS.get(ReasonCode(code), "see its reason") if code else "no reason was given"
    shown = why.format(provider=row.provider)
    return Diagnosis(f"waits for a person: {shown}", steps.while_waiting(row))


def _ended(row: Row) -> Diagnosis:
    if row.state in RETRYABLE and (row.reason or {}).get("retryable"):
        return Diagnosis("has ended; a next attempt can succeed", steps.after_an_end(row))
    return Diagnosis("has ended")
