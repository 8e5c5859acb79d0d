"""On-call messages: retry, resume, resolve, cancel."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from config.queues import Provider, Wake
from worker.errors import Refused
from worker.intake.message import Message, Reading
from worker.intake.refusals import aloud
from worker.intake.starts import FINGERPRINTED, fingerprint, fingerprinted, party, sealed
from worker.operations.states import DRIVEN, TERMINAL, State
from worker.operations.store import deciding, retrying
from worker.operations.store.oncall import Action, Anew, Done, Known, look
from worker.operations.store.retrying import Correction
from worker.providers.base import Intake, Plugin
from worker.runtime import Runtime

log = structlog.get_logger(__name__)

_VERDICTS = tuple(sorted(state.value for state in TERMINAL))
#: Stands for an operation that is not there, until the reading's faults are told.
_NOBODY = Known("", "", {})


@aloud
def retry(runtime: Runtime, message: Message) -> None:
    """Start the next attempt: `reference` `attempt` `by` `note` `sealed`?."""
    reading = Reading(message)
    action = _action(reading)
    known = _known(runtime, reading, action)
    correction = _correction(runtime, reading, known)
    reading.no_others()
    reading.require_sound()
    now = runtime.database.now()
    plugin = runtime.plugin(Provider(known.provider))
    give_up_at = now + timedelta(seconds=plugin.give_up_after(known.kind))
    keep = partial(plugin.keep, next_attempt=True)
    bare = fingerprint(runtime, plugin.name, Intake(known.kind, known.args, None))
    with runtime.database.begin() as connection:
        done, state = retrying.retry(connection, action, correction, give_up_at, keep, now, bare)
    _follow_up(runtime, message, action, known, done, state)


@aloud
def resume(runtime: Runtime, message: Message) -> None:
    """Let a waiting attempt go on: `reference` `attempt` `by` `note` `provider_ref`?."""
    reading = Reading(message)
    action = _action(reading)
    known = _known(runtime, reading, action)
    provider_ref = reading.provider_ref()
    reading.no_others()
    reading.require_sound()
    now = runtime.database.now()
    plugin = runtime.plugins.get(Provider(known.provider))
    # Where the provider is off nobody can tell what may be forgotten, nor how long it takes.
    keep = _everything if plugin is None else partial(plugin.keep, next_attempt=False)
    anew = deciding.no_time if plugin is None else _anew(plugin, known.kind)
    with runtime.database.begin() as connection:
        done, state = deciding.resume(connection, action, provider_ref, keep, now, anew)
    _follow_up(runtime, message, action, known, done, state)


@aloud
def resolve(runtime: Runtime, message: Message) -> None:
    """Write down a verdict: `reference` `attempt` `verdict` `by` `note`."""
    reading = Reading(message)
    action = _action(reading)
    known = _known(runtime, reading, action)
    verdict = reading.one_of("verdict", _VERDICTS)
    reading.no_others()
    reading.require_sound()
    with runtime.database.begin() as connection:
        now = runtime.database.now()
        done, state = deciding.resolve(connection, action, State(verdict), now)
    _follow_up(runtime, message, action, known, done, state)


@aloud
def cancel(runtime: Runtime, message: Message) -> None:
    """Call an operation off: `reference` `attempt` `by` `note`."""
    reading = Reading(message)
    action = _action(reading)
    known = _known(runtime, reading, action)
    reading.no_others()
    reading.require_sound()
    with runtime.database.begin() as connection:
        done, state = deciding.cancel(connection, action, runtime.database.now())
    _follow_up(runtime, message, action, known, done, state)


def _anew(plugin: Plugin, kind: str) -> Anew:
    def anew(submitted: bool) -> timedelta | None:  # noqa: FBT001 - as `Anew` has it
        seconds = plugin.resumed_for(kind, submitted=submitted)
        return None if seconds is None else timedelta(seconds=seconds)

    return anew


def _everything(kind: str, progress: Mapping[str, Any]) -> Mapping[str, Any]:
    del kind
    return progress


def _action(reading: Reading) -> Action:
    return Action(reading.reference(), reading.attempt(), reading.by(), reading.note())


def _known(runtime: Runtime, reading: Reading, action: Action) -> Known:
    if not action.reference:
        return _NOBODY
    with runtime.database.read() as connection:
        known = look(connection, action.reference)
    if known is None:
        reading.fault("reference: no operation has it", "reference")
    return known or _NOBODY


def _correction(runtime: Runtime, reading: Reading, known: Known) -> Correction | None:
    """Take corrected data, if there are any; faults in them are told with all the others."""
    payload = reading.payload(runtime.sealer)
    if payload is None or known is _NOBODY:
        return None
    provider = Provider(known.provider)
    plugin = runtime.plugin(provider)
    try:
        found = plugin.correct(known.kind, known.args, payload)
    except Refused as refusal:
        reading.fault(refusal.reason, *refusal.fields)
        return None
    written = fingerprinted(
        lambda: plugin.correct(known.kind, known.args, payload, FINGERPRINTED), found
    )
    return Correction(
        found.args,
        fingerprint(runtime, provider, written or found),
        sealed(runtime, found),
        party(runtime, provider, found),
    )


def _follow_up(
    runtime: Runtime,
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
            runtime.relay.wake()
    if done is Done.DONE and state in DRIVEN:
        wake = Wake.SETTLE if state is State.SETTLING else Wake.POLL
        runtime.wakes.at(Provider(known.provider), wake, [runtime.database.now()])
