"""Notifications: what the marketplace's web address got from a provider, passed on as it came."""

from typing import Final

import structlog

from config.queues import Provider, Wake
from uprid_client.contract.npd import ReceiveNotification
from worker.domain.errors import Refused
from worker.domain.states import State
from worker.intake.message import Message, Reading
from worker.intake.refusals import aloud
from worker.process.runtime import Runtime
from worker.providers.npd.notification import Notification, read_notification, whole
from worker.store import notifications
from worker.store.notifications import Heard
from worker.store.notifications import Notification as Kept

log = structlog.get_logger(__name__)

_WOULD_BE: Final = {"SUCCESS": State.SUCCEEDED, "EXPIRED": State.EXPIRED}


@aloud
def npd(runtime: Runtime, message: Message) -> None:
    """Keep a notification, sealed, and wake the operation that it names; decide nothing."""
    runtime.plugin(Provider.NPD)
    reading = Reading(message, ReceiveNotification)
    payload = reading.payload(runtime.sealer)
    said: Notification | None = None
    try:
        said = None if payload is None else read_notification(payload)
    except Refused as refusal:
        reading.fault(refusal.reason, *refusal.fields)
    reading.sound()
    if said is None:
        return
    now = runtime.database.now()
    kept = Kept(
        provider=Provider.NPD,
        # Keyed: by itself it could be searched for the phone that is part of it.
        key=runtime.fingerprinter.of_party(Provider.NPD, said.key),
        provider_ref=said.provider_ref,
        party=runtime.fingerprinter.of_party(Provider.NPD, said.party),
        sealed=runtime.sealer.seal(dict(said.content)),
    )
    with runtime.database.begin() as connection:
        heard, row = notifications.receive(connection, kept, now)
        if heard is Heard.LATE and row is not None:
            answer = runtime.sealer.seal_bytes(whole(said.content))
            notifications.tell_late(
                connection, row, kept, _WOULD_BE[said.content["status"]], answer, now
            )
    log.info("notification_heard", provider=Provider.NPD, heard=heard)
    if heard is Heard.MATCHED:
        runtime.wakes.at(Provider.NPD, Wake.POLL, [now])
    if heard is Heard.LATE:
        runtime.relay.wake()
