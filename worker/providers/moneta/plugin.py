"""MONETA as the engine sees it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Final

from config.providers import MonetaSettings
from uprid_client.contract.given import Writing, is_given
from uprid_client.contract.moneta import PersonData, StartArguments
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.contract.validating import both
from uprid_client.errors import Refused
from uprid_client.names import Provider
from worker.domain.errors import CallFailed
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Reason,
    Settle,
    Started,
    Trouble,
)
from worker.providers.base import Payload, ProviderPlugin
from worker.providers.moneta import mapping
from worker.providers.moneta.groups import Group, Membership
from worker.providers.moneta.progress import Progress
from worker.providers.moneta.queries import Queries, status_of
from worker.providers.moneta.types import (
    Fault,
    Result,
    Ticket,
    Unlike,
)
from worker.providers.protocol import Finding, Work
from worker.providers.resources import Resources
from worker.providers.transport.failures import trouble_of

KIND: Final = "identification"
#: Past the deadline a poll whose replies were spoilt this often is not waited for any longer: the
#: profile may be readable. (No reply at all is another matter: MONETA is down, and that passes.)
_HOPELESS: Final = 3
#: A deadline further away is no deadline that MONETA means (its wait is 700 minutes).
_FURTHEST_DEADLINE: Final = timedelta(days=30)
_LAST_LOOK: Final = 60.0
#: With less time than this the schedule itself looks often enough. Seconds.
_TOO_SHORT_FOR_A_LAST_LOOK: Final = 10.0
#: One of them is needed.
_FOUND_BY: Final = ("snils", "inn", "date_of_birth")
_ASYNC_ID: Final = re.compile(r"[1-9][0-9]{0,18}")


class MonetaPlugin(ProviderPlugin[MonetaSettings]):
    """Simplified identifications through MONETA.MerchantAPI."""

    provider = Provider.MONETA
    arguments: ClassVar = {KIND: StartArguments}

    def __init__(self, settings: MonetaSettings) -> None:
        self._queries = Queries(settings)
        super().__init__(settings, self._queries.session)

    def start_payload(self, payload: object | None, writing: Writing) -> Payload:
        """Return the person's data; without them MONETA uses what it has stored of the unit."""
        return None if payload is None else self.payload_of(payload, writing)

    def payload_of(self, payload: object | None, writing: Writing) -> Payload:
        """Return the person's data."""
        person, _ = both(
            lambda: self._person(PersonData, payload, "payload", writing),
            lambda: _can_be_looked_up(payload),
        )
        return person

    def give_up_after(self, kind: str) -> float:
        """Return MONETA's own limit for a task, in seconds."""
        del kind
        return self._settings.task_timeout.total_seconds()

    def resumed_for(self, kind: str, *, submitted: bool) -> float | None:
        """Return no time for a task: the unit's group shows its end at any time."""
        return None if submitted else self.give_up_after(kind)

    def last_look_before(self, deadline_in: float) -> float | None:
        """Return 60 s, but never more than a tenth of the whole time; None under 10 s of it."""
        if deadline_in < _TOO_SHORT_FOR_A_LAST_LOOK:
            return None
        return min(_LAST_LOOK, deadline_in / 10)

    def submit(self, work: Work) -> Outcome:
        """Start the identification."""
        unit_id = work.args["unit_id"]
        try:
            reply = self._queries.transport.submit(unit_id, work.payload)
        except CallFailed as failure:
            trouble, wait = trouble_of(failure), failure.retry_after
            if failure.never_sent:
                return NotSent(failure.note, trouble, wait)
            return Doubtful(failure.note, trouble, wait)
        if isinstance(reply, Unlike):
            return Doubtful(reply.what, Trouble.UNKNOWN)
        if isinstance(reply, Fault):
            return mapping.fault_on_submit(reply)
        if isinstance(reply, Result):
            return mapping.result(reply, unit_id, reply.async_id, Progress.of(work.progress))
        return Started(str(reply.async_id), status_of(reply), _deadline(reply, work.now))

    def clear_up(self, work: Work) -> Outcome:
        """Ask for the profile after a doubtful submit: an identified unit needs no other answer."""
        looked = self._queries.group(work.args["unit_id"], work.progress)
        if isinstance(looked, Membership):
            if looked.group.is_identified:
                return _identified(looked)
            return NeedsPerson(_DOUBTFUL, looked.note)
        if isinstance(looked, NeedsPerson):
            return NeedsPerson(_DOUBTFUL, looked.note, looked.answer)
        return looked

    def poll(self, work: Work) -> Outcome:
        """Ask how the task stands."""
        if not _ASYNC_ID.fullmatch(work.provider_ref or ""):
            return NeedsPerson(_NO_ASYNC_ID, "no asyncId", calls=0)
        async_id = int(work.provider_ref or 0)
        return self._queries.status(async_id, work.args["unit_id"], work.progress)

    def settle(self, work: Work) -> Outcome:
        """Poll once more, as a result outranks the group; then ask which group holds the unit.

        Before a rejection it is polled again: a task that was lost may have been found.
        """
        progress = Progress.of(work.progress)
        if not progress.last_poll:
            polled = self._last_poll(work)
            if polled is not None and not _is_over(polled):
                return polled
            calls = 0 if polled is None else polled.calls
            looked = self._by_group(work, replace(progress.answered(), last_poll=True))
            return replace(looked, calls=looked.calls + calls)
        settled = self._by_group(work, progress)
        if not isinstance(settled, Finished) or settled.state is not State.REJECTED:
            return settled
        polled = self._last_poll(work)
        if isinstance(polled, Pending) and _is_alive(polled, work):
            end: Outcome = replace(polled, progress=progress.begun_anew().stored())
        else:
            end = settled if polled is None or _is_over(polled) else polled
        calls = 0 if polled is None else polled.calls
        return replace(end, calls=settled.calls + calls)

    def _last_poll(self, work: Work) -> Outcome | None:
        """Poll where there is a task to ask about."""
        return self.poll(work) if _ASYNC_ID.fullmatch(work.provider_ref or "") else None

    def _by_group(self, work: Work, progress: Progress) -> Outcome:
        looked = self._queries.group(work.args["unit_id"], progress.stored())
        outcome = self._settled(looked, progress) if isinstance(looked, Membership) else looked
        if isinstance(outcome, Pending) and outcome.progress is None:
            outcome = replace(outcome, progress=progress.stored())
        return replace(outcome, calls=looked.calls)

    def _settled(self, looked: Membership, progress: Progress) -> Outcome:
        if looked.group.is_identified:
            return _identified(looked)
        if looked.group is Group.UNKNOWN:
            return NeedsPerson(_UNKNOWN_GROUP, looked.note)
        checks = progress.checks + 1
        wanted = self._settings.settle_checks
        if checks >= wanted:
            return Finished(State.REJECTED, looked.note, _NOT_IDENTIFIED, looked.facts())
        apart = self._settings.settle_over.total_seconds() / (wanted - 1)
        return Pending(
            looked.note, again_in=apart, progress=replace(progress, checks=checks).stored()
        )

    def check_settings(self) -> list[Finding]:
        """Check that the settings recognize an identified unit, and that a poll comes in time."""
        errors = []
        if not any(group.is_identified for group in self._queries.groups.values()):
            errors.append("set SIMPLIFIED_GROUP_ID or FULL_GROUP_ID")
        if self.policy.longest > self._settings.task_timeout.total_seconds():
            errors.append("POLL waits longer than TASK_TIMEOUT")
        return [self.settings_finding(errors)]


def _can_be_looked_up(payload: object) -> None:
    """Refuse a person whom MONETA could not look up: it finds the INN by the date if it has to.

    Not a validator of the model: those are silent while any field is at fault.
    """
    profile = payload.get("profile") if isinstance(payload, Mapping) else None
    if isinstance(profile, Mapping) and not any(is_given(profile.get(name)) for name in _FOUND_BY):
        message = f"profile needs one of {', '.join(_FOUND_BY[:-1])} and {_FOUND_BY[-1]}"
        raise Refused(message, ["profile"])


def _identified(looked: Membership) -> Finished:
    facts = {**looked.facts(), "verified_by": "profile_group"}
    return Finished(State.SUCCEEDED, looked.note, result=facts)


def _is_alive(polled: Pending, work: Work) -> bool:
    """Return whether a task that was thought to be over is still being worked on, and in time."""
    in_time = work.deadline_at is not None and work.now < work.deadline_at
    return in_time and polled.note in mapping.STATUSES


def _is_over(polled: Outcome) -> bool:
    """Return whether the last poll was made: answered without a result, or given up."""
    if isinstance(polled, Pending):
        return polled.trouble is None or Progress.of(polled.progress).spoilt >= _HOPELESS
    return isinstance(polled, Settle)


def _deadline(ticket: Ticket, now: datetime) -> datetime | None:
    if ticket.expires_at is None or ticket.expires_at > now + _FURTHEST_DEADLINE:
        return None
    return ticket.expires_at


def open_plugin(settings: MonetaSettings, resources: Resources) -> MonetaPlugin:
    """Return the provider's plugin."""
    del resources
    return MonetaPlugin(settings)


_DOUBTFUL: Final = Reason(
    ReasonCode.DOUBTFUL_SUBMIT,
    "Whether MONETA took the submit is not known: look there, then resume, resolve or retry.",
)
_NO_ASYNC_ID: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "There is no asyncId to poll: resume with --provider-ref, or resolve by hand.",
)
_NOT_IDENTIFIED: Final = Reason(
    ReasonCode.NOT_IDENTIFIED,
    "MONETA did not identify the person in time: check the data and retry.",
    retryable=True,
)
_UNKNOWN_GROUP: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "The unit is in a group that no setting names: look at MONETA and resolve by hand.",
)
