"""Writes refusals in a thread beside the consumer, which must not wait for the database."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Full, Queue
from typing import Final

import structlog

from uprid_client.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

#: Refusals that wait at a time. Their messages are still the broker's, and count among those that a
#: worker takes at once: there are hardly ever more than its threads.
_MOST: Final = 1_000
#: Seconds between two tries while the database is away.
_AGAIN: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Refusal:
    write: Callable[[], object]
    written: Callable[[], object]


class Refusing:
    """One thread that writes refusals, as long as it takes, and then has the message forgotten.

    A message whose refusal is not written when the process ends comes again.
    """

    def __init__(self) -> None:
        self._waiting: Queue[_Refusal] = Queue(_MOST)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, write: Callable[[], object], written: Callable[[], object]) -> None:
        """Have `write` done in the thread, and `written` after it. Returns at once."""
        try:
            self._waiting.put_nowait(_Refusal(write, written))
        except Full:
            # It stays unacknowledged, and comes again after the visibility timeout.
            log.warning("refusal_waits_with_the_broker")
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="refusing", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._write(self._waiting.get())

    def _write(self, refusal: _Refusal) -> None:
        pause = threading.Event()
        away = False
        while True:
            try:
                refusal.write()
            except DatabaseUnavailable as error:
                if not away:
                    log.warning("refusal_waits", error=str(error))
                away = True
                pause.wait(_AGAIN)
                continue
            except Exception:
                # Trying again would not help. The facts are in the log.
                log.exception("refusal_failed")
            break
        refusal.written()
