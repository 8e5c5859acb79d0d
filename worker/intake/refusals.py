"""Refusals: what cannot be taken is published on the stream and stored for `uprid show`."""

from collections.abc import Callable

import structlog

from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.contract.refusal_reasons import reason_of
from uprid_client.errors import Refused
from worker.domain.errors import ProviderOff
from worker.intake.message import Message
from worker.intake.parts import Parts
from worker.store import messages

log = structlog.get_logger(__name__)

Taking = Callable[[Parts, Message], None]


def refusing(taking: Taking) -> Taking:
    """Publish a function's refusals instead of raising them; other errors bring the message again.

    A message that is neither taken nor refused met an outage, and comes again.
    """

    def take(parts: Parts, message: Message) -> None:
        try:
            taking(parts, message)
        except Refused as refusal:
            refuse(parts, message, refusal)
        except ProviderOff as off:
            refuse(parts, message, Refused(str(off), code=RefusalCode.PROVIDER_OFF))

    return take


def refuse(parts: Parts, message: Message, refusal: Refused) -> None:
    """Record a message as refused and publish that, once. Raises `DatabaseUnavailable`."""
    with parts.database.begin() as connection:
        published = messages.refuse(
            connection,
            message_id=message.id[:255],
            task=message.task,
            reference=message.reference,
            fields=refusal.fields,
            reason=reason_of(refusal.code, refusal.reason),
            now=parts.database.now(),
        )
    if published:
        log.warning(
            "message_refused",
            task_id=message.id,
            task=message.task,
            code=refusal.code.value,
            fields=list(refusal.fields),
        )
        parts.relay.wake()
