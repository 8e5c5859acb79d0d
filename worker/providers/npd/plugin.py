"""NPD as the engine sees it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from config.polling import PollPolicy
from config.providers import NpdSettings
from config.queues import Provider
from uprid_client.contract.given import WRITING, Writing
from uprid_client.contract.npd import PersonData, StartArguments, Status
from uprid_client.contract.person import SNILS_CHECKSUM
from uprid_client.contract.validating import both, validated
from worker.domain.errors import CallFailed, Refused
from worker.domain.intake import Intake
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
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
from worker.providers.npd import mapping
from worker.providers.npd.client import NpdClient
from worker.providers.npd.confirmation import Confirmation, document_of, unit_of
from worker.providers.npd.desk import MonetaDesk, beside
from worker.providers.npd.memory import READY, lasting
from worker.providers.npd.notices import Told
from worker.providers.npd.notification import whole
from worker.providers.npd.preparation import Preparation
from worker.providers.npd.requests import PARAMETERS
from worker.providers.npd.types import Refusal, Task, Unlike
from worker.providers.transport.failures import trouble_of
from worker.providers.transport.sessions import session_of

KIND: Final = "identification"
#: Until the deadline there is nothing to ask: NPD tells the end by itself. Seconds.
_LONG: Final = timedelta(days=30).total_seconds()
#: A deadline further away is no deadline that MONETA.RU means (its wait is 700 minutes).
_FURTHEST_DEADLINE: Final = timedelta(days=30)
_ASYNC_ID: Final = re.compile(r"[1-9][0-9]{0,19}")
_CREATED: Final = "CREATED"


class NpdPlugin(OneStep):
    """Simplified identifications of the self-employed. Make it after a fork."""

    def __init__(self, settings: NpdSettings, moneta: MonetaDesk | None) -> None:
        self._settings = settings
        self._context = {SNILS_CHECKSUM: settings.snils_checksum}
        self._session = session_of(settings)
        self._client = NpdClient(self._session, settings)
        secret = settings.secret_key.get_secret_value().encode()
        self._preparation = Preparation(self._client, secret)
        self._asker = moneta if settings.poll_async_id else None
        self._confirmation = Confirmation(settings, moneta)
        self._limits = limits_of(settings)

    @property
    def name(self) -> Provider:
        """Which provider this is."""
        return Provider.NPD

    @property
    def policy(self) -> PollPolicy:
        """The poll schedule: only of those whose `asyncId` is polled."""
        return self._settings.poll

    @property
    def limits(self) -> Limits:
        """How hard it may be worked."""
        return self._limits

    def close(self) -> None:
        """Close the connections to NPD; MONETA's are whose desk it is."""
        self._session.close()

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
            lambda: self._person(payload, writing),
        )
        return Intake(kind, args.model_dump(exclude_none=True), person, person["phone"])

    def correct(
        self,
        kind: str,
        args: Mapping[str, Any],
        payload: object,
        writing: Writing = Writing.TODAYS,
    ) -> Intake:
        """Validate corrected data for a next attempt."""
        person = self._person(payload, writing)
        return Intake(kind, args, person, person["phone"])

    def give_up_after(self, kind: str) -> float:
        """Return how long a notification is waited for where NPD does not say, in seconds."""
        del kind
        return self._settings.task_timeout.total_seconds()

    def resumed_for(self, kind: str, *, submitted: bool) -> float:
        """Return as long as at first: a notification is waited for again."""
        del submitted
        return self.give_up_after(kind)

    def last_look_before(self, deadline_in: float) -> None:
        """Have no last look: a notification wakes its operation by itself."""
        del deadline_in

    def prepares(self, kind: str, progress: Mapping[str, Any]) -> bool:
        """Tell whether profile and passport are still to be stored, or compared."""
        del kind
        return progress.get(READY) is not True

    def prepare(self, work: Work) -> Outcome:
        """Store the profile, then the passport, one a call; neither where it is stored already."""
        if work.payload is None:
            return _NO_DATA
        return self._preparation.next_step(work, work.payload)

    def submit(self, work: Work) -> Outcome:
        """Start the identification."""
        if work.payload is None:
            return _NO_DATA
        try:
            said = self._client.start(work.payload)
        except CallFailed as failure:
            trouble, wait = trouble_of(failure), failure.retry_after
            if failure.never_sent:
                return NotSent(failure.note, trouble, wait)
            return Doubtful(failure.note, trouble, wait)
        if isinstance(said, Unlike):
            return Doubtful(said.what, Trouble.UNKNOWN)
        if isinstance(said, Refusal):
            return _with_document(mapping.refused(said, work.faults), work)
        return Started(
            str(said.async_id),
            _CREATED if said.async_status == _CREATED else "unknown asyncStatus",
            _deadline(said, work.now),
            again_in=None if self._asker else _LONG,
            listens=True,
        )

    def keep(
        self, kind: str, progress: Mapping[str, Any], *, next_attempt: bool
    ) -> Mapping[str, Any]:
        """Return what was stored at NPD; a next attempt compares its data with it first."""
        del kind
        return lasting(progress, next_attempt=next_attempt)

    def clear_up(self, work: Work) -> Outcome:
        """Look whether a notification speaks of a start that was never answered.

        Nothing harmless can be asked. The notification is matched by the phone alone.
        """
        told = Told.by(work.notices)
        if told.success is not None:
            return self._confirmation.of_success(work, told.success)
        if told.expired is not None:
            return NeedsPerson(_DOUBTFUL, "notification EXPIRED", whole(told.expired), calls=0)
        return NeedsPerson(_DOUBTFUL, "no notification", calls=0)

    def poll(self, work: Work) -> Outcome:
        """Look whether a notification tells the end."""
        told = Told.by(work.notices, work.provider_ref)
        if told.success is not None:
            return self._confirmation.of_success(work, told.success)
        if told.expired is not None:
            return Settle("notification EXPIRED", calls=0)
        return self._asked(work) or Pending("no notification yet", again_in=_LONG, calls=0)

    def settle(self, work: Work) -> Outcome:
        """Find out from a notification, then from the profile, else expire."""
        told = Told.by(work.notices, work.provider_ref)
        if told.success is not None:
            return self._confirmation.of_success(work, told.success)
        looked = self._confirmation.past_deadline(work)
        if looked is not None:
            return looked
        if told.expired is not None:
            reason, answer = _FAILED_OR_EXPIRED, whole(told.expired)
            note = "notification EXPIRED"
            return Finished(State.EXPIRED, note, reason, document_of(work), answer, calls=0)
        return Finished(State.EXPIRED, "no notification", _EXPIRED, document_of(work), calls=0)

    def look(self) -> Outcome:
        """Ask the host for nothing in particular."""
        return look(self._session.probe)

    def check(self) -> list[Finding]:
        """Look at settings, confirmation, reachability and clock; sends no credentials."""
        return [
            self._check_settings(),
            self._check_confirmation(),
            *check_host(self.name.value, self._session),
        ]

    def _person(self, payload: object, writing: Writing) -> dict[str, Any]:
        person = validated(PersonData, payload, "sealed", {**self._context, WRITING: writing})
        return person.model_dump(exclude_none=True)

    def _asked(self, work: Work) -> Outcome | None:
        """Ask MONETA how the task stands, where that is wanted and possible.

        Whether MONETA tells is not documented, so that only an end counts: for all else the
        notification is waited for.
        """
        unit_id = unit_of(work)
        if (
            self._asker is None
            or unit_id is None
            or not _ASYNC_ID.fullmatch(work.provider_ref or "")
        ):
            return None
        said = self._asker.status(int(work.provider_ref or 0), unit_id, work.progress)
        if isinstance(said, Finished | Pending):
            return beside(said)
        return Pending(f"moneta: {said.note}", calls=said.calls)

    def _check_settings(self) -> Finding:
        faults = []
        foreign = sorted(set(self._settings.signed_fields or ()) - PARAMETERS)
        if foreign:
            faults.append(f"SIGNED_FIELDS names what is never sent: {', '.join(foreign)}")
        if self._settings.poll_async_id and not self._confirmation.is_possible:
            faults.append("POLL_ASYNC_ID needs MONETA's settings")
        return Finding("npd settings", not faults, "; ".join(faults) or "in order")

    def _check_confirmation(self) -> Finding:
        if not self._confirmation.is_possible:
            detail = "not possible without MONETA's settings: a SUCCESS is believed at once"
        elif not self._settings.confirm_by_profile:
            detail = "turned off: a SUCCESS is believed at once"
        else:
            detail = "by MONETA's profile"
        return Finding("npd confirmation", ok=True, detail=detail)


def _with_document(
    outcome: Finished | NotSent | Misconfigured, work: Work
) -> Finished | NotSent | Misconfigured:
    if not isinstance(outcome, Finished):
        return outcome
    return replace(outcome, result={**outcome.result, **document_of(work)})


def _deadline(task: Task, now: datetime) -> datetime | None:
    at = task.expiration_date
    return None if at is None or at > now + _FURTHEST_DEADLINE else at


_NO_DATA: Final = NeedsPerson(
    Reason(ReasonCode.DATA_INCOMPLETE, "There are no data to send: retry with the data."),
    "no payload",
    calls=0,
)
_DOUBTFUL: Final = Reason(
    ReasonCode.DOUBTFUL_SUBMIT,
    "Whether NPD took startuprid is not known. A SUCCESS notification that comes later ends this "
    "by itself; else look at MONETA.RU: resume with --provider-ref ASYNC_ID, resolve or retry.",
)
_EXPIRED: Final = Reason(
    ReasonCode.DEADLINE_PASSED,
    "No notification came in time: check the data and retry.",
    retryable=True,
)
_FAILED_OR_EXPIRED: Final = Reason(
    ReasonCode.DEADLINE_PASSED,
    "NPD says that the check failed or expired, and not which: check the data and retry.",
    provider_code=Status.EXPIRED.value,
    retryable=True,
)
