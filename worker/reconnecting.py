"""The consumer of a worker process: it outlives the broker's end."""

from typing import Any

import structlog
from celery.worker.consumer import Consumer

log = structlog.get_logger(__name__)


class ReconnectingConsumer(Consumer):  # type: ignore[misc]
    """Celery's consumer, but for one way to die with the broker."""

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Drop the connection that was lost; Celery then makes a new one, however long it takes."""
        log.warning("broker_lost", error=type(exc).__name__)
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError:
            # Closing puts messages back that wait here for their countdown. With the server gone
            # that fails, kombu 5.7.0 is left half closed, and Celery's second closing ends in this
            # error, which would end the process. The messages need no rescue: the broker keeps
            # them, and what it lost the sweep finds.
            lost: Any = self.connection
            if lost is not None:
                raise
