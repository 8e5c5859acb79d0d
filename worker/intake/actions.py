"""On-call messages: retry, resume, resolve, cancel."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from config.queues import Wake
from uprid_client.contract import operations as contract
from uprid_client.contract.arguments import Action as ActionArguments
from uprid_client.contract.states import State
from uprid_client.errors import Refused
from uprid_client.names import Provider
from worker.domain.start_data import StartData
from worker.domain.states import DRIVEN
from worker.intake.message import Message, Reading
from worker.intake.parts import Parts
from worker.intake.refusals import refusing
from worker.intake.starts import FINGERPRINTED, fingerprint, fingerprinted, sealed, subject_hash
from worker.providers.protocol import Plugin
from worker.store import resolutions, retries
from worker.store.actions import Action, Anew, Done, Known, look
from worker.store.retries import Correction

log = structlog.get_logger(__name__)

#: Takes the place of an operation that does not exist, until all errors of the message are known.
_NOBODY = Known("", "", {})


@refusing
def retry(parts: Parts, message: Message) -> None:
    """Start the next attempt: `reference` `attempt` `by` `note` `sealed`?."""
    reading = Reading(message, contract.Retry)
    known = _known(parts, reading, message.reference)
    correction = _correction(parts, reading, known)
    action = _action(reading.sound())
    now = parts.database.now()
    plugin = parts.plugin(Provider(known.provider))
    give_up_at = now + timedelta(seconds=plugin.give_up_after(known.kind))
    carry_over = partial(plugin.carry_over, next_attempt=True)
    bare = fingerprint(parts, plugin.name, StartData(known.kind, known.args, None))
    with parts.database.begin() as connection:
        done, state = retries.retry(
            connection, action, correction, give_up_at, carry_over, now, bare
        )
    _follow_up(parts, message, action, known, done, state)


@refusing
def resume(parts: Parts, message: Message) -> None:
    """Let a waiting attempt go on: `reference` `attempt` `by` `note` `provider_ref`?."""
    reading = Reading(message, contract.Resume)
    known = _known(parts, reading, message.reference)
    arguments = reading.sound()
    action = _action(arguments)
    now = parts.database.now()
    plugin = parts.plugins.get(Provider(known.provider))
    # A provider that is off has no plugin to say what may be dropped, or how long an attempt lasts.
    carry_over = _everything if plugin is None else partial(plugin.carry_over, next_attempt=False)
    anew = resolutions.no_time if plugin is None else _anew(plugin, known.kind)
    with parts.database.begin() as connection:
        done, state = resolutions.resume(
            connection, action, arguments.provider_ref, carry_over, now, anew
        )
    _follow_up(parts, message, action, known, done, state)


@refusing
def resolve(parts: Parts, message: Message) -> None:
    """Write down a verdict: `reference` `attempt` `verdict` `by` `note`."""
    reading = Reading(message, contract.Resolve)
    known = _known(parts, reading, message.reference)
    arguments = reading.sound()
    action = _action(arguments)
    with parts.database.begin() as connection:
        now = parts.database.now()
        done, state = resolutions.resolve(connection, action, State(arguments.verdict), now)
    _follow_up(parts, message, action, known, done, state)


@refusing
def cancel(parts: Parts, message: Message) -> None:
    """Call an operation off: `reference` `attempt` `by` `note`."""
    reading = Reading(message, contract.Cancel)
    known = _known(parts, reading, message.reference)
    action = _action(reading.sound())
    with parts.database.begin() as connection:
        done, state = resolutions.cancel(connection, action, parts.database.now())
    _follow_up(parts, message, action, known, done, state)


def _anew(plugin: Plugin, kind: str) -> Anew:
    def anew(submitted: bool) -> timedelta | None:  # noqa: FBT001 - as `Anew` has it
        seconds = plugin.resumed_for(kind, submitted=submitted)
        return None if seconds is None else timedelta(seconds=seconds)

    return anew


def _everything(kind: str, progress: Mapping[str, Any]) -> Mapping[str, Any]:
    del kind
    return progress


def _action(arguments: ActionArguments) -> Action:
    return Action(arguments.reference, arguments.attempt, arguments.by, arguments.note)


def _known(parts: Parts, reading: Reading[Any], reference: str | None) -> Known:
    if reference is None:
        return _NOBODY
    with parts.database.read() as connection:
        known = look(connection, reference)
    if known is None:
        reading.add_error("reference: no operation has it", "reference")
    return known or _NOBODY


def _correction(parts: Parts, reading: Reading[contract.Retry], known: Known) -> Correction | None:
    """Return the corrected data, if any. Their errors are reported with all the others."""
    payload = reading.payload(parts.sealer)
    if payload is None or known is _NOBODY:
        return None
    provider = Provider(known.provider)
    plugin = parts.plugin(provider)
    try:
        found = plugin.correct(known.kind, known.args, payload)
    except Refused as refusal:
        reading.add_error(refusal.reason, *refusal.fields)
        return None
    written = fingerprinted(
        lambda: plugin.correct(known.kind, known.args, payload, FINGERPRINTED), found
    )
    return Correction(
        found.args,
        fingerprint(parts, provider, written or found),
        sealed(parts, found),
        subject_hash(parts, provider, found),
    )


def _follow_up(
    parts: Parts,
    message: Message,
    action: Action,
    known: Known,
    done: Done,
    state: State | None,
) -> None:
    name = message.task.rpartition(".")[2]
    log.info("acted", action=name, reference=action.reference, attempt=action.attempt, done=done)
    match done:
        case Done.WRONG_STATE:
            reason = f"reference: the operation is {state}: {name} is not possible"
            raise Refused(reason, ["reference"])
        case Done.DATA_ERASED:
            reason = "sealed: is missing: the last attempt's data were erased: retry with the data"
            raise Refused(reason, ["sealed"])
        case Done.ANOTHERS_REF:
            reason = "provider_ref: another operation has it: look again which id is meant"
            raise Refused(reason, ["provider_ref"])
        case Done.DONE:
            parts.relay.wake()
    if done is Done.DONE and state in DRIVEN:
        wake = Wake.SETTLE if state is State.SETTLING else Wake.POLL
        parts.wakeups.at(Provider(known.provider), wake, [parts.database.now()])
