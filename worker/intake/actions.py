"""On-call messages: retry, resume, resolve, cancel."""

from datetime import timedelta

import structlog

from config.queues import Provider, Wake
from worker.errors import Refused
from worker.intake.message import Message, Reading
from worker.intake.refusals import aloud
from worker.intake.starts import fingerprint, sealed
from worker.operations.states import TERMINAL, State
from worker.operations.store import deciding, retrying
from worker.operations.store.oncall import Action, Done, Known, look
from worker.operations.store.retrying import Correction
from worker.runtime import Runtime

log = structlog.get_logger(__name__)

_VERDICTS = tuple(sorted(state.value for state in TERMINAL))


@aloud
def retry(runtime: Runtime, message: Message) -> None:
    """Start the next attempt: `reference` `attempt` `by` `note` `sealed`?."""
    reading = Reading(message)
    action = _action(reading)
    payload = reading.payload(runtime.sealer)
    reading.no_others()
    reading.require_sound()
    known = _known(runtime, action)
    provider = Provider(known.provider)
    plugin = runtime.plugin(provider)
    correction = None
    if payload is not None:
        found = plugin.correct(known.kind, known.args, payload)
        marked = fingerprint(runtime, provider, found)
        correction = Correction(found.args, marked, sealed(runtime, found))
    now = runtime.database.now()
    give_up_at = now + timedelta(seconds=plugin.give_up_after(known.kind))
    with runtime.database.begin() as connection:
        done, state = retrying.retry(connection, action, correction, give_up_at, now)
    if done is Done.DATA_ERASED:
        raise Refused("sealed: is missing: the data of the last attempt were erased", ["sealed"])
    _follow_up(runtime, message, action, known, done, state)


@aloud
def resume(runtime: Runtime, message: Message) -> None:
    """Let a waiting attempt go on: `reference` `attempt` `by` `note` `provider_ref`?."""
    reading = Reading(message)
    action = _action(reading)
    provider_ref = reading.provider_ref()
    reading.no_others()
    reading.require_sound()
    known = _known(runtime, action)
    with runtime.database.begin() as connection:
        done, state = deciding.resume(connection, action, provider_ref, runtime.database.now())
    _follow_up(runtime, message, action, known, done, state)


@aloud
def resolve(runtime: Runtime, message: Message) -> None:
    """Write down a verdict: `reference` `attempt` `verdict` `by` `note`."""
    reading = Reading(message)
    action = _action(reading)
    verdict = reading.one_of("verdict", _VERDICTS)
    reading.no_others()
    reading.require_sound()
    known = _known(runtime, action)
    with runtime.database.begin() as connection:
        now = runtime.database.now()
        done, state = deciding.resolve(connection, action, State(verdict), now)
    _follow_up(runtime, message, action, known, done, state)


@aloud
def cancel(runtime: Runtime, message: Message) -> None:
    """Call an operation off: `reference` `attempt` `by` `note`."""
    reading = Reading(message)
    action = _action(reading)
    reading.no_others()
    reading.require_sound()
    known = _known(runtime, action)
    with runtime.database.begin() as connection:
        done, state = deciding.cancel(connection, action, runtime.database.now())
    _follow_up(runtime, message, action, known, done, state)


def _action(reading: Reading) -> Action:
    return Action(reading.reference(), reading.attempt(), reading.by(), reading.note())


def _known(runtime: Runtime, action: Action) -> Known:
    with runtime.database.read() as connection:
        known = look(connection, action.reference)
    if known is None:
        raise Refused("reference: no operation has it", ["reference"])
    return known


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
    if done is Done.WRONG_STATE:
        raise Refused(f"reference: the operation is {state}: {name} is not possible", ["reference"])
    if done is Done.DONE:
        runtime.relay.wake()
        provider = Provider(known.provider)
        wake = Wake.SETTLE if state is State.SETTLING else Wake.POLL
        runtime.wakes.at(provider, wake, [runtime.database.now()])
