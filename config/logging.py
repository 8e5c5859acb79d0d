"""Logging: one line an event, as JSON or for people's eyes, with nothing personal in it.

What our own code logs is masked by construction (ids, counts, codes). What libraries log passes
through the same masking, and exceptions are reduced to their type and the places they passed.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

import redis
import structlog
from kombu.exceptions import OperationalError
from structlog.typing import EventDict, Processor, WrappedLogger

Masking = Callable[[str], str]
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

#: Keys whose values are ours: identifiers that a mask would make useless.
_OURS: Final = frozenset(
    {
        "timestamp",
        "level",
        "logger",
        "operation",
        "incarnation",
        "provider",
        "thread",
        "sha256",
    }
)
#: A message's id, which its sender chooses: it is kept where a library made it, or we did.
_CHOSEN: Final = "task_id"
_GENERATED: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|sha256:[0-9a-f]+")
_CONSUMER: Final = "celery.worker.consumer.consumer"
#: Messages that hold a whole message body, a task's exception text, or what a provider sent in the
#: place of headers, beside the address that was asked.
_LOUD: Final = {
    _CONSUMER: "message_not_understood",
    "celery.app.trace": "task_trace",
    "urllib3.connection": "reply_not_understood",
}
#: What the consumer says of its connection holds neither.
_OF_THE_CONNECTION: Final = "consumer: "
#: How it says that the connection is lost: our own `broker_lost` stands before it already.
_LOST: Final = "consumer: Connection to broker lost"
#: The message comes again: kombu calls this critical, which would wake an engineer.
_HARMLESS: Final = "acknowledged_too_late"
#: How libraries begin what they say of a server that is away, with all the stack below it, or of a
#: message, with its body behind it; and what is said instead, with the kind of error.
_REWORDED: Final = {
    "Message Error": "beat_cannot_send",
    "Couldn't ack ": _HARMLESS,
    "Couldn't reject ": _HARMLESS,
    "Could not restore message": "message_not_put_back",
    "Cannot process event on channel": "broadcast_not_understood",
}
#: A server that is away is no defect of ours: the place in our code does not matter.
_AWAY: Final = (redis.ConnectionError, redis.TimeoutError, OperationalError)
_SHOWN_FRAMES: Final = 12


def configure(level: str, mask: Masking, *, own: type[BaseException]) -> None:
    """Send everything that is logged to standard error, masked.

    `own` is the root of the errors whose text is known to hold nothing personal.
    """
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exceptions(mask, own),
        _masked(mask),
    ]
    structlog.configure(
        processors=[*chain, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_quiet)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=chain,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # A line for each message received and done would drown the rest: Flower shows those.
    for chatty in (
        "urllib3", "kombu", "alembic", "tornado.access", "celery.worker.strategy",
        "celery.app.trace",
        # At DEBUG it writes down a task's arguments as they came.
        "celery.pool",
    ):  # fmt: skip
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _quiet(record: logging.LogRecord) -> bool:
    """Reduce what libraries say of messages, replies and failures to what anybody may read."""
    given = record.args if isinstance(record.args, tuple) else ()
    text = str(record.msg)
    if record.name == _CONSUMER and given and str(given[0]).startswith(_LOST):
        return False
    ours = next((ours for theirs, ours in _REWORDED.items() if text.startswith(theirs)), None)
    if ours is not None:
        record.msg, record.args = "%s: %s", (ours, _kind_of(record, given))
        record.exc_info = record.exc_text = None
        if ours == _HARMLESS:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
    replacement = _LOUD.get(record.name)
    harmless = text.startswith(_OF_THE_CONNECTION)
    if replacement is not None and record.levelno >= logging.WARNING and not harmless:
        record.msg, record.args = replacement, ()
        record.exc_info = record.exc_text = None
    return True


def _kind_of(record: logging.LogRecord, given: tuple[object, ...]) -> str:
    errors = (record.exc_info[1] if record.exc_info else None, *given)
    return next((type(each).__name__ for each in errors if isinstance(each, Exception)), "unknown")


def _exceptions(mask: Masking, own: type[BaseException]) -> Processor:
    def processor(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        info = _exc_info(event.pop("exc_info", None))
        if info is None:
            return event
        kind, error, trace = info
        # A library's exception text may quote a row, a body, an argument: only ours is shown.
        event["error"] = kind.__name__ + (f": {mask(str(error))}" if isinstance(error, own) else "")
        if isinstance(error, _AWAY):
            return event
        frames = traceback.extract_tb(trace)[-_SHOWN_FRAMES:]
        event["passed"] = [f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno} {f.name}" for f in frames]
        return event

    return processor


def _exc_info(given: Any) -> _ExcInfo | None:  # noqa: ANN401 - what structlog and logging pass
    if not given:
        return None
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    info = given if isinstance(given, tuple) else sys.exc_info()
    return None if info[0] is None or info[1] is None else (info[0], info[1], info[2])


def _masked(mask: Masking) -> Processor:
    def processor(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        for key, value in event.items():
            if key in _OURS or not isinstance(value, str):
                continue
            if key == _CHOSEN and _GENERATED.fullmatch(value):
                continue
            event[key] = mask(value)
        return event

    return processor
