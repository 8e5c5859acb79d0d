"""The marketplace's client: enqueues, seals, and reads the result stream.

Needs the broker's address and the sealing keys, and none of the worker's settings.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from celery import Celery
from kombu.exceptions import OperationalError
from redis import RedisError

from config.celery import configuration
from config.queues import OPERATIONS_QUEUE, Provider, Task
from config.settings import EngineSettings, EventSettings
from worker.answers import sealed_answer
from worker.celery_masking import MaskedAMQP
from worker.errors import BrokerUnavailable
from worker.events.consumer import Consumer, Event
from worker.privacy.sealing import Sealer

__all__ = ["Client", "Event", "Moneta"]

_VISIBILITY_TIMEOUT: Final[timedelta] = EngineSettings.model_fields["visibility_timeout"].default
_STREAM: Final[str] = EventSettings.model_fields["stream"].default

Payload = Mapping[str, Any]


class Client:
    """A connection to the workers. Safe to share between threads; make it after a fork.

    `visibility_timeout` must be what the workers have (`UPRID_ENGINE__VISIBILITY_TIMEOUT`), or
    messages that wait are handed out twice. `events_redis_url` is only for a stream on a server of
    its own, `database_url` only for `answer`.
    """

    def __init__(
        self,
        redis_url: str,
        seal_keys: Sequence[str],
        *,
        visibility_timeout: timedelta = _VISIBILITY_TIMEOUT,
        events_stream: str = _STREAM,
        events_redis_url: str | None = None,
        database_url: str | None = None,
    ) -> None:
        self._sealer = Sealer(seal_keys)
        self._stream = events_stream
        self._events_url = events_redis_url or redis_url
        self._database_url = database_url
        # Not the current app: the marketplace has a Celery of its own.
        self._app = Celery("uprid-client", amqp=MaskedAMQP, set_as_current=False)
        self._app.conf.update(configuration(redis_url, visibility_timeout))
        self.moneta = Moneta(self)

    def enqueue(self, task: str, queue: str, **arguments: object) -> str:
        """Send a task message and return its id; arguments that are None are left out.

        Personal data may only go in sealed (`seal`). Raises `BrokerUnavailable`: whether it was
        taken is not known then, and sending the same again is harmless.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            sent = self._app.send_task(task, kwargs=given, queue=queue)
        except (OperationalError, RedisError) as error:
            raise BrokerUnavailable(type(error).__name__) from None
        return str(sent.id)

    def retry(
        self, reference: str, attempt: int, by: str, note: str, payload: Payload | None = None
    ) -> str:
        """Ask for the next attempt after `attempt`, with corrected data if given."""
        sealed = None if payload is None else self.seal(payload)
        return self._act(Task.RETRY, reference, attempt, by, note, sealed=sealed)

    def resume(
        self, reference: str, attempt: int, by: str, note: str, provider_ref: str | None = None
    ) -> str:
        """Ask that a waiting attempt goes on, with the provider's id where its reply was lost."""
        return self._act(Task.RESUME, reference, attempt, by, note, provider_ref=provider_ref)

    def resolve(self, reference: str, attempt: int, verdict: str, by: str, note: str) -> str:
        """Ask that a waiting attempt ends as `verdict`, the name of a terminal state."""
        return self._act(Task.RESOLVE, reference, attempt, by, note, verdict=verdict)

    def cancel(self, reference: str, attempt: int, by: str, note: str) -> str:
        """Ask that a live attempt is called off."""
        return self._act(Task.CANCEL, reference, attempt, by, note)

    def seal(self, value: object) -> str:
        """Return a token over the value's JSON, for an argument `sealed`."""
        return self._sealer.seal(value)

    def open(self, token: str) -> Any:  # noqa: ANN401 - whatever JSON was sealed
        """Return the JSON value that was sealed; raise `Unsealable` where it does not open."""
        return self._sealer.open(token)

    def events(
        self,
        group: str,
        consumer: str,
        *,
        block: float = 5.0,
        count: int = 100,
        claim_after: float = 60.0,
        quiet: float | None = None,
    ) -> Iterator[Event]:
        """Iterate over the stream as a member of a consumer group; times in seconds.

        An event is acknowledged when the next one is asked for, so one whose loop body raised is
        delivered again. A new group begins with the oldest event that there is. What a consumer
        has held for `claim_after` goes to another. Ends after `quiet` without an event (looked at
        every `block`); never, where that is None. Raises `BrokerUnavailable`; iterate again then.
        """
        reader = Consumer(self._events_url, self._stream, group, consumer, self._sealer)
        return reader.read(block=block, count=count, claim_after=claim_after, quiet=quiet)

    def answer(self, operation_id: str, attempt: int) -> bytes | None:
        """Return the provider's whole answer from the database, also where no event carried it.

        None: no answer, or past its retention. Raises ValueError without a `database_url`,
        `DatabaseUnavailable` and `Unsealable`.
        """
        if self._database_url is None:
            message = "give the client a database_url to read answers"
            raise ValueError(message)
        token = sealed_answer(self._database_url, operation_id, attempt)
        return None if token is None else self._sealer.open_bytes(token)

    def _act(
        self, task: Task, reference: str, attempt: int, by: str, note: str, **more: object
    ) -> str:
        acted = {"reference": reference, "attempt": attempt, "by": by, "note": note}
        return self.enqueue(task.value, OPERATIONS_QUEUE, **acted, **more)

    def close(self) -> None:
        """Close the connections."""
        self._app.close()


class Moneta:
    """What can be asked of MONETA."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def start_identification(
        self, reference: str, unit_id: int, payload: Payload | None = None
    ) -> str:
        """Start a simplified identification; return the message's id.

        `payload`: `{"profile": {…}, "document": {…}}`; without it MONETA uses what it has stored
        of the unit. It is sealed here.
        """
        return self._client.enqueue(
            Task.MONETA_START.value,
            Provider.MONETA.value,
            reference=reference,
            unit_id=unit_id,
            sealed=None if payload is None else self._client.seal(payload),
        )

    def receive_callback(self, async_id: int) -> str:
        """Pass on MONETA's callback: it hastens a poll, and decides nothing."""
        return self._client.enqueue(
            Task.MONETA_CALLBACK.value, Provider.MONETA.value, async_id=async_id
        )
