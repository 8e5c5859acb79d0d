"""MONETA's words → ours. Exhaustive: what is not known needs a person and is never a verdict."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
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
    Trouble,
)
from worker.providers.moneta.attributes import checked, is_of
from worker.providers.moneta.faults import Meaning, Means, meaning_of
from worker.providers.moneta.progress import Progress
from worker.providers.moneta.types import MALFORMED, Fault, Result

#: How often an answer that is not known is asked for again.
UNKNOWN_ASKED_AGAIN: Final = 3
#: How often a task that is not known is asked for again.
MISSING_ASKED_AGAIN: Final = 3
#: `asyncStatus` knows no others: the end is a result element or a fault.
STATUSES: Final = frozenset({"CREATED", "INPROGRESS"})
#: What is known of the person beside a fault.
_NOTHING: Final[Mapping[str, Any]] = {}
_UNKNOWN_ANSWER: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "MONETA answered what its protocol does not allow: look at the answer and resolve by hand.",
)


def fault_on_submit(fault: Fault) -> Outcome:
    """Return what a fault in the place of a ticket comes to."""
    meaning = meaning_of(fault.code)
    note = note_of(fault)
    if meaning.on_submit is Means.AGAIN:
        return NotSent(note, Trouble.DEPENDENCY)
    if meaning.on_submit is Means.DOUBT:
        return Doubtful(note, Trouble.UNAVAILABLE)
    return _ended(meaning.on_submit, meaning, _advised(fault.code), note, fault.answer)


def fault_on_poll(fault: Fault, progress: Progress, apart: float) -> Outcome:
    """Return what a fault in the place of a status comes to.

    `apart` is the seconds between two questions for a task that is not known.
    """
    meaning = meaning_of(fault.code)
    note = note_of(fault)
    match meaning.on_poll:
        case Means.AGAIN:
            return Pending(note, Trouble.DEPENDENCY)
        case Means.DOWN:
            return Pending(note, Trouble.UNAVAILABLE)
        case Means.MISSING:
            again = replace(progress, missing=progress.missing + 1)
            if again.missing <= MISSING_ASKED_AGAIN:
                return Pending(note, again_in=apart, progress=again.stored())
            return _settled_by_profile(note, progress)
        case Means.SETTLE:
            return _settled_by_profile(note, progress)
        case Means.UNKNOWN:
            reason = meaning.reason_for(_advised(fault.code))
            return not_known(note, progress, fault.answer, reason)
        case _:
            return _ended(meaning.on_poll, meaning, _advised(fault.code), note, fault.answer)


def fault_on_profile(fault: Fault) -> Outcome:
    """Return what a fault in the place of a profile comes to: nothing of a verdict."""
    meaning = meaning_of(fault.code)
    note = note_of(fault)
    reason = meaning.reason_for(_advised(fault.code))
    match meaning.on_poll:
        case Means.AGAIN:
            return Pending(note, Trouble.DEPENDENCY)
        case Means.DOWN:
            return Pending(note, Trouble.UNAVAILABLE)
        case Means.PAUSE:
            return Misconfigured(reason, note)
        case _:
            return NeedsPerson(_by_person(reason), note, fault.answer)


def result(reply: Result, unit_id: int, async_id: int | None, progress: Progress) -> Outcome:
    """Return what a result element comes to."""
    code = reply.error_code
    if reply.async_id not in {None, async_id}:
        return not_known("another task's result", progress, reply.answer)
    if not is_of(reply.profile, unit_id):
        return NeedsPerson(_UNKNOWN_ANSWER, "another unit's result", reply.answer)
    if code is None:
        if reply.success:
            return _succeeded(reply)
        return NeedsPerson(_UNKNOWN_ANSWER, "no success and no errorCode", reply.answer)
    note = f"errorCode {code}"
    meaning = meaning_of(code)
    if reply.success and meaning.in_result is not Means.SUCCEEDED:
        return NeedsPerson(_UNKNOWN_ANSWER, f"success with {note}", reply.answer)
    if meaning.in_result is Means.SETTLE:
        return _settled_by_profile(note, progress)
    known = _facts(reply) if reply.profile or reply.document or reply.document_id else _NOTHING
    return _ended(meaning.in_result, meaning, _advised(code), note, reply.answer, known)


def is_silent(fault: Fault) -> bool:
    """Return whether a fault is about MONETA alone, and not about the operation."""
    return meaning_of(fault.code).on_poll in {Means.AGAIN, Means.DOWN}


def _settled_by_profile(note: str, progress: Progress) -> Settle:
    return Settle(note, progress=replace(progress, missing=0, last_poll=True).stored())


def not_known(
    note: str, progress: Progress, answer: bytes, reason: Reason | None = None
) -> Pending | NeedsPerson:
    """Ask again a few times for an answer that is not known, then leave it to a person."""
    again = replace(progress, unknown=progress.unknown + 1)
    if again.unknown > UNKNOWN_ASKED_AGAIN:
        return NeedsPerson(reason or _UNKNOWN_ANSWER, note, answer)
    return Pending(note, Trouble.UNKNOWN, progress=again.stored())


def note_of(fault: Fault) -> str:
    """Return what the journal says of a fault."""
    return f"fault {fault.code}"


def _succeeded(reply: Result) -> Finished:
    facts = {**_facts(reply), "verified_by": "result"}
    return Finished(State.SUCCEEDED, "success", result=facts, answer=reply.answer)


def _facts(reply: Result) -> dict[str, Any]:
    """Return what a result tells of the person beside its verdict: names and an id, no value."""
    names = checked((*reply.profile, *reply.document))
    return {**names, "document_id": reply.document_id}


def _ended(
    means: Means,
    meaning: Meaning,
    code: str | None,
    note: str,
    answer: bytes,
    known: Mapping[str, Any] = _NOTHING,
) -> Finished | NeedsPerson | Misconfigured:
    reason = meaning.reason_for(code)
    match means:
        case Means.SUCCEEDED:
            facts = {**known, "verified_by": "already_identified"}
            return Finished(State.SUCCEEDED, note, result=facts, answer=answer)
        case Means.REJECTED:
            return Finished(State.REJECTED, note, reason, known, answer)
        case Means.FAILED:
            return Finished(State.FAILED, note, reason, known, answer)
        case Means.PAUSE:
            return Misconfigured(reason, note)
        case _:
            return NeedsPerson(_by_person(reason), note, answer)


def _by_person(reason: Reason) -> Reason:
    """Return the reason of a wait: a next attempt is then the person's to allow."""
    return Reason(reason.code, reason.message, reason.provider_code)


def _advised(code: str) -> str | None:
    return None if code == MALFORMED else code
