"""Threads of a worker process that do one small thing again and again, and do not die of it."""

import threading
from collections.abc import Callable

import structlog

from uprid_client.errors import UpridError
from worker.repeated import Repeated

log = structlog.get_logger(__name__)


class Repeating:
    """Runs `action` every `every` seconds, or at once when it is nudged, until it is stopped."""

    def __init__(self, name: str, every: float, action: Callable[[], object]) -> None:
        self._name = name
        self._every = every
        self._action = action
        self._pause = every
        self._failures = Repeated()
        self._nudged = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def nudge(self) -> None:
        """Have the next round begin at once. Returns at once."""
        self._nudged.set()

    def nudge_in(self, seconds: float) -> None:
        """Have the next round begin sooner than planned. Only from within a round."""
        self._pause = seconds

    def stop(self, patience: float = 5.0) -> None:
        """End after the round that is running, and wait for it a while."""
        self._stopping.set()
        self._nudged.set()
        if self._thread.ident is not None:
            self._thread.join(patience)

    @property
    def stopping(self) -> bool:
        """Whether a long round should end early."""
        return self._stopping.is_set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._nudged.clear()
            self._pause = self._every
            try:
                self._action()
            except UpridError as error:
                if self._failures.is_news(str(error)):
                    log.warning("round_failed", thread=self._name, error=str(error))
            except Exception:  # a thread that dies of one bad round is missed only days later
                log.exception("round_failed", thread=self._name)
            self._nudged.wait(self._pause)
