"""The marketplace's client: enqueues, seals, and reads the result stream.

Needs the broker's address and the sealing keys, and none of the worker's settings.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from uprid_client.database.address import check_database_url
from uprid_client.database.answers import sealed_answer
from uprid_client.database.invoices import Choice, Invoice, stored_invoices
from uprid_client.events.consumer import Consumer, Event
from uprid_client.message import Message
from uprid_client.message_size import require_sendable
from uprid_client.names import EVENTS_STREAM, OPERATIONS_QUEUE, Task
from uprid_client.plain_json import plain_json
from uprid_client.providers import IntellectMoney, Mandarin, Moneta, Npd, Payload
from uprid_client.redis_server.reading import parse
from uprid_client.sealing import Sealer
from uprid_client.sender import Sender


class Client:
    """A connection to the workers. Safe to share between threads; make it after a fork.

    `events_redis_url` is only for a stream on a server of its own, `database_url` only for `answer`
    and `invoices`. Raises ValueError for an address or a key that cannot be used, without a part of
    it in its text.
    """

    def __init__(
        self,
        redis_url: str,
        seal_keys: Sequence[str],
        *,
        events_stream: str = EVENTS_STREAM,
        events_redis_url: str | None = None,
        database_url: str | None = None,
    ) -> None:
        for name, url in (("redis_url", redis_url), ("events_redis_url", events_redis_url)):
            if url is not None or name == "redis_url":
                parse(_text(url, name), name)
        self._sealer = _sealer(seal_keys)
        self._stream = events_stream
        self._events_url = events_redis_url or redis_url
        self._database_url = _checked(database_url)
        self._sender = Sender(redis_url)
        self.moneta = Moneta(self)
        self.npd = Npd(self)
        self.mandarin = Mandarin(self)
        self.intellectmoney = IntellectMoney(self)

    def enqueue(self, task: str, queue: str, **arguments: object) -> str:
        """Send a task message and return its id; arguments that are None are left out.

        Personal data may only go in sealed (`seal`). Dates, UUIDs and enums go as their text.
        Raises `NotSendable`, which names what no message can carry, and `MessageTooLarge` (a
        message takes 1 MiB): nothing was sent then. Raises `BrokerUnavailable`: whether it was
        taken is not known then, and sending the same again is harmless.
        """
        given = {
            name: plain_json(value, name) for name, value in arguments.items() if value is not None
        }
        require_sendable(given)
        message = Message(str(uuid4()), task, queue, given)
        self._sender.send(message)
        return message.id

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
        """Ask that a live attempt is cancelled."""
        return self._act(Task.CANCEL, reference, attempt, by, note)

    def seal(self, value: object, name: str = "payload") -> str:
        """Return a token over the value's JSON, for an argument `sealed`.

        Dates, UUIDs and enums go as their text. Raises `NotSendable` for what JSON has not; the
        places that it names begin with `name`.
        """
        return self._sealer.seal(plain_json(value, name))

    def open(self, token: str) -> Any:  # noqa: ANN401 - any JSON may be sealed
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
        every `block`); never, where that is None. An entry that is no event of ours is skipped.
        Raises `BrokerUnavailable`; iterate again then. Raises `StreamUnusable` where the stream's
        key holds something else: a person has to look.
        """
        reader = Consumer(self._events_url, self._stream, group, consumer, self._sealer)
        return reader.read(block=block, count=count, claim_after=claim_after, quiet=quiet)

    def answer(self, operation_id: str, attempt: int) -> bytes | None:
        """Return the provider's whole answer from the database, also where no event carried it.

        None: no answer, or past its retention. Raises ValueError without a `database_url`,
        `DatabaseUnavailable` and `Unsealable`.
        """
        ciphertext = sealed_answer(self._database(), operation_id, attempt)
        return None if ciphertext is None else self._sealer.open_bytes(ciphertext)

    def invoices(
        self,
        reference: str | None = None,
        *,
        attempt: int | None = None,
        since: datetime | None = None,
        personal: bool = True,
    ) -> Iterator[Invoice]:
        """Iterate over the stored invoices by id, with their transactions.

        All of them; or those that the operation `reference` fetched in an attempt, the current one
        if none is named; or those that were seen in a registry `since` a time. `personal`: what is
        personal is opened too. Raises ValueError without a `database_url`, for an attempt of
        nothing and a time without a zone; when iterated, `DatabaseUnavailable` and `Unsealable`.
        """
        if attempt is not None and reference is None:
            message = "attempt goes with a reference only"
            raise ValueError(message)
        if since is not None and since.tzinfo is None:
            message = "since must have a zone"
            raise ValueError(message)
        choice = Choice(reference, attempt, since)
        return stored_invoices(self._database(), choice, self.open if personal else None)

    def _database(self) -> str:
        if self._database_url is None:
            message = "give the client a database_url to read from"
            raise ValueError(message)
        return self._database_url

    def _act(
        self, task: Task, reference: str, attempt: int, by: str, note: str, **more: object
    ) -> str:
        acted = {"reference": reference, "attempt": attempt, "by": by, "note": note}
        return self.enqueue(task.value, OPERATIONS_QUEUE, **acted, **more)

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()


def _sealer(keys: Sequence[str]) -> Sealer:
    try:
        # One key may be given as it is: as a list it would be its letters.
        return Sealer([keys] if isinstance(keys, str) else keys)
    except ValueError:
        message = "seal_keys: must be Fernet keys, as `uprid keys generate` prints them"
    # Outside of the `except`: no refusal has another one behind it.
    raise ValueError(message)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        message = f"{name}: must be a text, such as redis://127.0.0.1:6379/0"
        raise ValueError(message)  # noqa: TRY004 - as every other address that is none
    return value


def _checked(database_url: str | None) -> str | None:
    if database_url is None:
        return None
    try:
        return check_database_url(database_url, writes=False)
    except ValueError as error:
        message = f"database_url: {error}"
        raise ValueError(message) from None
