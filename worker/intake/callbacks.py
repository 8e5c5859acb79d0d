"""Callbacks: hints that an attempt has ended. Unauthenticated: they only trigger a poll."""

from functools import partial

import structlog

from config.queues import Wake
from worker.intake.message import Message, Reading
from worker.intake.parts import Parts
from worker.intake.refusals import Taking, refusing
from worker.providers.incoming import ExpectedCallback
from worker.store.callbacks import hasten

log = structlog.get_logger(__name__)


def take(expected: ExpectedCallback) -> Taking:
    """Return what takes a provider's callbacks: each triggers an earlier poll, and no more."""
    return refusing(partial(_take, expected))


def _take(expected: ExpectedCallback, parts: Parts, message: Message) -> None:
    """Trigger an earlier poll of the attempt with this provider's id; decide nothing."""
    provider = expected.provider
    parts.plugin(provider)
    arguments = Reading(message, expected.arguments).sound()
    provider_ref = str(getattr(arguments, expected.argument))
    now = parts.database.now()
    with parts.database.begin() as connection:
        due_at = hasten(connection, provider, provider_ref, now)
    if due_at is None:
        log.warning("callback_unknown", provider=provider)
    else:
        parts.wakeups.at(provider, Wake.POLL, [due_at])
