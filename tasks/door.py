"""How a task stands in Celery: what all of them have in common."""

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any, Final

import structlog
from celery.exceptions import Reject

from config.queues import Task
from worker.domain.errors import BrokerUnavailable, DatabaseUnavailable, Refused, UpridError
from worker.intake.message import Message, storable
from worker.intake.refusals import Taking, refuse
from worker.process import runtime
from worker.process.app import app
from worker.process.queueing.times import has_passed
from worker.process.request import MaskedRequest
from worker.process.runtime import Runtime

log = structlog.get_logger(__name__)

_OUTAGES: Final = (DatabaseUnavailable, BrokerUnavailable)
#: Seconds before a message is tried again that could not be worked on, by how often it was tried.
_PATIENCE: Final = (1, 2, 5, 10, 30, 60)
_EXPIRED: Final = "expires: has passed, nothing was done: send it again if it is still wanted"


class _Door(app.Task):
    """A task of ours: its messages are masked, whoever looks at them."""

    Request = f"{MaskedRequest.__module__}:{MaskedRequest.__qualname__}"
    abstract = True
    ignore_result = True

    def __call__(self, /, *args: Any, **kwargs: Any) -> None:
        """Run. Celery's own takes `self` by name, which a sender's argument may be called, too."""
        self.run(*args, **kwargs)


def intake(name: Task, function: Taking) -> None:
    """Register a function as a task that takes messages from outside.

    It acknowledges late, and whatever keeps it from doing its work has the message come again:
    the work itself is harmless to repeat. Where the broker takes no message either, it waits.
    """

    @app.task(
        name=name.value, base=_Door, bind=True, typing=False, acks_late=True, max_retries=None
    )
    def door(self: Any, /, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever was sent
        message = Message(storable(self.request.id), name.value, args, kwargs)
        for tried in count(self.request.retries):
            again = _failure(function, message, self.request.expires)
            if again is None:
                return
            pause = _PATIENCE[min(tried, len(_PATIENCE) - 1)]
            try:
                # Not thrown by Celery: the traceback that Flower shows would tell of the error.
                raise self.retry(exc=again, countdown=pause, throw=False)
            except Reject:
                # Celery's answer where the broker does not take the next message: this one would be
                # acknowledged, and gone.
                _wait_in_place(message, pause)


def _failure(function: Taking, message: Message, expires: object) -> Exception | None:
    """Work on a message; return why it could not be done, or None."""
    try:
        if has_passed(expires):
            refuse(runtime.current(), message, Refused(_EXPIRED, ["(expires)"]))
        else:
            function(runtime.current(), message)
    except _OUTAGES as outage:
        log.warning("message_comes_again", task=message.task, task_id=message.id, **_why(outage))
        return _again(outage)
    except Exception as error:
        log.exception("message_comes_again", task=message.task, task_id=message.id)
        return _again(error)
    return None


def _wait_in_place(message: Message, seconds: float) -> None:
    """Wait before a message is tried again that the broker does not take back.

    It stays unacknowledged. A process that stops meanwhile leaves it for another one.
    """
    log.warning("message_waits_in_place", task=message.task, task_id=message.id)
    if runtime.current().incarnation.stops_within(seconds):
        raise Reject(requeue=True)


def chunk(name: Task, function: Callable[[Runtime, datetime | None], object]) -> None:
    """Register a function as a task that works on what is due.

    It acknowledges early: the rows are the truth, and a chunk that kills its worker must not come
    back for ever.
    """

    @app.task(name=name.value, base=_Door, typing=False, acks_late=False)
    def door(*_args: Any, slot: object = None, **_kwargs: Any) -> None:
        _round(name, lambda: function(runtime.current(), _moment(slot)))


def upkeep(name: Task, function: Callable[[Runtime], object]) -> None:
    """Register a function as a task that the worker processes also do by themselves."""

    @app.task(name=name.value, base=_Door, typing=False, acks_late=False)
    def door(*_args: Any, **_kwargs: Any) -> None:
        _round(name, lambda: function(runtime.current()))


def _round(name: Task, action: Callable[[], object]) -> None:
    try:
        action()
    except _OUTAGES as outage:
        log.warning("round_failed", task=name.value, **_why(outage))
        raise _again(outage) from None
    except Exception as error:
        # The sweep does again what was left undone. Raised without its text, which may hold values.
        log.exception("round_failed", task=name.value)
        raise _again(error) from None


def _why(outage: UpridError) -> dict[str, str]:
    """Return what is logged of a server that is away: a line, as it is no mistake of ours."""
    return {"error": f"{type(outage).__name__}: {outage}"}


def _again(error: Exception) -> Exception:
    """Return what Celery and Flower may show of an error."""
    return error if isinstance(error, UpridError) else UpridError(type(error).__name__)


def _moment(slot: object) -> datetime | None:
    if not isinstance(slot, str):
        return None
    try:
        moment = datetime.fromisoformat(slot)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
