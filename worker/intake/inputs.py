"""Inputs: what the person supplies goes to the attempt that expects it, once."""

from functools import partial
from typing import assert_never

import structlog

from uprid_client.contract.states import State
from uprid_client.errors import Refused
from worker.intake.message import Message, Reading
from worker.intake.parts import Parts
from worker.intake.refusals import Taking, refusing
from worker.providers.incoming import ExpectedInput
from worker.store import inputs
from worker.store.inputs import Input, Offered

log = structlog.get_logger(__name__)


def take(expected: ExpectedInput) -> Taking:
    """Return what takes the messages with an input: `sealed` holds `{"sms_code": "…"}`."""
    return refusing(partial(_take, expected))


def _take(expected: ExpectedInput, parts: Parts, message: Message) -> None:
    """Store an input for the current attempt of `reference`."""
    provider, name = expected.provider, expected.name
    parts.plugin(provider)
    reading = Reading(message, expected.arguments)
    payload = reading.payload(parts.sealer)
    value = ""
    try:
        value = "" if payload is None else expected.read(payload)
    except Refused as refusal:
        reading.add_error(refusal.reason, *refusal.fields)
    reference = reading.sound().reference
    given = Input(
        provider=provider,
        reference=reference,
        name=name,
        message_id=message.id[:255],
        fingerprint=lambda id_, attempt: parts.fingerprinter.of(
            provider, name, {"operation": id_, "attempt": attempt}, {name: value}
        ),
        sealed=parts.sealer.seal({name: value}),
        limit=expected.limit,
    )
    now = parts.database.now()
    with parts.database.begin() as connection:
        offered, state = inputs.offer(connection, given, now)
    # A log event keeps its name; the first input was a code.
    log.info("code_offered", reference=reference, offered=offered)
    _refuse(expected, offered, state)
    if offered is Offered.TAKEN:
        parts.wakeups.soon(provider, now)


def _refuse(expected: ExpectedInput, offered: Offered, state: State | None) -> None:
    """Raise `Refused` for what was not taken."""
    noun = expected.noun
    match offered:
        case Offered.TAKEN | Offered.KNOWN:
            return
        case Offered.UNKNOWN_REFERENCE:
            raise Refused("reference: no operation has it", ["reference"])
        case Offered.ANOTHER_PROVIDER:
            reason = f"reference: the operation is not {expected.provider}'s: it takes no {noun}"
            raise Refused(reason, ["reference"])
        case Offered.NOT_WANTED:
            reason = f"reference: the operation is {state}: it takes no {noun}"
            raise Refused(reason, ["reference"])
        case Offered.TOO_MANY:
            spent = f"all {expected.limit} {noun}s of this session are spent"
            reason = f"sealed: {spent}: retry for a new one"
            raise Refused(reason, ["sealed"])
        case _:
            assert_never(offered)
