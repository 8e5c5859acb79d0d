"""Mandarin as the engine sees it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final, assert_never

from config.providers import MandarinSettings
from uprid_client.contract.given import Writing, is_given
from uprid_client.contract.mandarin import PersonData, StartArguments
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.contract.validating import both
from uprid_client.errors import Refused
from uprid_client.names import Provider
from worker.domain.errors import CallFailed
from worker.domain.outcomes import (
    PAST_ALL_STEPS,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Reason,
    Started,
    Trouble,
    Wanted,
)
from worker.providers.base import Payload, ProviderPlugin
from worker.providers.health import look
from worker.providers.mandarin import mapping
from worker.providers.mandarin.client import MandarinClient
from worker.providers.mandarin.code_state import CODES, Handed
from worker.providers.mandarin.types import (
    SESSION_ID,
    InvalidRequest,
    Session,
    Status,
    Unlike,
)
from worker.providers.protocol import Finding, Work
from worker.providers.resources import Resources
from worker.providers.transport.failures import trouble_of
from worker.providers.transport.sessions import session_of

KIND: Final = "identification"
_SESSION_ID: Final = re.compile(SESSION_ID)


class MandarinPlugin(ProviderPlugin[MandarinSettings]):
    """Simplified identifications through Mandarin. Its polls are counted from the last code."""

    provider = Provider.MANDARIN
    arguments: ClassVar = {KIND: StartArguments}

    def __init__(self, settings: MandarinSettings) -> None:
        super().__init__(settings, session_of(settings))
        self._client = MandarinClient(self._session, settings.merchant_id, settings.secret)

    def payload_of(self, payload: object | None, writing: Writing) -> Payload:
        """Return the person's data."""
        person, _ = both(
            lambda: self._person(PersonData, payload, "sealed", writing),
            lambda: _one_identifier(payload),
        )
        return person

    def give_up_after(self, kind: str) -> float:
        """Return the seconds after which nothing is billed any more: longer ones expire.

        A resume has them anew: a session that was found may still want its code.
        """
        del kind
        return self._settings.deadline.total_seconds()

    def submit(self, work: Work) -> Outcome:
        """Start a session: it is billed and sends an SMS. A doubtful start waits for a person."""
        if work.payload is None:
            return NeedsPerson(_NO_PAYLOAD, "no payload", calls=0)
        try:
            reply = self._client.create(work.payload)
        except CallFailed as failure:
            return _not_created(failure)
        match reply:
            case Session():
                wants = Wanted(mapping.SMS_CODE, CODES)
                return Started(reply.id, "session started", as_after=PAST_ALL_STEPS, wants=wants)
            case InvalidRequest():
                return Finished(State.REJECTED, "http 400", _NOT_CREATED, answer=reply.answer)
            case Unlike():
                return NeedsPerson(_DOUBTFUL, reply.what, reply.answer)
            case _:
                assert_never(reply)

    def supply(self, work: Work) -> Outcome:
        """Send an SMS code. A doubtful one counts as sent: the status shows its result."""
        session_id = _session_id(work)
        if session_id is None:
            return NeedsPerson(_NO_SESSION, "no session id", calls=0)
        if work.payload is None:
            return NeedsPerson(_NO_PAYLOAD, "no payload", calls=0)
        try:
            reply = self._client.send_code(session_id, work.payload[mapping.SMS_CODE])
        except CallFailed as failure:
            return _not_handed(failure, work)
        match reply:
            case Session(id=taken) if taken == session_id:
                return mapping.on_code(work, Handed.TAKEN, "code sent")
            case Session():
                note = "another session's answer"
                return mapping.on_code(work, Handed.DOUBTFUL, note, Trouble.UNKNOWN)
            case InvalidRequest():
                return mapping.on_code(work, Handed.REFUSED, "code refused with http 400")
            case Unlike():
                return mapping.on_code(work, Handed.DOUBTFUL, reply.what, Trouble.UNKNOWN)
            case _:
                assert_never(reply)

    def clear_up(self, work: Work) -> Outcome:
        """Leave it to a person: without the session's id nothing harmless can be asked."""
        del work
        return NeedsPerson(_DOUBTFUL, "no session id", calls=0)

    def poll(self, work: Work) -> Outcome:
        """Ask how the session stands."""
        reply, calls = self._status(work)
        match reply:
            case Status():
                return replace(mapping.on_status(reply, work), calls=calls)
            case CallFailed():
                return mapping.on_failed_status(reply)
            case _:
                return reply

    def settle(self, work: Work) -> Outcome:
        """Ask once more: a verdict counts however late it is, and all else is expired."""
        reply, calls = self._status(work)
        match reply:
            case Status():
                return replace(mapping.on_last_status(reply, work), calls=calls)
            case CallFailed():
                return mapping.on_failed_last_status(reply, work)
            case _:
                return reply

    def look(self) -> Outcome:
        """Ask for a session that does not exist."""
        return look(self._client.unknown)

    def _status(self, work: Work) -> tuple[Status | CallFailed | Pending | NeedsPerson, int]:
        """Return this session's status, or what there is in its place, and how many questions."""
        session_id = _session_id(work)
        if session_id is None:
            return NeedsPerson(_NO_SESSION, "no session id", calls=0), 0
        try:
            reply, calls = self._client.status(session_id)
        except CallFailed as failure:
            return failure, 1
        if isinstance(reply, Status) and reply.id == session_id:
            return reply, calls
        if isinstance(reply, Status):
            reply = Unlike("another session's status", reply.answer)
        return replace(mapping.on_no_status(reply, work), calls=calls), calls

    def check_settings(self) -> list[Finding]:
        """Check that a poll comes before the deadline."""
        is_late = self.policy.longest > self._settings.deadline.total_seconds()
        return [self.settings_finding(["POLL waits longer than DEADLINE"] if is_late else [])]


def _one_identifier(payload: object) -> None:
    """Refuse a person with both SNILS and INN, or with neither.

    Not a validator of the model: those are silent while any field is at fault.
    """
    if not isinstance(payload, Mapping):
        return
    if is_given(payload.get("snils")) == is_given(payload.get("inn")):
        message = "exactly one of snils and inn must be given"
        raise Refused(message, ["snils", "inn"])


def _session_id(work: Work) -> str | None:
    """Return the session's id, checked for use in a path: a person may have given it."""
    given = work.provider_ref or ""
    return given if _SESSION_ID.fullmatch(given) else None


def _not_created(failure: CallFailed) -> NotSent | NeedsPerson | Misconfigured:
    if failure.never_sent:
        return NotSent(failure.note, trouble_of(failure), failure.retry_after)
    if mapping.is_unauthorized(failure):
        return Misconfigured(mapping.CREDENTIALS, failure.note)
    return NeedsPerson(_DOUBTFUL, failure.note, trouble=trouble_of(failure))


def _not_handed(failure: CallFailed, work: Work) -> NotSent | Pending | Misconfigured:
    if failure.never_sent:
        return NotSent(failure.note, trouble_of(failure), failure.retry_after)
    if mapping.is_unauthorized(failure):
        return Misconfigured(mapping.CREDENTIALS, failure.note)
    return mapping.on_code(work, Handed.DOUBTFUL, failure.note, trouble_of(failure))


def open_plugin(settings: MandarinSettings, resources: Resources) -> MandarinPlugin:
    """Return the provider's plugin."""
    del resources
    return MandarinPlugin(settings)


_DOUBTFUL: Final = Reason(
    ReasonCode.DOUBTFUL_SUBMIT,
    "Whether Mandarin took the start is not known, and it is billed: look there, then resume with "
    "--provider-ref, resolve or retry.",
)
_NO_SESSION: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "There is no session id to ask about: resume with --provider-ref, or resolve by hand.",
)
_NO_PAYLOAD: Final = Reason(
    ReasonCode.PAYLOAD_UNREADABLE,
    "There is nothing to send: retry with the data, or resolve by hand.",
)
_NOT_CREATED: Final = Reason(
    ReasonCode.DATA_INCOMPLETE,
    "Mandarin did not take the data: retry with corrected data.",
    retryable=True,
)
