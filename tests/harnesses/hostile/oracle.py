"""The oracle: what an outcome states and the reply did not."""

from collections.abc import Iterator

from tests.harnesses.hostile.case import Allowed
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Prepared,
    Settle,
    Started,
)


def invented(outcome: Outcome, allowed: Allowed) -> Iterator[str]:
    """Find what an outcome states and the reply did not."""
    match outcome:
        case Finished(state=state):
            if state.value not in allowed.ends:
                yield f"invented: {state} ({outcome.note})"
            yield from _wrong_facts(outcome, allowed)
        case Started(provider_ref=reference) if reference not in allowed.started:
            yield f"invented: started as {reference!r}"
        case NotSent() if not allowed.undone:
            yield f"invented: nothing was done ({outcome.note})"
        case Misconfigured() if not allowed.misconfigured:
            yield f"invented: our settings are wrong ({outcome.note})"
        case Settle() if not allowed.over:
            yield f"invented: the wait is over ({outcome.note})"
        case Prepared() if not allowed.prepared:
            yield f"invented: a step is done ({outcome.note})"
        case Pending() | Doubtful() | NeedsPerson() | Started() | NotSent() | Misconfigured():
            return
        case Settle() | Prepared():
            return


def _wrong_facts(outcome: Finished, allowed: Allowed) -> Iterator[str]:
    for name, told in outcome.result.items():
        if name not in allowed.facts:
            continue
        stated = allowed.facts[name]
        if name in {"approved", "not_approved"}:
            if not set(told) <= stated:
                yield f"invented: {name} {sorted(set(told) - stated)}"
        elif told != stated:
            yield f"invented: {name} {told!r} in the place of {stated!r}"
