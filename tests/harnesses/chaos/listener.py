"""Reads the stream during all faults, as a member of a consumer group."""

from collections.abc import Callable
from typing import Final

from tests.harnesses.chaos.background import Background
from tests.harnesses.chaos.received_events import ReceivedEvents, published
from uprid_client import Client
from uprid_client.errors import BrokerUnavailable

#: Seconds before the next try to read a stream that could not be read.
_AGAIN: Final = 0.3
#: Seconds without an event after which the reader checks whether it should stop.
_QUIET: Final = 1.0


class Listener(Background):
    """A thread that reads the stream, used as a context manager."""

    def __init__(self, client: Callable[[], Client], received: ReceivedEvents) -> None:
        super().__init__("listener")
        self._client = client
        self._received = received
        #: How often reading failed.
        self.interruptions = 0
        #: The error that ended the thread. Nothing may end it.
        self.died_of: Exception | None = None

    def _live(self) -> None:
        client = self._client()
        try:
            while not self._stopping.is_set():
                self._read(client)
        except Exception as error:  # noqa: BLE001 - the report names it
            self.died_of = error
        finally:
            client.close()

    def _read(self, client: Client) -> None:
        try:
            for event in client.events("chaos", "listener", block=_QUIET, quiet=_QUIET):
                self._received.add(published(event))
                if self._stopping.is_set():
                    return
        except BrokerUnavailable:
            self.interruptions += 1
            self._stopping.wait(_AGAIN)
