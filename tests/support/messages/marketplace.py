"""The marketplace as an outsider: Celery, Fernet and redis-py by hand, nothing of ours imported."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, cast
from uuid import uuid4

import redis
from celery import Celery
from cryptography.fernet import Fernet

from tests.support.processes.child import wait_until

START: Final = "tasks.moneta.start_identification"
RETRY: Final = "tasks.operations.retry"
CALLBACK: Final = "tasks.moneta.receive_callback"
MANDARIN: Final = "tasks.mandarin.start_identification"
CODE: Final = "tasks.mandarin.submit_sms_code"
NPD: Final = "tasks.npd.start_identification"
NOTIFICATION: Final = "tasks.npd.receive_notification"
INVOICES: Final = "tasks.intellectmoney.fetch_invoices"
LIST_SCHEDULED: Final = "tasks.intellectmoney.fetch_scheduled_operations"
SAVE_SCHEDULED: Final = "tasks.intellectmoney.save_scheduled_operation"
STREAM: Final = "uprid:events"

ENDS: Final = frozenset(
    f"uprid.operation.{end}" for end in ("succeeded", "rejected", "expired", "failed", "cancelled")
)
WAITING: Final = "uprid.operation.waiting_for_person"
ACCEPTED: Final = "uprid.operation.accepted"
STARTED: Final = "uprid.operation.started"
INPUT_REQUIRED: Final = "uprid.operation.input_required"
LATE: Final = "uprid.operation.late_answer"
REFUSED: Final = "uprid.message.refused"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the stream, as it lies there."""

    stream_id: str
    fields: Mapping[str, str]

    @property
    def id(self) -> str:
        return self.fields["id"]

    @property
    def type(self) -> str:
        return self.fields["type"]

    @property
    def subject(self) -> str:
        return self.fields["subject"]

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.fields["data"])
        return data


class Marketplace:
    """Enqueues with a Celery app that knows nothing but a task's name and its queue."""

    def __init__(self, url: str, key: str) -> None:
        self._app = Celery("marketplace", broker=url, set_as_current=False)
        self._app.conf.update(task_ignore_result=True, broker_connection_retry=False)
        self._fernet = Fernet(key)
        #: The ids of all messages so far.
        self.sent: list[str] = []
        self.redis: redis.Redis = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=60
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._app.close()
        self.redis.close()

    def seal(self, value: object) -> str:
        """Return a token over UTF-8 JSON, as the contract has it."""
        return self.seal_bytes(json.dumps(value, ensure_ascii=False).encode())

    def seal_bytes(self, content: bytes) -> str:
        return self._fernet.encrypt(content).decode()

    def unseal(self, token: str) -> bytes:
        return self._fernet.decrypt(token)

    def send(
        self,
        task: str = START,
        queue: str = "moneta",
        /,
        *,
        args: Iterable[object] = (),
        message_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: object,
    ) -> str:
        """Send any message and return its id; `headers` are Celery's options, such as argsrepr."""
        message_id = message_id or str(uuid4())
        self.sent.append(message_id)
        self._app.send_task(
            task, args=tuple(args), kwargs=kwargs, queue=queue, task_id=message_id,
            **(headers or {}),
        )  # fmt: skip
        return message_id

    def start(self, reference: str, unit_id: int, payload: object = None) -> str:
        """Enqueue an identification; without a payload the unit's stored data is used."""
        sealed: dict[str, Any] = {} if payload is None else {"sealed": self.seal(payload)}
        return self.send(reference=reference, unit_id=unit_id, **sealed)

    def retry(self, reference: str, attempt: int, payload: object = None) -> str:
        """Enqueue the next attempt, with corrected data if given."""
        sealed: dict[str, Any] = {} if payload is None else {"sealed": self.seal(payload)}
        return self.send(
            RETRY, "operations",
            reference=reference, attempt=attempt, by="test", note="", **sealed,
        )  # fmt: skip

    def events(self, after: str | None = None) -> list[Event]:
        """Return the stream in its order: the whole, or what comes after a stream id."""
        first = "-" if after is None else f"({after}"
        return [
            Event(stream_id, fields)
            for stream_id, fields in cast("list[Any]", self.redis.xrange(STREAM, first))
        ]

    def of(self, reference: str) -> list[Event]:
        """Return a reference's events in the stream's order."""
        return [event for event in self.events() if event.subject == reference]

    def refusals(self) -> dict[str, list[Event]]:
        """Return the refusals by message id."""
        found = defaultdict(list)
        for event in self.events():
            if event.type == REFUSED:
                found[event.data["message_id"]].append(event)
        return found

    def told(self, types: Iterable[str]) -> dict[str, list[Event]]:
        """Return the events of some types, by reference."""
        found = defaultdict(list)
        for event in self.events():
            if event.type in types:
                found[event.subject].append(event)
        return found

    def wait_for(
        self,
        references: Iterable[str],
        types: Iterable[str] = ENDS | {WAITING},
        timeout: float = 30,
    ) -> dict[str, list[Event]]:
        """Wait until every reference has an event of one of the types; return those events."""
        wanted, types = set(references), frozenset(types)
        missing, last = set(wanted), None

        def nothing_missing() -> bool:
            nonlocal last
            for event in self.events(last):
                last = event.stream_id
                if event.type in types:
                    missing.discard(event.subject)
            return not missing

        wait_until(
            nothing_missing,
            timeout,
            lambda: f"{len(missing)} of {len(wanted)} lack one, such as {sorted(missing)[:5]}",
            interval=0.1,
        )
        return self.told(types)

    def wait_for_refusal(self, message_id: str, timeout: float = 15) -> Event:
        """Wait until a message was refused."""
        wait_until(lambda: message_id in self.refusals(), timeout, "the refusal", interval=0.05)
        return self.refusals()[message_id][0]
