"""Answers that belong to their questions: HTTP/1.1 ties the two by nothing but their order."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from worker.providers.transport.failures import BadStatus
from worker.providers.transport.http import Reply

T = TypeVar("T")


def tied(
    ask: Callable[[], Reply],
    ask_apart: Callable[[], Reply],
    read: Callable[[Reply], T],
    is_tied: Callable[[T], bool],
) -> tuple[T, int]:
    """Return an answer that can be no other question's, and how many questions it took.

    What does not name what was asked may have been meant for an earlier call of a kept connection:
    the question is then asked once more, on a connection of its own. So is one that is not
    understood: which call it answers is unknown, and an engineer may have to read it.
    """
    reply = ask()
    try:
        content = read(reply)
    except BadStatus as failure:
        if reply.is_first or failure.status != HTTPStatus.UNAUTHORIZED:
            raise
    else:
        if reply.is_first or is_tied(content):
            return content, 1
    # The one that was meant may still be on its way.
    reply.distrust()
    return read(ask_apart()), 2
