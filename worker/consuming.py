"""The consumer of a worker process: neither the broker's end nor a malformed message ends it."""

import logging
import time
import warnings
from collections.abc import Callable
from typing import Any, Final

import structlog
from celery.exceptions import CPendingDeprecationWarning

from worker import runtime
from worker.broker_waiting import PatientConsumer
from worker.errors import DatabaseUnavailable
from worker.intake.unknown import refuse_unknown

log = structlog.get_logger(__name__)

#: What Celery stumbles over in a message that is not as its protocol has it: no id, a body that is
#: no list of three, a list in the place of a name.
_MALFORMED: Final = (TypeError, ValueError, LookupError, AttributeError)
_TOLD_OF_A_SETTING: Final = r"\s*In Celery 5.1 we introduced"
#: Seconds before a message comes again that nobody could be told of: the database is away.
_BREATH: Final = 1.0
#: Kombu takes one of these.
_LOGGER: Final = logging.getLogger(__name__)


class SturdyConsumer(PatientConsumer):
    """Celery's consumer, but for three ways to die and one to keep silent."""

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        """Return what is called with every message."""
        handle: Callable[[Any], Any] = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> Any:  # noqa: ANN401 - Celery's signature
            try:
                return handle(message)
            except _MALFORMED:
                # It would end the process, come back as one that was never acknowledged, and end
                # the next one. Who sent it cannot be told: there may be no id to tell it under.
                log.exception("message_malformed")
                message.reject_log_error(_LOGGER, self.connection_errors)
                return None

        return on_task_received

    def call_soon_ack(self, p: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Celery's signature
        """Have a message acknowledged, if the connection that it came by is still there."""
        return super().call_soon_ack(_acknowledge, p, *args, **kwargs)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ANN401
        """Tell who sent a task that is none of ours; Celery only logs it."""
        try:
            queue = message.delivery_info.get("routing_key")
            refuse_unknown(runtime.current(), queue, message.headers, _decoded(message))
        except DatabaseUnavailable as error:
            log.warning("unknown_task_waits", error=str(error))
            time.sleep(_BREATH)
            message.reject_log_error(_LOGGER, self.connection_errors, requeue=True)
            return
        super().on_unknown_task(body, message, exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Drop the connection that was lost; Celery then makes a new one, however long it takes."""
        # It would tell each time of a setting that is made (config/celery.py). Not sooner than
        # here: Celery has all its warnings shown when it sets its logging up.
        warnings.filterwarnings("ignore", _TOLD_OF_A_SETTING, CPendingDeprecationWarning)
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


def _acknowledge(acknowledge: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    try:
        acknowledge(*args, **kwargs)
    except AttributeError:
        # kombu 5.7.0 ends in this where the message's connection was given up while its task ran,
        # and Celery would end the process with it. The message comes again, which is harmless.
        log.warning("acknowledged_too_late")


def _decoded(message: Any) -> object:  # noqa: ANN401 - kombu's message
    try:
        return message.decode()
    except Exception:  # noqa: BLE001 - whatever is in there: it is only looked at for a reference
        return None
