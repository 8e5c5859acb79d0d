"""Broadcasts and replies between workers and those who watch them, read strictly.

Kombu fails at one that is malformed, and ends the worker, or Flower's view of it.
"""

from typing import Any, Final

from uprid_client.names import LARGEST_MESSAGE
from worker.process.queueing.bodies import Misread, decoded
from worker.process.queueing.reading import Entry, content_of, envelope
from worker.process.queueing.unreadable import Cause

_EVENTS: Final = "celeryev"
_LARGEST_CLOCK: Final = 2**62


def read_broadcast(raw: bytes, exchange: str) -> Entry:
    """Return a published message as kombu takes it; raise `Misread`."""
    if len(raw) > LARGEST_MESSAGE:
        raise Misread(Cause.TOO_LARGE)
    entry = envelope(raw)
    properties: Any = entry.get("properties")
    if not _are_properties(properties):
        raise Misread(Cause.PROPERTIES)
    if not _are_headers(entry.get("headers")):
        raise Misread(Cause.HEADERS)
    if entry.get("content-type") != "application/json":
        raise Misread(Cause.CONTENT_TYPE)
    if entry.get("content-encoding") not in (None, "utf-8"):
        raise Misread(Cause.CONTENT_ENCODING)
    content = content_of(decoded(entry.get("body"), properties.get("body_encoding")))
    if not (_are_events(content) if exchange == _EVENTS else isinstance(content, dict)):
        raise Misread(Cause.BODY_SHAPE)
    return entry


def _are_properties(given: Any) -> bool:  # noqa: ANN401 - what JSON holds
    return (
        isinstance(given, dict)
        and isinstance(given.get("delivery_info"), dict)
        and isinstance(given.get("delivery_tag"), str)
    )


def _are_headers(given: Any) -> bool:  # noqa: ANN401 - what JSON holds
    return (
        isinstance(given, dict)
        and not given.get("compression")
        and _is_clock(given.get("clock"))
        and _is_number(given.get("expires"))
        and isinstance(given.get("ticket"), str | None)
    )


def _are_events(given: object) -> bool:
    return all(_is_event(event) for event in (given if isinstance(given, list) else [given]))


def _is_event(given: Any) -> bool:  # noqa: ANN401 - what JSON holds
    """Return whether Celery's receiver can read an event."""
    return (
        isinstance(given, dict)
        and isinstance(given.get("type"), str)
        and isinstance(given.get("hostname"), str)
        and ("uuid" not in given or isinstance(given["uuid"], str))
        and _is_clock(given.get("clock", 0), optional=False)
        and all(_is_number(given.get(name)) for name in ("timestamp", "utcoffset"))
    )


def _is_clock(given: object, *, optional: bool = True) -> bool:
    if given is None:
        return optional
    return type(given) is int and 0 <= given < _LARGEST_CLOCK


def _is_number(given: object) -> bool:
    return given is None or (isinstance(given, int | float) and abs(given) < _LARGEST_CLOCK)
