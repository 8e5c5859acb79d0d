"""Callbacks: a provider's hint that an attempt has ended. Unauthenticated, so it only hastens."""

import structlog

from config.queues import Provider, Wake
from uprid_client.contract.moneta import ReceiveCallback
from worker.intake.message import Message, Reading
from worker.intake.refusals import aloud
from worker.process.runtime import Runtime
from worker.store.callbacks import hasten

log = structlog.get_logger(__name__)


@aloud
def moneta(runtime: Runtime, message: Message) -> None:
    """Hasten the poll of the attempt that MONETA calls `async_id`; decide nothing."""
    runtime.plugin(Provider.MONETA)
    async_id = Reading(message, ReceiveCallback).sound().async_id
    now = runtime.database.now()
    with runtime.database.begin() as connection:
        due_at = hasten(connection, Provider.MONETA, str(async_id), now)
    if due_at is None:
        log.warning("callback_unknown", provider=Provider.MONETA)
    else:
        runtime.wakes.at(Provider.MONETA, Wake.POLL, [due_at])
