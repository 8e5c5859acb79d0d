"""The oracle for calls that follow each other: does an outcome come from the call's own replies?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from tests.harnesses.hostile.mischief import Own
from worker.domain.outcomes import Doubtful, NeedsPerson, NotSent, Pending


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One question about one person, with all replies to it."""

    name: str
    #: Values that belong to other persons only. They must not be in the outcome.
    strangers: Sequence[str]
    replies: Mapping[str, Own]
    perform: Callable[[], Any]
    target: str
    has_effect: bool = False

    def reply(self, kind: str) -> Own:
        """Return its reply to a request, or to its question if it never makes such a request."""
        return self.replies.get(kind, self.replies[self.target])


@dataclass(frozen=True, slots=True)
class Came:
    """The outcome of a call, and how many requests with an effect it took."""

    outcome: Any
    effects: int


@dataclass(frozen=True, slots=True)
class Alone:
    """What a call comes to when no other call is beside it."""

    by_its_replies: Came
    #: The outcomes when one of its replies never comes or is spoilt.
    without_one: Sequence[Came]

    def explains(self, came: Came) -> bool:
        """Return whether the call's own replies, all or all but one, explain an outcome."""
        if same(came, self.by_its_replies):
            return True
        # Notes are left out: they say how a reply was lost, and there are many ways to lose it.
        unnoted = _unnoted(came)
        return any(same(unnoted, _unnoted(each)) for each in self.without_one)


def same(came: Came, own: Came) -> bool:
    if not hasattr(came.outcome, "calls"):
        return bool(came.outcome == own.outcome)
    return bool(replace(came.outcome, calls=0) == replace(own.outcome, calls=0))


def _unnoted(came: Came) -> Came:
    if not hasattr(came.outcome, "note"):
        return came
    return replace(came, outcome=replace(came.outcome, note=""))


def leaks(call: ProviderCall, outcome: object) -> Iterator[str]:
    """Find values of other persons in an outcome."""
    for each in fields(outcome):  # type: ignore[arg-type]  # every outcome is a dataclass
        held = getattr(outcome, each.name)
        text = held.decode("utf-8", "replace") if isinstance(held, bytes) else str(held)
        if any(mark in text for mark in call.strangers):
            yield f"leak: another's in {each.name}"


def taken_over(came: Came, own: Alone, others: Sequence[Alone]) -> Iterator[str]:
    """Find an outcome that the call's own replies do not explain."""
    outcome = came.outcome
    if own.explains(came):
        return
    match outcome:
        case Doubtful() | NeedsPerson() | NotSent():
            return
        case Pending(trouble=trouble):
            notes = {each.by_its_replies.outcome.note for each in others}
            # Waits may grow from call to call.
            notes.discard(own.by_its_replies.outcome.note)
            if outcome.records or outcome.wants or (trouble is None and outcome.note in notes):
                yield f"leak: pending by another's reply ({outcome.note})"
        case _:
            yield f"leak: {type(outcome).__name__.lower()} by another's reply ({outcome.note})"
