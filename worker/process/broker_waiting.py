"""Waiting for a broker that refuses: with pauses, and one log line.

Celery connects again at once, and after a refusal that is no lost connection the next one follows
within a hundredth of a second: READONLY in a fail-over, a missing right, a full memory.
"""

import logging
import time
from typing import Final

import structlog
from celery.worker import state as worker_state
from celery.worker.consumer import Consumer
from redis.exceptions import ResponseError

from uprid_client.redis_server.refusals import explained
from worker.repeated import Repeated

log = structlog.get_logger(__name__)

#: Seconds. A fail-over is over within a few, and a stop is heeded at once.
_PAUSES: Final = (0.5, 1.0, 2.0, 5.0)
_LOOK_EVERY: Final = 0.1
#: Seconds without a refusal after which the next one is a new one.
_OVER_AFTER: Final = 60.0
_CANNOT_CONNECT: Final = "consumer: Cannot connect"
_CONNECTED: Final = "Connected to"


class _Refusals:
    """The refusals of this process's broker, one after the other."""

    def __init__(self) -> None:
        self._repeated = Repeated()
        self._in_a_row = 0
        self._last_at = float("-inf")

    def report(self, error: BaseException) -> None:
        """Log a lost connection or a refusal, each kind once in a while."""
        why = explained(error)
        if self._repeated.is_news(why):
            log.warning("broker_lost", error=type(error).__name__, why=why)

    def pause(self, error: BaseException) -> None:
        """Wait a moment after a server's refusal; a lost connection is Celery's to wait for."""
        if not isinstance(error, ResponseError):
            return
        now = time.monotonic()
        self._in_a_row = self._in_a_row + 1 if now - self._last_at < _OVER_AFTER else 0
        ends = now + _PAUSES[min(self._in_a_row, len(_PAUSES) - 1)]
        while time.monotonic() < ends and not _is_stopping():
            time.sleep(_LOOK_EVERY)
        self._last_at = time.monotonic()

    def lines(self, record: logging.LogRecord) -> bool:
        """Put what is to be done into Celery's own line; leave out that it connects in between."""
        if str(record.msg).startswith(_CANNOT_CONNECT) and isinstance(record.args, tuple):
            address, error, then = record.args
            why = explained(error) if isinstance(error, BaseException) else str(error)
            record.msg = f"{_CANNOT_CONNECT} to %s: %s. %s"
            record.args = (address, why, str(then).strip())
        refused_lately = time.monotonic() - self._last_at < _OVER_AFTER
        return not (refused_lately and str(record.msg).startswith(_CONNECTED))


_REFUSALS: Final = _Refusals()


class PatientConsumer(Consumer):  # type: ignore[misc]
    """Celery's consumer, which also logs why a connection failed and pauses."""

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Say why no connection came about."""
        _REFUSALS.report(exc)
        _REFUSALS.pause(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Say why a connection is given up; Celery then makes a new one."""
        _REFUSALS.report(exc)
        try:
            super().on_connection_error_after_connected(exc)
        finally:
            _REFUSALS.pause(exc)


def quieten() -> None:
    """Have Celery's lines of its connection say what is to be done, once."""
    for name in ("celery.worker.consumer.consumer", "celery.worker.consumer.connection"):
        logger = logging.getLogger(name)
        if _REFUSALS.lines not in logger.filters:
            logger.addFilter(_REFUSALS.lines)


def _is_stopping() -> bool:
    return worker_state.should_stop is not None or worker_state.should_terminate is not None
