"""What every task has in common: how its message is read, repeated and logged.

A task is a function in the module that its name says, under the name that it is enqueued by. What
it raises decides what happens to its message; all of that is in this module.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import wraps
from itertools import count
from typing import Any, Final, Protocol, cast

import structlog
from celery.exceptions import Reject

from uprid_client.errors import BrokerUnavailable, DatabaseUnavailable, Refused, UpridError
from uprid_client.names import Task
from worker.intake.message import Message, storable
from worker.intake.refusals import Taking, refuse
from worker.process import runtime
from worker.process.app import app
from worker.process.queueing.times import has_passed
from worker.process.request import MaskedRequest
from worker.process.runtime import Runtime

log = structlog.get_logger(__name__)

#: What a chunk task does, given the moment that its message was meant for.
ChunkWork = Callable[[Runtime, datetime | None], object]
UpkeepWork = Callable[[Runtime], object]

_OUTAGES: Final = (DatabaseUnavailable, BrokerUnavailable)
#: Seconds until a message is tried again after an outage, by how often it was tried.
RETRY_PAUSES: Final = (1, 2, 5, 10, 30, 60)
_EXPIRED: Final = "expires: has passed, nothing was done: send it again if it is still wanted"


class RegisteredTask(Protocol):
    """A task as Celery has registered it."""

    @property
    def name(self) -> str:
        """The name that it is enqueued by: its path."""

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Do the task's work in this process."""


class _BaseTask(app.Task):
    """A task of ours: Celery, its logs and Flower see its arguments masked."""

    Request = f"{MaskedRequest.__module__}:{MaskedRequest.__qualname__}"
    abstract = True
    ignore_result = True
    # The readers of messages name all errors at once; Celery would raise the first one.
    typing = False

    def __call__(self, /, *args: Any, **kwargs: Any) -> None:
        """Run. Celery's own takes `self` by name, which a sender's argument may be called, too."""
        self.run(*args, **kwargs)


def message_task(name: Task) -> Callable[[Taking], RegisteredTask]:
    """Register a function as a task that takes messages from outside.

    The function gets the whole message and reads its arguments itself: its docstring names them.
    The message is acknowledged late. After an outage or an error it is tried again, which is
    harmless for the function. While the broker does not take it back either, it waits in place.
    """

    def register(take: Taking) -> RegisteredTask:
        @_registered(name, take, acks_late=True, max_retries=None)
        def run(self: Any, /, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - what was sent
            message = Message(storable(self.request.id), name.value, args, kwargs)
            with _log_context(name, message.id):
                for tried in count(self.request.retries):
                    error = _take(take, message, self.request.expires)
                    if error is None:
                        return
                    pause = RETRY_PAUSES[min(tried, len(RETRY_PAUSES) - 1)]
                    try:
                        # Celery does not throw it: Flower would show the error's traceback.
                        raise self.retry(exc=error, countdown=pause, throw=False)
                    except Reject:
                        # Celery's answer where the broker does not take the next message. Ended
                        # like that, this one would be acknowledged, and lost.
                        _wait_in_place(pause)

        return run

    return register


def chunk_task(name: Task) -> Callable[[ChunkWork], RegisteredTask]:
    """Register a function as a task that works on what is due.

    The function gets the moment that the message was meant for, its argument `slot`. The message
    is acknowledged early: the rows are the truth, and a chunk that kills its worker must not be
    delivered again and again.
    """

    def register(work: ChunkWork) -> RegisteredTask:
        @_registered(name, work, acks_late=False)
        def run(self: Any, /, *_: Any, slot: object = None, **__: Any) -> None:  # noqa: ANN401
            with _log_context(name, self.request.id):
                _run_once(lambda: work(runtime.current(), _moment(slot)))

        return run

    return register


def upkeep_task(name: Task) -> Callable[[UpkeepWork], RegisteredTask]:
    """Register a function as a task that each worker process also does by itself."""

    def register(work: UpkeepWork) -> RegisteredTask:
        @_registered(name, work, acks_late=False)
        def run(self: Any, /, *_: Any, **__: Any) -> None:  # noqa: ANN401
            with _log_context(name, self.request.id):
                _run_once(lambda: work(runtime.current()))

        return run

    return register


def _registered(
    name: Task, function: Callable[..., object], **options: object
) -> Callable[[Callable[..., None]], RegisteredTask]:
    """Return what registers a body as the task of a function.

    Raises `ValueError` where the function does not stand under the path that the name says.
    """
    path = f"{function.__module__}.{function.__name__}"
    if path != name.value:
        raise ValueError(f"{path} is registered as {name.value}")

    def register(body: Callable[..., None]) -> RegisteredTask:
        task = app.task(name=name.value, base=_BaseTask, bind=True, **options)
        return cast("RegisteredTask", task(wraps(function)(body)))

    return register


def _log_context(name: Task, message_id: str | None) -> AbstractContextManager[None]:
    """Bind the task and its message to every line that is logged meanwhile."""
    return structlog.contextvars.bound_contextvars(task=name.value, task_id=message_id)


def _take(take: Taking, message: Message, expires: object) -> Exception | None:
    """Work on a message; return the error after which Celery tries it again, without its values."""
    try:
        if has_passed(expires):
            refuse(runtime.current(), message, Refused(_EXPIRED, ["(expires)"]))
        else:
            take(runtime.current(), message)
    except _OUTAGES as outage:
        log.warning("message_comes_again", error=_shown(outage))
        return _without_values(outage)
    except Exception as error:
        log.exception("message_comes_again")
        return _without_values(error)
    return None


def _wait_in_place(seconds: float) -> None:
    """Wait before a message is tried again that the broker does not take back.

    The message stays unacknowledged. A process that stops meanwhile leaves it for another one.
    """
    log.warning("message_waits_in_place")
    if runtime.current().incarnation.stops_within(seconds):
        raise Reject(requeue=True)


def _run_once(action: Callable[[], object]) -> None:
    """Do a chunk's or an upkeep's work; the sweep does again what an error leaves undone."""
    try:
        action()
    except _OUTAGES as outage:
        log.warning("round_failed", error=_shown(outage))
        raise _without_values(outage) from None
    except Exception as error:
        log.exception("round_failed")
        raise _without_values(error) from None


def _shown(outage: UpridError) -> str:
    """Return the line that is logged of a server that is away: no traceback, it is no bug."""
    return f"{type(outage).__name__}: {outage}"


def _without_values(error: Exception) -> Exception:
    """Return what Celery and Flower may show of an error: only our own texts hold no values."""
    return error if isinstance(error, UpridError) else UpridError(type(error).__name__)


def _moment(slot: object) -> datetime | None:
    """Return the moment that a chunk message was meant for, None where it names none."""
    if not isinstance(slot, str):
        return None
    try:
        moment = datetime.fromisoformat(slot)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
