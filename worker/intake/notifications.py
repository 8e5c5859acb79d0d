"""Notifications: what the marketplace's web address got from a provider, passed on as it came."""

from functools import partial

import structlog

from config.queues import Wake
from worker.domain.errors import Refused
from worker.intake.message import Message, Reading
from worker.intake.refusals import Taking, aloud
from worker.process.runtime import Runtime
from worker.providers.incoming import ExpectedNotification, Notification
from worker.store import notifications
from worker.store.notifications import Heard
from worker.store.notifications import Notification as Kept

log = structlog.get_logger(__name__)


def take(expected: ExpectedNotification) -> Taking:
    """Return what takes a provider's notifications, passed on as they came."""
    return aloud(partial(_take, expected))


def _take(expected: ExpectedNotification, runtime: Runtime, message: Message) -> None:
    """Keep a notification, sealed, and wake the operation that it names; decide nothing."""
    provider = expected.provider
    runtime.plugin(provider)
    reading = Reading(message, expected.arguments)
    payload = reading.payload(runtime.sealer)
    said: Notification | None = None
    try:
        said = None if payload is None else expected.read(payload)
    except Refused as refusal:
        reading.fault(refusal.reason, *refusal.fields)
    reading.sound()
    if said is None:
        return
    now = runtime.database.now()
    kept = Kept(
        provider=provider,
        # Keyed: by itself it could be searched for the phone that is part of it.
        key=runtime.fingerprinter.of_party(provider, said.key),
        provider_ref=said.provider_ref,
        party=runtime.fingerprinter.of_party(provider, said.subject),
        sealed=runtime.sealer.seal(dict(said.content)),
    )
    with runtime.database.begin() as connection:
        heard, row = notifications.receive(connection, kept, now)
        if heard is Heard.LATE and row is not None:
            answer = runtime.sealer.seal_bytes(said.answer)
            notifications.tell_late(connection, row, kept, said.end, answer, now)
    log.info("notification_heard", provider=provider, heard=heard)
    if heard is Heard.MATCHED:
        runtime.wakeups.at(provider, Wake.POLL, [now])
    if heard is Heard.LATE:
        runtime.relay.wake()
