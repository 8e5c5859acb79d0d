"""Notifications of a provider, which the marketplace's web address passes on as they came."""

from functools import partial

import structlog

from config.queues import Wake
from uprid_client.errors import Refused
from worker.intake.message import Message, Reading
from worker.intake.parts import Parts
from worker.intake.refusals import Taking, refusing
from worker.providers.incoming import ExpectedNotification, Notification
from worker.store import notifications
from worker.store.notifications import Notification as Kept
from worker.store.notifications import Received

log = structlog.get_logger(__name__)


def take(expected: ExpectedNotification) -> Taking:
    """Return what takes a provider's notifications, passed on as they came."""
    return refusing(partial(_take, expected))


def _take(expected: ExpectedNotification, parts: Parts, message: Message) -> None:
    """Keep a notification, sealed, and wake the operation that it names; decide nothing."""
    provider = expected.provider
    parts.plugin(provider)
    reading = Reading(message, expected.arguments)
    payload = reading.payload(parts.sealer)
    notification: Notification | None = None
    try:
        notification = None if payload is None else expected.read(payload)
    except Refused as refusal:
        reading.add_error(refusal.reason, *refusal.fields)
    reading.sound()
    if notification is None:
        return
    now = parts.database.now()
    kept = Kept(
        provider=provider,
        # Keyed: by itself it could be searched for the phone that is part of it.
        key=parts.fingerprinter.of_subject(provider, notification.key),
        provider_ref=notification.provider_ref,
        subject_hash=parts.fingerprinter.of_subject(provider, notification.subject),
        sealed=parts.sealer.seal(dict(notification.content)),
    )
    with parts.database.begin() as connection:
        received, row = notifications.receive(connection, kept, now)
        if received is Received.LATE and row is not None:
            answer = parts.sealer.seal_bytes(notification.answer)
            notifications.write_late_event(connection, row, kept, notification.end, answer, now)
    log.info("notification_heard", provider=provider, heard=received)
    if received is Received.MATCHED:
        parts.wakeups.at(provider, Wake.POLL, [now])
    if received is Received.LATE:
        parts.relay.wake()
