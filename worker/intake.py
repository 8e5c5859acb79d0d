"""Intake: a message is found good and stored, or refused aloud. Nothing raises into the void.

Good and refused alike are told on the stream. What is neither (a database that is away) is an
exception, and the task comes again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog

from config.queues import Provider, Wake
from worker.errors import ProviderOff, Refused, Unsealable
from worker.operations.store import intake as intake_store
from worker.operations.store import oncall
from worker.operations.store.intake import Start, Taken
from worker.operations.store.oncall import Action, Correction, Done
from worker.privacy.masking import mask_note
from worker.providers.base import Intake, Plugin
from worker.runtime import Runtime

log = structlog.get_logger(__name__)

_LONGEST_REFERENCE: Final = 255
_LONGEST_NOTE: Final = 500
_LONGEST_NAME: Final = 100
_KNOWN_NAME: Final = frozenset({"reference", "sealed", "unit_id", "attempt", "by", "note"})


@dataclass(frozen=True, slots=True)
class Message:
    """A task message as it came."""

    id: str
    task: str
    args: Sequence[Any] = field(repr=False)
    kwargs: Mapping[str, Any] = field(repr=False)


class _Faults:
    """What is wrong with a message, all of it."""

    def __init__(self) -> None:
        self.fields: list[str] = []
        self.reasons: list[str] = []

    def add(self, reason: str, *fields: str) -> None:
        self.fields += fields
        self.reasons.append(reason)

    def raise_any(self) -> None:
        if self.reasons:
            raise Refused("; ".join(self.reasons), list(dict.fromkeys(self.fields)))


def start(runtime: Runtime, message: Message, provider: Provider, kind: str) -> None:
    """Take a start message: store the operation, or refuse the message."""
    try:
        _start(runtime, message, provider, kind)
    except Refused as refusal:
        _refuse(runtime, message, refusal)
    except ProviderOff as off:
        _refuse(runtime, message, Refused(str(off)))


def retry(runtime: Runtime, message: Message) -> None:
    """Take a retry message: begin the next attempt, ignore an old message, or refuse it."""
    try:
        _retry(runtime, message)
    except Refused as refusal:
        _refuse(runtime, message, refusal)
    except ProviderOff as off:
        _refuse(runtime, message, Refused(str(off)))


def _start(runtime: Runtime, message: Message, provider: Provider, kind: str) -> None:
    plugin = runtime.plugin(provider)
    faults = _Faults()
    arguments = _keywords(message, faults)
    reference = _reference(arguments.pop("reference", None), faults)
    payload = _payload(runtime, arguments.pop("sealed", None), faults)
    intake = _accepted(plugin, kind, arguments, payload, faults)
    faults.raise_any()
    if intake is None or reference is None:  # only where a fault was raised
        return
    now = runtime.database.now()
    begun = Start(
        provider=provider,
        reference=reference,
        intake=intake,
        fingerprint=_fingerprint(runtime, provider, intake),
        sealed=_sealed(runtime, intake),
        give_up_at=now + timedelta(seconds=plugin.give_up_after(kind)),
    )
    with runtime.database.begin() as connection:
        taken = intake_store.accept(connection, begun, now)
    if taken is Taken.CONFLICT:
        reason = "reference: is used already, with other data: choose another, or retry that one"
        raise Refused(reason, ["reference"])
    log.info("start_taken", reference=reference, provider=provider, taken=taken)
    if taken is Taken.NEW:
        runtime.relay.wake()
        runtime.wakes.at(provider, Wake.POLL, [now])


def _retry(runtime: Runtime, message: Message) -> None:
    faults = _Faults()
    arguments = _keywords(message, faults)
    reference = _reference(arguments.pop("reference", None), faults)
    attempt = _attempt(arguments.pop("attempt", None), faults)
    by = _text("by", arguments.pop("by", None), _LONGEST_NAME, faults)
    note = _text("note", arguments.pop("note", ""), _LONGEST_NOTE, faults, empty=True)
    sealed = arguments.pop("sealed", None)
    payload = _payload(runtime, sealed, faults)
    _no_others(arguments, faults)
    faults.raise_any()
    if reference is None or attempt is None:  # only where a fault was raised
        return
    action = Action(reference, attempt, mask_note(by), mask_note(note))
    with runtime.database.read() as connection:
        row = oncall.look(connection, reference)
    if row is None:
        raise Refused("reference: no operation has it", ["reference"])
    provider = Provider(row.provider)
    plugin = runtime.plugin(provider)
    correction = None
    if sealed is not None:
        intake = plugin.correct(row.kind, row.args, payload)
        fingerprint = _fingerprint(runtime, provider, intake)
        correction = Correction(intake.args, fingerprint, _sealed(runtime, intake))
    now = runtime.database.now()
    give_up_at = now + timedelta(seconds=plugin.give_up_after(row.kind))
    with runtime.database.begin() as connection:
        done, state = oncall.retry(connection, action, correction, give_up_at, now)
    log.info("retry_taken", reference=reference, attempt=attempt, done=done)
    if done is Done.WRONG_STATE:
        raise Refused(f"reference: the operation is {state}: it cannot be retried", ["reference"])
    if done is Done.DATA_ERASED:
        raise Refused("sealed: is missing: the data of the last attempt were erased", ["sealed"])
    if done is Done.DONE:
        runtime.relay.wake()
        runtime.wakes.at(provider, Wake.POLL, [now])


def _refuse(runtime: Runtime, message: Message, refusal: Refused) -> None:
    reference = message.kwargs.get("reference")
    with runtime.database.begin() as connection:
        told = intake_store.refuse(
            connection,
            message_id=message.id[:255],
            task=message.task,
            reference=reference if _is_reference(reference) else None,
            fields=refusal.fields,
            reason=refusal.reason,
            now=runtime.database.now(),
        )
    if told:
        log.warning("message_refused", task=message.task, fields=list(refusal.fields))
        runtime.relay.wake()


def _keywords(message: Message, faults: _Faults) -> dict[str, Any]:
    if message.args:
        faults.add("arguments must be given by name", "(positional)")
    return dict(message.kwargs)


def _no_others(arguments: Mapping[str, Any], faults: _Faults) -> None:
    for name in arguments:
        shown = (
            name if name in _KNOWN_NAME or (name.isidentifier() and name.isascii()) else "(unnamed)"
        )
        faults.add(f"{shown}: is no argument of this task", shown)


def _is_reference(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_REFERENCE
        and value.isprintable()
        and value == value.strip()
    )


def _reference(value: object, faults: _Faults) -> str | None:
    if isinstance(value, str) and _is_reference(value):
        return value
    wanted = f"must be 1 to {_LONGEST_REFERENCE} printable characters, without spaces around"
    faults.add(f"reference: {'is missing' if value is None else wanted}", "reference")
    return None


def _attempt(value: object, faults: _Faults) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31:
        return value
    faults.add("attempt: must be the number of the attempt that is acted on, from 1", "attempt")
    return None


def _text(name: str, value: object, longest: int, faults: _Faults, *, empty: bool = False) -> str:
    if isinstance(value, str) and len(value) <= longest and (empty or value.strip()):
        return value
    faults.add(f"{name}: must be a text of at most {longest} characters", name)
    return ""


def _payload(runtime: Runtime, sealed: object, faults: _Faults) -> object | None:
    if sealed is None:
        return None
    if not isinstance(sealed, str):
        faults.add("sealed: must be a Fernet token", "sealed")
        return None
    try:
        payload: object = runtime.sealer.open(sealed)
    except Unsealable:
        faults.add(
            "sealed: does not open: seal it with one of UPRID_SEAL_KEYS, over UTF-8 JSON", "sealed"
        )
        return None
    if not isinstance(payload, dict):
        faults.add("sealed: must hold a JSON object", "sealed")
        return None
    return payload


def _accepted(
    plugin: Plugin,
    kind: str,
    arguments: Mapping[str, Any],
    payload: object | None,
    faults: _Faults,
) -> Intake | None:
    try:
        return plugin.accept(kind, arguments, payload)
    except Refused as refusal:
        faults.add(refusal.reason, *refusal.fields)
        return None


def _fingerprint(runtime: Runtime, provider: Provider, intake: Intake) -> str:
    return runtime.fingerprinter.of(provider, intake.kind, intake.args, intake.payload)


def _sealed(runtime: Runtime, intake: Intake) -> str | None:
    return None if intake.payload is None else runtime.sealer.seal(dict(intake.payload))
