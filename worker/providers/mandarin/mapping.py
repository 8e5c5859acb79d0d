"""Mandarin's words → ours. Exhaustive: what is not known needs a person and is never a verdict.

A session is two checks that go on side by side: the person's data, and the phone by SMS codes.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, assert_never

from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.errors import CallFailed, ReplyUnreadable
from worker.domain.outcomes import (
    PAST_ALL_STEPS,
    Finished,
    Misconfigured,
    NeedsPerson,
    Outcome,
    Pending,
    Reason,
    Trouble,
    Wanted,
)
from worker.providers.mandarin.code_state import CodeState, Handed, code_state_of
from worker.providers.mandarin.progress import Progress
from worker.providers.mandarin.types import Check, InvalidRequest, Status, Unlike
from worker.providers.protocol import Work
from worker.providers.transport.failures import BadStatus, trouble_of

#: The name of the input.
SMS_CODE: Final = "sms_code"
#: How often an answer that is not known is asked for again.
UNKNOWN_ASKED_AGAIN: Final = 3
#: Polls past the deadline after replies that are not Mandarin's. With the backoff that is half an
#: hour, which is longer than a gateway is usually down.
SPOILT_ASKED_AGAIN: Final = 10


class Meaning(StrEnum):
    """What a status comes to."""

    PASSED = "passed"
    WRONG_PERSON = "wrong_person"
    CODES_EXHAUSTED = "codes_exhausted"
    #: A check has finished and does not say how.
    BROKEN = "broken"
    #: The person is to be asked for a code.
    ASK = "ask"
    WAIT = "wait"


def meaning_of(person: Check, phone: Check, state_of_codes: CodeState) -> Meaning:
    """Return what the booleans of a status come to: nothing else decides."""
    match person.finished, person.verified:
        case True, False:
            return Meaning.WRONG_PERSON
        case True, None:
            return Meaning.BROKEN
        case _:
            pass
    match phone.finished, phone.verified:
        case True, True:
            return Meaning.PASSED if person.known else Meaning.WAIT
        case True, None:
            return Meaning.BROKEN
        case False, True:
            return Meaning.WAIT
        case _:
            return _of_codes(phone, state_of_codes)


def on_status(status: Status, work: Work) -> Outcome:
    """Return what a status comes to before the deadline."""
    state_of_codes = code_state_of(work)
    meaning = meaning_of(status.person, status.phone, state_of_codes)
    ended = _ended(meaning, status)
    if ended is not None:
        return ended
    looked = state_of_codes.looked()
    return Pending(
        _note(status),
        as_after=looked.looks if looked.sent else PAST_ALL_STEPS,
        wants=Wanted(SMS_CODE, state_of_codes.left) if meaning is Meaning.ASK else None,
        progress=looked.as_progress().stored(),
    )


def on_last_status(status: Status, work: Work) -> Finished | NeedsPerson:
    """Return what a status comes to past the deadline: 300 minutes are no verdict of Mandarin's."""
    ended = _ended(meaning_of(status.person, status.phone, code_state_of(work)), status)
    if ended is not None:
        return ended
    reason = _PHONE_NOT_VERIFIED if status.person.known else _DEADLINE_PASSED
    return Finished(State.EXPIRED, _note(status), reason, _facts(status), status.answer)


def on_no_status(reply: InvalidRequest | Unlike, work: Work) -> Pending | NeedsPerson:
    """Ask again a few times for an answer that is not known, then leave it to a person."""
    note = reply.what if isinstance(reply, Unlike) else "http 400"
    progress = Progress.of(work.progress)
    again = replace(progress, unknown=progress.unknown + 1)
    if again.unknown > UNKNOWN_ASKED_AGAIN:
        return NeedsPerson(_UNKNOWN_ANSWER, note, reply.answer)
    return Pending(note, Trouble.UNKNOWN, progress=again.stored())


def on_failed_status(failure: CallFailed) -> Pending | Misconfigured:
    """Return what no usable reply to a question comes to before the deadline."""
    if is_unauthorized(failure):
        return Misconfigured(CREDENTIALS, failure.note)
    return Pending(failure.note, trouble_of(failure), failure.retry_after)


def on_failed_last_status(failure: CallFailed, work: Work) -> Pending | NeedsPerson | Misconfigured:
    """Return what a failed status request comes to after the deadline.

    Replies that are not Mandarin's end the wait. No reply at all does not: Mandarin is down, and
    will be back.
    """
    pending = on_failed_status(failure)
    if isinstance(pending, Misconfigured) or not _is_spoilt(failure):
        return pending
    progress = Progress.of(work.progress)
    again = replace(progress, spoilt=progress.spoilt + 1)
    if again.spoilt > SPOILT_ASKED_AGAIN:
        return NeedsPerson(_UNKNOWN_ANSWER, failure.note)
    return replace(pending, progress=again.stored())


def on_code(work: Work, handed: Handed, note: str, trouble: Trouble | None = None) -> Pending:
    """Return what a code comes to that counts as sent; `work.inputs_sent` has counted it.

    A refused one is asked for again. Where it was the last one the status has the last word: the
    refusal may mean that an earlier, doubtful code was right.
    """
    state_of_codes = code_state_of(work).after(handed)
    is_asked = handed is Handed.REFUSED and state_of_codes.left > 0
    wants = Wanted(SMS_CODE, state_of_codes.left) if is_asked else None
    return Pending(
        note, trouble, as_after=0, wants=wants, progress=state_of_codes.as_progress().stored()
    )


def is_unauthorized(failure: CallFailed) -> bool:
    """Return whether Mandarin does not know us: that request was not applied (RFC 9110, 15.5.2)."""
    return isinstance(failure, BadStatus) and failure.status == HTTPStatus.UNAUTHORIZED


def _of_codes(phone: Check, state_of_codes: CodeState) -> Meaning:
    """Return what a phone that is not verified comes to.

    `false` is the last code's verdict once the check has finished, unless it may be an earlier
    one's: a code whose reply was lost can arrive after the question. An unfinished check goes on
    (a guess), but the person does not wait for it: a minute after the code it is asked for again.
    """
    is_answered = state_of_codes.handed is not Handed.DOUBTFUL or state_of_codes.is_quiet
    is_wrong = phone.known is False and is_answered
    if state_of_codes.left == 0:
        is_over = state_of_codes.handed is Handed.REFUSED and state_of_codes.is_quiet
        return Meaning.CODES_EXHAUSTED if is_wrong or is_over else Meaning.WAIT
    if state_of_codes.asked:
        return Meaning.WAIT
    return Meaning.ASK if is_wrong or state_of_codes.is_quiet else Meaning.WAIT


def _ended(meaning: Meaning, status: Status) -> Finished | NeedsPerson | None:
    note = _note(status)
    facts = _facts(status)
    match meaning:
        case Meaning.PASSED:
            passed = {**facts, "verified_by": "result"}
            return Finished(State.SUCCEEDED, note, result=passed, answer=status.answer)
        case Meaning.WRONG_PERSON:
            return Finished(State.REJECTED, note, _DATA_MISMATCH, facts, status.answer)
        case Meaning.CODES_EXHAUSTED:
            return Finished(State.REJECTED, note, _CODES_EXHAUSTED, facts, status.answer)
        case Meaning.BROKEN:
            return NeedsPerson(_UNKNOWN_ANSWER, note, status.answer)
        case Meaning.ASK | Meaning.WAIT:
            return None
        case _:
            assert_never(meaning)


def _note(status: Status) -> str:
    return f"person {status.person}, phone {status.phone}"


def _facts(status: Status) -> Mapping[str, Any]:
    return {"person_verified": status.person.known, "phone_verified": status.phone.known}


def _is_spoilt(failure: CallFailed) -> bool:
    """Return whether a reply came that is none of Mandarin's. A 429 is: it is about haste."""
    if isinstance(failure, BadStatus):
        return failure.is_about_the_request and not failure.never_sent
    return isinstance(failure, ReplyUnreadable)


CREDENTIALS: Final = Reason(
    ReasonCode.CONFIGURATION,
    "Mandarin does not accept MERCHANT_ID and SECRET: correct the settings.",
)
_DATA_MISMATCH: Final = Reason(
    ReasonCode.DATA_MISMATCH,
    "The person's data do not match the state's records: retry with corrected data.",
    retryable=True,
)
_CODES_EXHAUSTED: Final = Reason(
    ReasonCode.CODES_EXHAUSTED,
    "None of the five SMS codes was right: retry, and a new one is sent.",
    retryable=True,
)
_PHONE_NOT_VERIFIED: Final = Reason(
    ReasonCode.PHONE_NOT_VERIFIED,
    "The person was verified in time, the phone was not: retry, and a new SMS code is sent.",
    retryable=True,
)
_DEADLINE_PASSED: Final = Reason(
    ReasonCode.DEADLINE_PASSED,
    "Mandarin did not finish the checks in time: retry, and they begin anew.",
    retryable=True,
)
_UNKNOWN_ANSWER: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "Mandarin's answer is not one that it documents: look there, then resume or resolve by hand.",
)
