"""Sends messages as a marketplace does, through the client."""

from typing import Final, assert_never

from uprid_client import Client
from worker.local.demo.cases.messages import (
    FetchInvoices,
    HandCode,
    IdentifyByCode,
    IdentifySelfEmployed,
    IdentifyUnit,
    Message,
    NextAttempt,
    SaveScheduled,
)
from worker.local.demo.side import Side

_BY: Final = "demo"


def send(
    client: Client, side: Side, reference: str, message: Message, what: str, attempt: int = 1
) -> None:
    """Send a message about an operation; `what` and `attempt` go with what an attempt is given."""
    match message:
        case IdentifyUnit(unit_id, payload):
            client.moneta.start_identification(reference, side.unit(unit_id), payload)
        case IdentifyByCode(payload):
            client.mandarin.start_identification(reference, payload)
        case HandCode(code):
            client.mandarin.submit_sms_code(reference, code)
        case IdentifySelfEmployed(payload):
            client.npd.start_identification(reference, payload)
        case FetchInvoices(filters):
            client.intellectmoney.fetch_invoices(reference, filters)
        case SaveScheduled(operation):
            client.intellectmoney.save_scheduled_operation(reference, operation)
        case NextAttempt(payload):
            client.retry(reference, attempt, _BY, what, payload)
        case _:
            assert_never(message)
