"""What a marketplace needs to speak with the workers of uprid-worker."""

from uprid_client.client import Client
from uprid_client.database.invoices import Invoice, Money, Transaction
from uprid_client.errors import (
    BrokerUnavailable,
    DatabaseUnavailable,
    MessageTooLarge,
    StreamUnusable,
    Unsealable,
)
from uprid_client.events.consumer import Event
from uprid_client.names import Provider, Task
from uprid_client.plain_json import NotSendable
from uprid_client.providers import IntellectMoney, Mandarin, Moneta, Npd

__all__ = [
    "BrokerUnavailable",
    "Client",
    "DatabaseUnavailable",
    "Event",
    "IntellectMoney",
    "Invoice",
    "Mandarin",
    "MessageTooLarge",
    "Moneta",
    "Money",
    "NotSendable",
    "Npd",
    "Provider",
    "StreamUnusable",
    "Task",
    "Transaction",
    "Unsealable",
]
