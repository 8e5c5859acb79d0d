"""NPD as the engine sees it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from config.providers import NpdSettings
from uprid_client.contract.given import Writing
from uprid_client.contract.npd import PersonData, StartArguments, Status
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.domain.errors import CallFailed
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
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
from worker.providers.moneta.queries import Queries
from worker.providers.npd import mapping
from worker.providers.npd.background_queries import BackgroundQueries
from worker.providers.npd.client import NpdClient
from worker.providers.npd.confirmation import Confirmation, document_of, unit_of
from worker.providers.npd.moneta_queries import MonetaQueries, beside
from worker.providers.npd.notification import NotifiedEnd, whole
from worker.providers.npd.preparation import Preparation
from worker.providers.npd.progress import Progress
from worker.providers.npd.requests import PARAMETERS
from worker.providers.npd.types import (
    Refusal,
    Task,
    Unlike,
)
from worker.providers.protocol import Finding, Work
from worker.providers.resources import Resources
from worker.providers.transport.failures import trouble_of
from worker.providers.transport.sessions import session_of

KIND: Final = "identification"
#: No polls until the deadline: NPD sends a notification of the end. Seconds.
_LONG: Final = timedelta(days=30).total_seconds()
#: A deadline further away is no deadline that MONETA.RU means (its wait is 700 minutes).
_FURTHEST_DEADLINE: Final = timedelta(days=30)
_ASYNC_ID: Final = re.compile(r"[1-9][0-9]{0,19}")
_CREATED: Final = "CREATED"


class NpdPlugin(ProviderPlugin[NpdSettings]):
    """Simplified identifications of the self-employed.

    Its poll schedule is only of those whose `asyncId` is polled. A notification wakes its operation
    by itself, so that no last look is needed before the deadline.
    """

    provider = Provider.NPD
    arguments: ClassVar = {KIND: StartArguments}

    def __init__(self, settings: NpdSettings, moneta: MonetaQueries | None) -> None:
        """Take over `moneta`: it is closed with the plugin."""
        super().__init__(settings, session_of(settings))
        self._client = NpdClient(self._session, settings)
        secret = settings.secret_key.get_secret_value().encode()
        self._preparation = Preparation(self._client, secret)
        self._moneta = moneta
        self._asker = moneta if settings.poll_async_id else None
        self._confirmation = Confirmation(settings, moneta)

    def close(self) -> None:
        """Close the connections to NPD, and those to MONETA."""
        super().close()
        if self._moneta is not None:
            self._moneta.close()

    def payload_of(self, payload: object | None, writing: Writing) -> Payload:
        """Return the person's data."""
        return self._person(PersonData, payload, "sealed", writing)

    def subject_of(self, payload: Payload) -> str | None:
        """Return the phone: a notification names it."""
        return None if payload is None else str(payload["phone"])

    def give_up_after(self, kind: str) -> float:
        """Return how long a notification is waited for where NPD does not say, in seconds."""
        del kind
        return self._settings.task_timeout.total_seconds()

    def prepares(self, kind: str, progress: Mapping[str, Any]) -> bool:
        """Return whether profile and passport are still to be stored, or compared."""
        del kind
        return not Progress.of(progress).ready

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
            reply = self._client.start(work.payload)
        except CallFailed as failure:
            trouble, wait = trouble_of(failure), failure.retry_after
            if failure.never_sent:
                return NotSent(failure.note, trouble, wait)
            return Doubtful(failure.note, trouble, wait)
        if isinstance(reply, Unlike):
            return Doubtful(reply.what, Trouble.UNKNOWN)
        if isinstance(reply, Refusal):
            return _with_document(mapping.refused(reply, work.consecutive_failures), work)
        return Started(
            str(reply.async_id),
            _CREATED if reply.async_status == _CREATED else "unknown asyncStatus",
            _deadline(reply, work.now),
            again_in=None if self._asker else _LONG,
            accepts_notifications=True,
        )

    def carry_over(
        self, kind: str, progress: Mapping[str, Any], *, next_attempt: bool
    ) -> Mapping[str, Any]:
        """Return what was stored at NPD; a next attempt compares its data with it first."""
        del kind
        return Progress.of(progress).lasting(next_attempt=next_attempt).stored()

    def clear_up(self, work: Work) -> Outcome:
        """Look for a notification of a start that was never answered.

        Nothing harmless can be asked. The notification is matched by the phone alone.
        """
        notified = NotifiedEnd.of(work.notifications)
        if notified.success is not None:
            return self._confirmation.of_success(work, notified.success)
        if notified.expired is not None:
            return NeedsPerson(_DOUBTFUL, "notification EXPIRED", whole(notified.expired), calls=0)
        return NeedsPerson(_DOUBTFUL, "no notification", calls=0)

    def poll(self, work: Work) -> Outcome:
        """Look for a notification of the end."""
        notified = NotifiedEnd.of(work.notifications, work.provider_ref)
        if notified.success is not None:
            return self._confirmation.of_success(work, notified.success)
        if notified.expired is not None:
            return Settle("notification EXPIRED", calls=0)
        return self._asked(work) or Pending("no notification yet", again_in=_LONG, calls=0)

    def settle(self, work: Work) -> Outcome:
        """Find out from a notification, then from the profile, else expire."""
        notified = NotifiedEnd.of(work.notifications, work.provider_ref)
        if notified.success is not None:
            return self._confirmation.of_success(work, notified.success)
        looked = self._confirmation.past_deadline(work)
        if looked is not None:
            return looked
        if notified.expired is not None:
            reason, answer = _FAILED_OR_EXPIRED, whole(notified.expired)
            note = "notification EXPIRED"
            return Finished(State.EXPIRED, note, reason, document_of(work), answer, calls=0)
        return Finished(State.EXPIRED, "no notification", _EXPIRED, document_of(work), calls=0)

    def _asked(self, work: Work) -> Outcome | None:
        """Ask MONETA how the task stands, where that is wanted and possible.

        Whether MONETA answers this is not documented, so that only an end counts. In all other
        cases the notification is waited for.
        """
        unit_id = unit_of(work)
        if (
            self._asker is None
            or unit_id is None
            or not _ASYNC_ID.fullmatch(work.provider_ref or "")
        ):
            return None
        reply = self._asker.status(int(work.provider_ref or 0), unit_id, work.progress)
        if isinstance(reply, Finished | Pending):
            return beside(reply)
        return Pending(f"moneta: {reply.note}", calls=reply.calls)

    def check_settings(self) -> list[Finding]:
        """Look at settings, and how a SUCCESS is confirmed."""
        errors = []
        foreign = sorted(set(self._settings.signed_fields or ()) - PARAMETERS)
        if foreign:
            errors.append(f"SIGNED_FIELDS names what is never sent: {', '.join(foreign)}")
        if self._settings.poll_async_id and not self._confirmation.is_possible:
            errors.append("POLL_ASYNC_ID needs MONETA's settings")
        return [self.settings_finding(errors), self._check_confirmation()]

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


def open_plugin(settings: NpdSettings, resources: Resources) -> NpdPlugin:
    """Return the provider's plugin, which asks MONETA where MONETA is on."""
    return NpdPlugin(settings, _queries(settings, resources))


def _queries(settings: NpdSettings, resources: Resources) -> MonetaQueries | None:
    """Return NPD's own questions to MONETA, reached as MONETA's settings say.

    They may take as long as NPD's own requests may.
    """
    moneta = resources.settings.moneta
    if moneta is None:
        return None
    bounds = ("connect_timeout", "read_timeout", "total_timeout", "threads")
    own = {name: getattr(settings, name) for name in bounds}
    queries = Queries(resources.believing(moneta).model_copy(update=own))
    return BackgroundQueries(queries, settings.threads)


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
