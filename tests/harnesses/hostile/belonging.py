"""The oracle of calls that follow each other: whether what a call came to is its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from tests.harnesses.hostile.mischief import Own
from worker.domain.outcomes import Doubtful, NeedsPerson, NotSent, Pending


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One question about one person, and all the replies that are its own."""

    name: str
    #: What is only others', and must stand in nothing that comes of it.
    strangers: Sequence[str]
    replies: Mapping[str, Own]
    perform: Callable[[], Any]
    target: str
    has_effect: bool = False

    def reply(self, kind: str) -> Own:
        """Return its reply to a request; what it never makes, has that of its own question."""
        return self.replies.get(kind, self.replies[self.target])


@dataclass(frozen=True, slots=True)
class Came:
    """What a call came to, and in how many requests with an effect."""

    outcome: Any
    effects: int


@dataclass(frozen=True, slots=True)
class Alone:
    """What a call comes to with nobody beside it."""

    by_its_replies: Came
    #: One of its replies never coming, or being spoilt.
    without_one: Sequence[Came]

    def explains(self, came: Came) -> bool:
        """Tell whether nobody else is needed for what a call came to."""
        if same(came, self.by_its_replies):
            return True
        # What kept a reply from us is noted, and there are many ways.
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
    """Tell what stands in an outcome that is another's."""
    for each in fields(outcome):  # type: ignore[arg-type]  # every outcome is a dataclass
        held = getattr(outcome, each.name)
        text = held.decode("utf-8", "replace") if isinstance(held, bytes) else str(held)
        if any(mark in text for mark in call.strangers):
            yield f"leak: another's in {each.name}"


def taken_over(came: Came, own: Alone, others: Sequence[Alone]) -> Iterator[str]:
    """Tell what a call came to that its own replies do not explain."""
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
