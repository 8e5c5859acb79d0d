"""Start messages: an operation is stored once, however often its message comes."""

from datetime import timedelta

import structlog

from config.queues import Provider, Wake
from worker.errors import Refused
from worker.intake.message import Message, Reading
from worker.intake.refusals import Taking, aloud
from worker.operations.store import intake as store
from worker.operations.store.intake import Start, Taken
from worker.providers.base import Intake
from worker.runtime import Runtime

log = structlog.get_logger(__name__)


def start(provider: Provider, kind: str) -> Taking:
    """Return what takes the start messages of one kind of operation."""

    def take(runtime: Runtime, message: Message) -> None:
        plugin = runtime.plugin(provider)
        reading = Reading(message)
        reference = reading.reference()
        payload = reading.payload(runtime.sealer)
        found: Intake | None = None
        try:
            found = plugin.accept(kind, reading.others(), payload)
        except Refused as refusal:
            reading.fault(refusal.reason, *refusal.fields)
        reading.require_sound()
        if found is not None:
            _store(runtime, provider, reference, found, plugin.give_up_after(kind))

    return aloud(take)


def _store(
    runtime: Runtime, provider: Provider, reference: str, found: Intake, give_up_after: float
) -> None:
    now = runtime.database.now()
    begun = Start(
        provider=provider,
        reference=reference,
        intake=found,
        fingerprint=fingerprint(runtime, provider, found),
        sealed=sealed(runtime, found),
        give_up_at=now + timedelta(seconds=give_up_after),
        party=party(runtime, provider, found),
    )
    with runtime.database.begin() as connection:
        taken = store.accept(connection, begun, now)
    if taken is Taken.CONFLICT:
        reason = "reference: is used already, with other data: choose another, or retry that one"
        raise Refused(reason, ["reference"])
    log.info("start_taken", reference=reference, provider=provider, taken=taken)
    if taken is Taken.NEW:
        runtime.relay.wake()
        runtime.wakes.at(provider, Wake.POLL, [now])


def fingerprint(runtime: Runtime, provider: Provider, found: Intake) -> str:
    """Return what tells the same data from other data."""
    return runtime.fingerprinter.of(provider, found.kind, found.args, found.payload)


def party(runtime: Runtime, provider: Provider, found: Intake) -> str | None:
    """Return what tells whom the provider's notifications speak of."""
    named = found.party
    return None if named is None else runtime.fingerprinter.of_party(provider, named)


def sealed(runtime: Runtime, found: Intake) -> str | None:
    """Return the canonical payload, sealed under the first key."""
    return None if found.payload is None else runtime.sealer.seal(dict(found.payload))
