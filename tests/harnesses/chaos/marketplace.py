"""The marketplace: sends messages until they are accepted, types codes, passes notifications on."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.harnesses.chaos.background import Background
from tests.harnesses.chaos.cases import Case
from tests.harnesses.chaos.received_events import PublishedEvent, ReceivedEvents
from tests.support.messages.marketplace import INPUT_REQUIRED, WAITING
from uprid_client import Client
from uprid_client.errors import BrokerUnavailable

#: Seconds before a message without effect is sent again. They double each time, as otherwise the
#: repetitions would take all of the workers' time.
_AGAIN: Final = 5.0
_AGAIN_AT_MOST: Final = 40.0
#: Seconds before a code without effect is typed again.
_TYPED_AGAIN: Final = 12.0
#: Seconds between two checks of what to do.
_TICK: Final = 0.1
#: How often NPD sends each of its notifications.
_TIMES: Final = 2
#: Attempts of one operation at most.
_ATTEMPTS: Final = 2

Letter = Mapping[str, Any]


@dataclass(slots=True)
class Open:
    """An operation that is not over."""

    case: Case
    #: What was sent for it last, and when (monotonic).
    about: str = ""
    sent_at: float = 0.0
    times: int = 0
    #: Codes typed, by the event that asked for them.
    asked: list[str] = field(default_factory=list)


class Marketplace(Background):
    """A thread that does what the contract asks of a marketplace, used as a context manager."""

    def __init__(
        self,
        client: Callable[[], Client],
        cases: Iterator[Case],
        rate: float,
        received: ReceivedEvents,
        letters: Callable[[], list[Letter]],
    ) -> None:
        super().__init__("marketplace")
        self._client = client
        self._cases = cases
        self._rate = rate
        self._received = received
        self._letters = letters
        self._posted: list[tuple[float, int, Letter]] = []
        self._open: dict[str, Open] = {}
        self._ordering = threading.Event()
        self._ordering.set()
        #: Every operation that was ever enqueued.
        self.sent: dict[str, Case] = {}
        #: Messages sent, with repetitions, and messages that the broker did not take.
        self.messages = 0
        self.refused = 0
        self.died_of: Exception | None = None

    def stop_ordering(self) -> None:
        """Enqueue no new operations. Those that are open are followed to their end."""
        self._ordering.clear()

    @property
    def open(self) -> int:
        """The number of operations that are not over."""
        return len(self._open)

    def open_references(self) -> list[str]:
        """Return the references of the operations that are not over."""
        return list(self._open)

    def _live(self) -> None:
        client = self._client()
        began = time.monotonic()
        try:
            while not self._stopping.wait(_TICK):
                try:
                    self._order(client, time.monotonic() - began)
                    self._tend(client)
                    self._pass_on(client)
                except BrokerUnavailable:
                    self.refused += 1
        except Exception as error:  # noqa: BLE001 - the report names it
            self.died_of = error
        finally:
            client.close()

    def _order(self, client: Client, elapsed: float) -> None:
        while self._ordering.is_set() and len(self.sent) < elapsed * self._rate:
            case = next(self._cases)
            self.sent[case.reference] = case
            self._open[case.reference] = Open(case)
            self._send(client, self._open[case.reference], "start", case.send)

    def _tend(self, client: Client) -> None:
        for reference, one in tuple(self._open.items()):
            last = self._received.last_of(reference)
            if last is None:
                self._send(client, one, "start", one.case.send)
            elif last.type == INPUT_REQUIRED and one.case.codes:
                self._type(client, one, last)
            elif self._is_to_be_retried(one, last):
                self._retry(client, one, last.attempt)
            elif self._received.is_over(reference):
                del self._open[reference]

    def _type(self, client: Client, one: Open, asking: PublishedEvent) -> None:
        if asking.id not in one.asked:
            one.asked.append(asking.id)
        code = one.case.codes[min(len(one.asked), len(one.case.codes)) - 1]
        self._send(
            client,
            one,
            f"code for {asking.id}",
            lambda client: client.mandarin.submit_sms_code(one.case.reference, code),
            again=_TYPED_AGAIN,
        )

    @staticmethod
    def _is_to_be_retried(one: Open, last: PublishedEvent) -> bool:
        return one.case.is_retried and last.type == WAITING and last.attempt < _ATTEMPTS

    def _retry(self, client: Client, one: Open, attempt: int) -> None:
        self._send(
            client,
            one,
            f"retry of {attempt}",
            lambda client: client.retry(one.case.reference, attempt, "chaos", "once more"),
        )

    def _pass_on(self, client: Client) -> None:
        now = time.monotonic()
        self._posted += [(now, _TIMES, letter) for letter in self._letters()]
        due = [each for each in self._posted if each[0] <= now]
        for each in due:
            _, times, letter = each
            self.messages += 1
            client.npd.receive_notification(letter)
            self._posted.remove(each)
            if times > 1:
                self._posted.append((now + _AGAIN, times - 1, letter))

    def _send(
        self,
        client: Client,
        one: Open,
        about: str,
        send: Callable[[Client], object],
        again: float = _AGAIN,
    ) -> None:
        """Send a message, unless the same one was sent recently."""
        now = time.monotonic()
        if one.about != about:
            one.about, one.times = about, 0
        elif now - one.sent_at < min(again * 2 ** (one.times - 1), _AGAIN_AT_MOST):
            return
        one.sent_at = now
        one.times += 1
        self.messages += 1
        send(client)
