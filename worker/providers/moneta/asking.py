"""From a host's reply to MONETA's answer: the same whatever language the body is in."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from worker.domain.errors import ReplyUnreadable
from worker.providers.moneta.types import (
    Content,
    Fault,
    Holding,
    Profile,
    Result,
    Task,
    Ticket,
    Unlike,
)
from worker.providers.transport.failures import FaultWithoutCode, bad_status
from worker.providers.transport.http import Reply

#: What a fault comes with over JSON and over SOAP: it says nothing more than the fault does.
_OF_FAULTS: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR})
#: Reads a body; raises `ReplyUnreadable` where MONETA did not speak.
Read = Callable[[bytes], Content]


def about_a_task(reply: Reply, read: Read) -> Task:
    """Return what is said of a task; raise `CallFailed` where no usable reply came."""
    content = _content(reply, read)
    return _misplaced(content) if isinstance(content, Profile) else content


def about_a_unit(reply: Reply, read: Read) -> Holding:
    """Return what is said of a unit; raise `CallFailed` where no usable reply came."""
    content = _content(reply, read)
    return _misplaced(content) if isinstance(content, Ticket | Result) else content


def _content(reply: Reply, read: Read) -> Content:
    """Read the body before the status: a fault comes with 400 in JSON, with 500 in SOAP."""
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise bad_status(reply.status, reply.retry_after)
    try:
        content = read(reply.body)
    except FaultWithoutCode:
        if reply.status not in _OF_FAULTS:
            _refuse_failure(reply)
        raise
    except ReplyUnreadable:
        _refuse_failure(reply)
        raise
    if not isinstance(content, Fault):
        _refuse_failure(reply)
    return content


def _refuse_failure(reply: Reply) -> None:
    if reply.status != HTTPStatus.OK:
        raise bad_status(reply.status, reply.retry_after) from None


def _misplaced(content: Ticket | Result | Profile) -> Unlike:
    return Unlike("the answer to another question", content.answer)
