"""The names that messages travel under: providers, queues and tasks.

Nowhere else do these strings stand: the workers take theirs from here.
"""

from enum import StrEnum
from typing import Final


class Provider(StrEnum):
    """Who is asked. The value is also the name of the provider's intake queue."""

    MONETA = "moneta"
    NPD = "npd"
    MANDARIN = "mandarin"
    INTELLECTMONEY = "intellectmoney"


#: Where messages of on-call engineers go, and `retry`, which is the marketplace's too.
OPERATIONS_QUEUE: Final = "operations"


class Task(StrEnum):
    """Every task that a worker has, those among them that only workers send."""

    MONETA_START = "tasks.moneta.start_identification"
    MONETA_POLL = "tasks.moneta.poll_async_requests"
    MONETA_SETTLE = "tasks.moneta.check_profiles"
    MONETA_CALLBACK = "tasks.moneta.receive_callback"
    NPD_START = "tasks.npd.start_identification"
    NPD_ADVANCE = "tasks.npd.advance"
    NPD_NOTIFICATION = "tasks.npd.receive_notification"
    MANDARIN_START = "tasks.mandarin.start_identification"
    MANDARIN_POLL = "tasks.mandarin.poll_statuses"
    MANDARIN_CODE = "tasks.mandarin.submit_sms_code"
    INTELLECTMONEY_INVOICES = "tasks.intellectmoney.fetch_invoices"
    INTELLECTMONEY_LIST = "tasks.intellectmoney.fetch_scheduled_operations"
    INTELLECTMONEY_SAVE = "tasks.intellectmoney.save_scheduled_operation"
    INTELLECTMONEY_POLL = "tasks.intellectmoney.poll_queued_operations"
    RETRY = "tasks.operations.retry"
    RESUME = "tasks.operations.resume"
    RESOLVE = "tasks.operations.resolve"
    CANCEL = "tasks.operations.cancel"
    SWEEP = "tasks.upkeep.sweep"
    RELAY = "tasks.upkeep.relay"
    PURGE = "tasks.upkeep.purge"


#: The result stream, unless `UPRID_EVENTS__STREAM` names another.
EVENTS_STREAM: Final = "uprid:events"
#: Bytes. A message that is larger is not read at all.
LARGEST_MESSAGE: Final = 2**20
