"""The consumer of a worker process. No lost broker and no malformed message ends it."""

import logging
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog
from celery.exceptions import CPendingDeprecationWarning

from config.queues import SENDERS_QUEUES
from uprid_client.shown_names import shown_task
from worker.intake.unknown import refuse_unknown
from worker.process import runtime
from worker.process.broker_waiting import PatientConsumer
from worker.process.queueing.reading import UNREADABLE
from worker.process.queueing.unreadable import Cause, Unreadable
from worker.process.refusing import Refusing
from worker.process.unreadable import refuse_unreadable

log = structlog.get_logger(__name__)

#: What Celery may still stumble over. Nothing is known to: `worker.process.queueing.reading` makes
#: what it gets.
_MALFORMED: Final = (TypeError, ValueError, LookupError, AttributeError)
_SETTING_WARNING: Final = r"\s*In Celery 5.1 we introduced"
#: Kombu takes one of these.
_LOGGER: Final = logging.getLogger(__name__)


class SturdyConsumer(PatientConsumer):
    """Celery's consumer, except that no message ends the process or is dropped silently."""

    _refusing: Refusing | None = None

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        """Return what is called with every message."""
        handle: Callable[[Any], Any] = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> Any:  # noqa: ANN401 - Celery's signature
            unreadable = Unreadable.from_json(message.properties.get(UNREADABLE))
            if unreadable is not None:
                self._refuse_unreadable(message, unreadable)
                return None
            try:
                return handle(message)
            except _MALFORMED:
                # It would end the process, come back as one that was never acknowledged, and end
                # the next one.
                log.exception("message_malformed", task_id=message.headers.get("id"))
                self._refuse_malformed(message)
                return None

        return on_task_received

    def call_soon_ack(self, p: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Celery's signature
        """Have a message acknowledged, if the connection that it came by is still there."""
        return super().call_soon_ack(_acknowledge, p, *args, **kwargs)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ANN401
        """Refuse a task that is none of ours, with an event for its sender; Celery only logs it."""
        del body, exc
        message_id, name = message.headers["id"], message.headers["task"]
        log.warning(
            "unknown_task", task_id=message_id, task=shown_task(name), queue=_queue(message)
        )
        _, arguments, _ = message.payload
        self._show_failed(message_id, "NotRegistered")
        self._refuse(
            message,
            partial(refuse_unknown, message_id=message_id, name=name, arguments=arguments),
        )

    def on_decode_error(self, message: Any, exc: Exception) -> None:  # noqa: ANN401
        """Refuse what Celery cannot decode: it would write the body into the log, and drop it."""
        log.warning("message_malformed", task_id=message.headers.get("id"), error=_kind(exc))
        self._refuse_malformed(message)

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ANN401
        """Refuse what Celery finds invalid."""
        del body
        self.on_decode_error(message, exc)

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ANN401
        """Refuse what Celery takes for another protocol's."""
        del body
        self.on_decode_error(message, TypeError())

    def _refuse_malformed(self, message: Any) -> None:  # noqa: ANN401 - kombu's message
        unreadable = Unreadable.of(Cause.OTHER, _queue(message), _bytes(message.body)).naming(
            message_id=message.headers.get("id"), task=message.headers.get("task"), reference=None
        )
        self._refuse_unreadable(message, unreadable)

    def _refuse_unreadable(self, message: Any, unreadable: Unreadable) -> None:  # noqa: ANN401
        self._show_failed(unreadable.message_id, f"Unreadable: {unreadable.cause.value}")
        self._refuse(message, partial(refuse_unreadable, unreadable=unreadable))

    def _show_failed(self, message_id: str | None, what: str) -> None:
        """Have Flower show a message that no task was begun for."""
        if message_id is not None and self.event_dispatcher:
            self.event_dispatcher.send("task-failed", uuid=message_id, exception=what)

    def _refuse(self, message: Any, write: Callable[..., object]) -> None:  # noqa: ANN401
        """Have a refusal written, and the message acknowledged after it."""
        done = partial(_let_go, message, self.connection_errors)
        if _queue(message) not in SENDERS_QUEUES:
            # Our own queues: no sender waits for an answer, and the sweep publishes again.
            self.call_soon_ack(done)
            return
        if self._refusing is None:
            self._refusing = Refusing()
        self._refusing.put(lambda: write(runtime.current()), lambda: self.call_soon_ack(done))

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Drop the connection that was lost; Celery then makes a new one, however long it takes."""
        # It would tell each time of a setting that is made (config/celery.py). Not sooner than
        # here: Celery has all its warnings shown when it sets its logging up.
        warnings.filterwarnings("ignore", _SETTING_WARNING, CPendingDeprecationWarning)
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


def _let_go(message: Any, errors: tuple[type[Exception], ...]) -> None:  # noqa: ANN401
    # Celery may have acknowledged it before it stumbled.
    if not message.acknowledged:
        message.ack_log_error(_LOGGER, errors)


def _acknowledge(acknowledge: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    try:
        acknowledge(*args, **kwargs)
    except AttributeError:
        # kombu 5.7.0 ends in this where the message's connection was given up while its task ran,
        # and Celery would end the process with it. The message comes again, which is harmless.
        log.warning("acknowledged_too_late")


def _queue(message: Any) -> str:  # noqa: ANN401 - kombu's message
    """Return the queue that a message lay in, not what its sender wrote."""
    return str(message.delivery_info.get("routing_key"))


def _kind(error: Exception) -> str:
    """Return what may be logged of an error that quotes what it is about."""
    return type(error).__name__


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else str(body).encode(errors="replace")
