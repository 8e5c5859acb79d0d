"""Turns a scenario's act into a reply."""

from dataclasses import dataclass, field
from typing import Final, assert_never

from uprid_sandbox.answers import Drop, Hang, Page
from uprid_sandbox.flaws import Flaw
from uprid_sandbox.intellectmoney.acts import DONE, FAILED, Act, Codes, Nonsense, Queued, Spoilt
from uprid_sandbox.intellectmoney.queue import Matter, Queue
from uprid_sandbox.intellectmoney.replies import response
from uprid_sandbox.intellectmoney.tree import Content

_QUEUED: Final = Codes("1", None, data=False)
#: `RequestState`s under which what was asked for has been given.
_GIVEN: Final = frozenset({"0", "1"})
_UNAUTHENTICATED: Final = "2"


@dataclass(frozen=True, slots=True)
class Reply:
    """A `Response`, and what befalls it."""

    content: Content = field(repr=False)
    flaw: Flaw | None = None
    #: In the language that was not asked for.
    flipped: bool = False


#: What a responder decides; the server makes an answer of it.
Decision = Reply | Nonsense | Page | Drop | Hang


class Counter:
    """Makes the replies for every responder's decisions."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def say(self, codes: Codes, text: str | None = None) -> Reply:
        """Return a `Response` that holds nothing that was asked for."""
        return Reply(response(codes, self._queue.next_id(), {}, text))

    def act(self, act: Act, matter: Matter, *, flipped: bool = False) -> Decision:
        """Return what a request about a matter gets."""
        operation_id = self._queue.next_id()
        match act:
            case Codes():
                return Reply(_answered(act, matter, operation_id), None, flipped)
            case Spoilt(flaw):
                content = response(DONE, operation_id, matter.content(True))  # noqa: FBT003
                return Reply(content, flaw, flipped)
            case Queued():
                waiting = self._queue.wait(matter, act, operation_id)
                if self._queue.is_ready(waiting):
                    return Reply(_answered(waiting.then, matter, operation_id), None, flipped)
                known = operation_id if act.numbered else None
                return Reply(response(_QUEUED, known, {}), None, flipped)
            case Nonsense() | Page() | Drop() | Hang():
                return act
            case _:
                assert_never(act)

    def result(self, operation_id: str) -> Reply:
        """Return the result of a queued operation."""
        waiting = self._queue.find(operation_id)
        if waiting is None:
            return Reply(response(FAILED, operation_id, {}, "Операция не найдена"))
        if not self._queue.is_ready(waiting):
            return Reply(response(_QUEUED, operation_id, {}))
        return Reply(_answered(waiting.then, waiting.matter, operation_id))


def _answered(codes: Codes, matter: Matter, operation_id: str) -> Content:
    nothing = codes.request in {None, _UNAUTHENTICATED}
    content = {} if nothing else matter.content(codes.data)
    if codes.data and codes.operation == DONE.operation and codes.request in _GIVEN:
        matter.answered()
    return response(codes, operation_id, content)
