"""Start messages: an operation is stored once, however often its message comes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from config.queues import Wake
from uprid_client.contract.arguments import Start
from uprid_client.contract.given import Writing
from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.errors import Refused
from uprid_client.names import Provider
from worker.domain.start_data import StartData
from worker.intake.message import Message, Reading
from worker.intake.parts import Parts
from worker.intake.refusals import Taking, refusing
from worker.store import messages
from worker.store.messages import NewOperation, Taken

log = structlog.get_logger(__name__)

FINGERPRINTED: Final = Writing.FINGERPRINTED


def start(provider: Provider, kind: str) -> Taking:
    """Return what takes the start messages of one kind of operation."""

    def take(parts: Parts, message: Message) -> None:
        plugin = parts.plugin(provider)
        reading = Reading(message, Start, has_others=True)
        payload = reading.payload(parts.sealer)
        others = reading.others()
        found: StartData | None = None
        try:
            found = plugin.accept(kind, others, payload)
        except Refused as refusal:
            shown = without_missing_payload(refusal) if reading.has_error("sealed") else refusal
            if shown.fields:
                reading.add_error(shown.reason, *shown.fields)
        written = fingerprinted(lambda: plugin.accept(kind, others, payload, FINGERPRINTED), found)
        own_print = None if written is None else fingerprint(parts, provider, written)
        if found is None and _was_taken(parts, message.reference, own_print):
            log.info(
                "start_taken", reference=message.reference, provider=provider, taken=Taken.KNOWN
            )
            return
        reference = reading.sound().reference
        if found is not None and own_print is not None:
            _store(parts, provider, reference, found, own_print, plugin.give_up_after(kind))

    return refusing(take)


def without_missing_payload(refusal: Refused) -> Refused:
    """Return a refusal that does not call the payload missing: it came, and does not open."""
    kept = [part for part in refusal.reason.split("; ") if part != "sealed is missing"]
    return Refused("; ".join(kept), [name for name in refusal.fields if name != "sealed"])


def fingerprinted(writing: Callable[[], StartData], found: StartData | None) -> StartData | None:
    """Return what a fingerprint is made of: the data as 0.1.0 wrote them, if it took them.

    So a message has the fingerprint that 0.1.0 gave it. See decision 0036.
    """
    try:
        return writing()
    except Refused:
        return found


def _was_taken(parts: Parts, reference: str | None, own_print: str | None) -> bool:
    """Return whether 0.1.0 took a message that is refused today: repeating it is harmless."""
    if reference is None or own_print is None:
        return False
    with parts.database.read() as connection:
        return messages.is_known(connection, reference, own_print)


def _store(
    parts: Parts,
    provider: Provider,
    reference: str,
    found: StartData,
    own_print: str,
    give_up_after: float,
) -> None:
    now = parts.database.now()
    begun = NewOperation(
        provider=provider,
        reference=reference,
        data=found,
        fingerprint=own_print,
        sealed=sealed(parts, found),
        give_up_at=now + timedelta(seconds=give_up_after),
        subject_hash=subject_hash(parts, provider, found),
    )
    with parts.database.begin() as connection:
        taken = messages.accept(connection, begun, now)
    if taken is Taken.CONFLICT:
        reason = "reference: is used already, with other data: choose another, or retry that one"
        raise Refused(reason, ["reference"], RefusalCode.REFERENCE_CONFLICT)
    log.info("start_taken", reference=reference, provider=provider, taken=taken)
    if taken is Taken.NEW:
        parts.relay.wake()
        parts.wakeups.at(provider, Wake.POLL, [now])


def fingerprint(parts: Parts, provider: Provider, found: StartData) -> str:
    """Return the keyed hash by which equal data are recognized."""
    return parts.fingerprinter.of(provider, found.kind, found.args, found.payload)


def subject_hash(parts: Parts, provider: Provider, found: StartData) -> str | None:
    """Return the keyed hash of the person that the provider's notifications name."""
    named = found.subject
    return None if named is None else parts.fingerprinter.of_subject(provider, named)


def sealed(parts: Parts, found: StartData) -> str | None:
    """Return the canonical payload, sealed under the first key."""
    return None if found.payload is None else parts.sealer.seal(dict(found.payload))
