"""MONETA as the engine sees it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from config.polling import PollPolicy
from config.providers import MonetaSettings
from config.queues import Provider
from uprid_client.contract.given import WRITING, Writing, is_given
from uprid_client.contract.moneta import PersonData, StartArguments
from uprid_client.contract.person import SNILS_CHECKSUM
from uprid_client.contract.validating import both, validated
from worker.domain.errors import CallFailed, Refused
from worker.domain.intake import Intake
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Reason,
    ReasonCode,
    Settle,
    Started,
    Trouble,
)
from worker.domain.states import State
from worker.providers.base import Finding, Limits, OneStep, Work
from worker.providers.health import check_host, look
from worker.providers.limits import limits_of
from worker.providers.moneta import mapping
from worker.providers.moneta.desk import SPOILT, Desk, known, status_of
from worker.providers.moneta.groups import Group, Membership
from worker.providers.moneta.types import Fault, Result, Ticket, Unlike
from worker.providers.transport.failures import trouble_of

KIND: Final = "identification"
#: In `progress`: how many times past the deadline the unit was found anonymous.
CHECKS: Final = "checks"
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


class MonetaPlugin(OneStep):
    """Simplified identifications through MONETA.MerchantAPI. Make it after a fork."""

    def __init__(self, settings: MonetaSettings) -> None:
        self._settings = settings
        self._context = {SNILS_CHECKSUM: settings.snils_checksum}
        self._desk = Desk(settings)
        self._limits = limits_of(settings)

    @property
    def name(self) -> Provider:
        """Which provider this is."""
        return Provider.MONETA

    @property
    def policy(self) -> PollPolicy:
        """The poll schedule."""
        return self._settings.poll

    @property
    def limits(self) -> Limits:
        """How hard it may be worked."""
        return self._limits

    def close(self) -> None:
        """Close the connections."""
        self._desk.close()

    def accept(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        payload: object | None,
        writing: Writing = Writing.TODAYS,
    ) -> Intake:
        """Validate a start message (without its reference)."""
        if kind != KIND:
            message = f"kind must be {KIND}"
            raise Refused(message, ["kind"])
        args, person = both(
            lambda: validated(StartArguments, dict(arguments), "arguments"),
            lambda: None if payload is None else self._person(payload, writing),
        )
        return Intake(kind, args.model_dump(), person)

    def correct(
        self,
        kind: str,
        args: Mapping[str, Any],
        payload: object,
        writing: Writing = Writing.TODAYS,
    ) -> Intake:
        """Validate corrected data for a next attempt."""
        return Intake(kind, args, self._person(payload, writing))

    def give_up_after(self, kind: str) -> float:
        """Return MONETA's own limit for a task, in seconds."""
        del kind
        return self._settings.task_timeout.total_seconds()

    def resumed_for(self, kind: str, *, submitted: bool) -> float | None:
        """Return no time for a task: the group that holds the unit tells its end at any time."""
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
            said = self._desk.transport.submit(unit_id, work.payload)
        except CallFailed as failure:
            trouble, wait = trouble_of(failure), failure.retry_after
            if failure.never_sent:
                return NotSent(failure.note, trouble, wait)
            return Doubtful(failure.note, trouble, wait)
        if isinstance(said, Unlike):
            return Doubtful(said.what, Trouble.UNKNOWN)
        if isinstance(said, Fault):
            return mapping.fault_on_submit(said)
        if isinstance(said, Result):
            return mapping.result(said, unit_id, said.async_id, work.progress)
        return Started(str(said.async_id), status_of(said), _deadline(said, work.now))

    def clear_up(self, work: Work) -> Outcome:
        """Ask the profile what became of a submit: an identified unit needs no other answer."""
        looked = self._desk.group(work.args["unit_id"], work.progress)
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
        return self._desk.status(async_id, work.args["unit_id"], work.progress)

    def settle(self, work: Work) -> Outcome:
        """Poll once more, as a result outranks the group; then ask which group holds the unit.

        Before a rejection it is polled again: a task that was lost may have been found.
        """
        if not work.progress.get(mapping.LAST_POLL):
            progress = {**known(work.progress), mapping.LAST_POLL: True}
            polled = self._last_poll(work)
            if polled is not None and not _is_over(polled):
                return polled
            calls = 0 if polled is None else polled.calls
            looked = self._by_group(work, progress)
            return replace(looked, calls=looked.calls + calls)
        settled = self._by_group(work, work.progress)
        if not isinstance(settled, Finished) or settled.state is not State.REJECTED:
            return settled
        polled = self._last_poll(work)
        if isinstance(polled, Pending) and _is_alive(polled, work):
            end: Outcome = replace(polled, progress=_begun_anew(work.progress))
        else:
            end = settled if polled is None or _is_over(polled) else polled
        calls = 0 if polled is None else polled.calls
        return replace(end, calls=settled.calls + calls)

    def _last_poll(self, work: Work) -> Outcome | None:
        """Poll where there is a task to ask about."""
        return self.poll(work) if _ASYNC_ID.fullmatch(work.provider_ref or "") else None

    def _by_group(self, work: Work, progress: Mapping[str, Any]) -> Outcome:
        looked = self._desk.group(work.args["unit_id"], progress)
        outcome = self._settled(looked, progress) if isinstance(looked, Membership) else looked
        if isinstance(outcome, Pending) and outcome.progress is None:
            outcome = replace(outcome, progress=progress)
        return replace(outcome, calls=looked.calls)

    def look(self) -> Outcome:
        """Ask the host for nothing in particular."""
        return look(self._desk.session.probe)

    def check(self) -> list[Finding]:
        """Look at settings, reachability and clock; sends no credentials."""
        return [self._check_settings(), *check_host(self.name.value, self._desk.session)]

    def _person(self, payload: object, writing: Writing) -> Mapping[str, Any]:
        context = {**self._context, WRITING: writing}
        person, _ = both(
            lambda: validated(PersonData, payload, "payload", context),
            lambda: _can_be_looked_up(payload),
        )
        return person.model_dump(exclude_none=True)

    def _settled(self, looked: Membership, progress: Mapping[str, Any]) -> Outcome:
        if looked.group.is_identified:
            return _identified(looked)
        if looked.group is Group.UNKNOWN:
            return NeedsPerson(_UNKNOWN_GROUP, looked.note)
        checks = int(progress.get(CHECKS, 0)) + 1
        wanted = self._settings.settle_checks
        if checks >= wanted:
            return Finished(State.REJECTED, looked.note, _NOT_IDENTIFIED, looked.facts())
        apart = self._settings.settle_over.total_seconds() / (wanted - 1)
        return Pending(looked.note, again_in=apart, progress={**progress, CHECKS: checks})

    def _check_settings(self) -> Finding:
        faults = []
        if not any(group.is_identified for group in self._desk.groups.values()):
            faults.append("set SIMPLIFIED_GROUP_ID or FULL_GROUP_ID")
        if self.policy.longest > self._settings.task_timeout.total_seconds():
            faults.append("POLL waits longer than TASK_TIMEOUT")
        return Finding("moneta settings", not faults, "; ".join(faults) or "in order")


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
    """Tell whether a task that was thought to be over is still being worked on, and in time."""
    in_time = work.deadline_at is not None and work.now < work.deadline_at
    return in_time and polled.note in mapping.STATUSES


def _begun_anew(progress: Mapping[str, Any]) -> dict[str, Any]:
    """Forget what was found while the task was thought to be over."""
    found = {mapping.LAST_POLL, CHECKS}
    return {name: value for name, value in known(progress).items() if name not in found}


def _is_over(polled: Outcome) -> bool:
    """Tell whether the last poll has had its turn: answered without a result, or past all hope."""
    if isinstance(polled, Pending):
        spoilt = int((polled.progress or {}).get(SPOILT, 0))
        return polled.trouble is None or spoilt >= _HOPELESS
    return isinstance(polled, Settle)


def _deadline(ticket: Ticket, now: datetime) -> datetime | None:
    if ticket.expires_at is None or ticket.expires_at > now + _FURTHEST_DEADLINE:
        return None
    return ticket.expires_at


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
