"""Callbacks: a provider's hint that an attempt has ended. Unauthenticated, so it only hastens."""

import structlog

from config.queues import Provider, Wake
from worker.intake.message import Message, Reading
from worker.intake.refusals import aloud
from worker.process.runtime import Runtime
from worker.store.callbacks import hasten

log = structlog.get_logger(__name__)


@aloud
def moneta(runtime: Runtime, message: Message) -> None:
    """Hasten the poll of the attempt that MONETA calls `async_id`; decide nothing."""
    runtime.plugin(Provider.MONETA)
    reading = Reading(message)
    async_id = reading.positive("async_id")
    reading.no_others()
    reading.require_sound()
    now = runtime.database.now()
    with runtime.database.begin() as connection:
        due_at = hasten(connection, Provider.MONETA, str(async_id), now)
    if due_at is None:
        log.warning("callback_unknown", provider=Provider.MONETA)
    else:
        runtime.wakes.at(Provider.MONETA, Wake.POLL, [due_at])
