"""What can be asked of each provider, as the client offers it: a class a provider.

Every method sends one message and returns its id; what is personal is sealed here. All of them
raise `NotSendable` where an argument holds what JSON has not (a `date` is taken, and goes as its
ISO text), `MessageTooLarge` where a message would be refused for its size, and `BrokerUnavailable`,
after which sending the same again is harmless.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from uprid_client.names import Provider, Task

Payload = Mapping[str, Any]


class Enqueuer(Protocol):
    """What the classes below need of the client."""

    def enqueue(self, task: str, queue: str, **arguments: object) -> str:
        """Send a task message and return its id; arguments that are None are left out."""

    def seal(self, value: object, name: str = "payload") -> str:
        """Return a token over the value's JSON; `name` is what errors call it."""


class Moneta:
    """What can be asked of MONETA."""

    def __init__(self, enqueuer: Enqueuer) -> None:
        self._client = enqueuer

    def start_identification(
        self, reference: str, unit_id: int, payload: Payload | None = None
    ) -> str:
        """Start a simplified identification.

        `payload`: `{"profile": {…}, "document": {…}}`; without it MONETA uses what it has stored
        of the unit.
        """
        return self._client.enqueue(
            Task.MONETA_START.value,
            Provider.MONETA.value,
            reference=reference,
            unit_id=unit_id,
            sealed=None if payload is None else self._client.seal(payload),
        )

    def receive_callback(self, async_id: int) -> str:
        """Pass on MONETA's callback, which only triggers an earlier poll."""
        return self._client.enqueue(
            Task.MONETA_CALLBACK.value, Provider.MONETA.value, async_id=async_id
        )


class Npd:
    """What can be asked of the API for the self-employed."""

    def __init__(self, enqueuer: Enqueuer) -> None:
        self._client = enqueuer

    def start_identification(
        self, reference: str, payload: Payload, unit_id: int | None = None
    ) -> str:
        """Start an identification.

        `payload`: `{"phone", "first_name", "last_name", "middle_name", "birth_date", "snils"?,
        "passport": {"series", "number", "issuer"?, "issued"?, "department"?}}`. `middle_name` is
        None where there is none. `unit_id`: the person's unit at MONETA, where it is known.
        """
        return self._client.enqueue(
            Task.NPD_START.value,
            Provider.NPD.value,
            reference=reference,
            unit_id=unit_id,
            sealed=self._client.seal(payload),
        )

    def receive_notification(self, notification: Payload) -> str:
        """Pass on a URL notification, all its parameters as they came."""
        return self._client.enqueue(
            Task.NPD_NOTIFICATION.value,
            Provider.NPD.value,
            sealed=self._client.seal(notification, "notification"),
        )


class Mandarin:
    """What can be asked of Mandarin."""

    def __init__(self, enqueuer: Enqueuer) -> None:
        self._client = enqueuer

    def start_identification(self, reference: str, payload: Payload) -> str:
        """Start an identification: billed, and the person gets an SMS.

        `payload`: `{"first_name", "patronymic", "last_name", "passport_series", "passport_number",
        "snils" or "inn", "phone"}`; `patronymic` is None where there is none.
        """
        return self._client.enqueue(
            Task.MANDARIN_START.value,
            Provider.MANDARIN.value,
            reference=reference,
            sealed=self._client.seal(payload),
        )

    def submit_sms_code(self, reference: str, code: str) -> str:
        """Pass on the code that the person got; the same one twice in a session counts once."""
        return self._client.enqueue(
            Task.MANDARIN_CODE.value,
            Provider.MANDARIN.value,
            reference=reference,
            sealed=self._client.seal({"sms_code": code}),
        )


#: Searches and schedules go in clear: numbers, dates and states of the shop's own, no people.
Clear = Mapping[str, Any]


class IntellectMoney:
    """What can be asked of IntellectMoney. Days may be a `date` or ISO text: `2026-01-31`."""

    def __init__(self, enqueuer: Enqueuer) -> None:
        self._client = enqueuer

    def fetch_invoices(self, reference: str, filters: Clear | None = None) -> str:
        """Fetch the payment registry, all its pages; read it by `Client.invoices`.

        `filters`: `{"eshop_id", "state", "invoice_id", "date_from", "date_to",
        "include_payment_transactions", "page_size"}`, any of them.
        """
        return self._ask(
            Task.INTELLECTMONEY_INVOICES, reference, filters={} if filters is None else filters
        )

    def fetch_scheduled_operations(self, reference: str, filters: Clear | None = None) -> str:
        """Fetch the list of scheduled operations: the event's `sealed` holds it.

        `filters`: `{"operation_id", "object_id", "state", "date_from", "date_to"}`, any of them.
        """
        return self._ask(
            Task.INTELLECTMONEY_LIST, reference, filters={} if filters is None else filters
        )

    def save_scheduled_operation(self, reference: str, operation: Clear) -> str:
        """Create a scheduled operation, or change the one that `operation_id` names.

        `operation`: `{"operation_id"?, "object_id", "object_type", "params", "repeat_plan",
        "retry_on_fail_plan"?, "retry_on_fail_count"?, "is_single"?, "fire_on_skip"?, "state"?,
        "end_exec_date"?}`.
        """
        return self._ask(Task.INTELLECTMONEY_SAVE, reference, operation=operation)

    def _ask(self, task: Task, reference: str, **what: Clear) -> str:
        given = {name: _given(values) for name, values in what.items()}
        return self._client.enqueue(
            task.value, Provider.INTELLECTMONEY.value, reference=reference, **given
        )


def _given(values: object) -> object:
    """Leave out what is None."""
    if not isinstance(values, Mapping):
        return values  # The worker refuses it by its name.
    return {name: value for name, value in values.items() if value is not None}
