"""Admission before a claim: pause, breaker and rate decide how much may be taken. Pure."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from worker.providers.protocol import Limits
from worker.store.claims import Shared

#: The share of the rate that polls leave to submits and codes.
RESERVED: Final = 0.2
#: The longest `Retry-After` that is obeyed, for a provider or an operation. Seconds.
LONGEST_REST: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Grant:
    """How many operations a chunk may claim."""

    limit: int
    #: How many of them may be polls and settlements.
    ordinary: int
    #: The bucket as it is now, before anything is spent.
    tokens: float
    #: When the next chunk finds tokens to spend; None: the end of a pause or probe wakes it.
    again_at: datetime | None
    #: Half open: this chunk tries one call, to learn whether the provider is back.
    probing: bool = False

    def lanes(self, draw: float) -> "Lanes":
        """Return how the grant is divided between the lanes; `draw`: a random number in [0, 1)."""
        # Half for submits and codes. An odd one goes to either lane by chance: by rule, a single
        # one would starve the other lane.
        return Lanes(self.limit, self.ordinary, int(self.limit / 2 + draw))


@dataclass(frozen=True, slots=True)
class Lanes:
    """How a chunk's room is divided: submits and codes are urgent, polls and settlements ordinary.

    The urgent lane is claimed from first, then the ordinary one, then the urgent one again: it gets
    what the ordinary one has left.
    """

    limit: int
    #: Of the ordinary lane at most.
    ordinary: int
    #: Of the urgent lane at first.
    urgent: int

    def ordinary_beside(self, urgent: int) -> int:
        """Return how many ordinary operations there is room for beside so many urgent ones."""
        return min(self.ordinary, self.limit - urgent)

    def urgent_beside(self, urgent: int, ordinary: int) -> int:
        """Return how many further urgent operations there is room for, where more may be due."""
        return self.limit - urgent - ordinary if urgent == self.urgent else 0

    def are_full(self, urgent: int, ordinary: int) -> bool:
        """Return whether more operations may be due than were claimed."""
        return urgent + ordinary == self.limit or ordinary == self.ordinary


class Breaker(StrEnum):
    """Whether a provider is called."""

    CLOSED = "closed"
    #: No calls until its rest is over.
    OPEN = "open"
    #: One call at a time, to learn whether it is back.
    HALF_OPEN = "half_open"


def breaker(shared: Shared, limits: Limits, now: datetime) -> Breaker:
    """Return the state of a provider's breaker."""
    if shared.closed_until is not None and shared.closed_until > now:
        return Breaker.OPEN
    return Breaker.HALF_OPEN if is_half_open(shared, limits) else Breaker.CLOSED


def grant(shared: Shared, limits: Limits, now: datetime) -> Grant:
    """Decide what a chunk may claim of a provider.

    A token is one request. The bucket holds what the rate grants in one second, and one at least,
    so that a provider that comes back gets calls at its rate, and not all that waited at once.
    """
    tokens = refilled(shared, limits, now)
    if shared.paused:
        return Grant(0, 0, tokens, None)
    if shared.closed_until is not None and shared.closed_until > now:
        return Grant(0, 0, tokens, shared.closed_until)
    half_open = is_half_open(shared, limits)
    if half_open and shared.probing_until is not None and shared.probing_until > now:
        return Grant(0, 0, tokens, shared.probing_until)
    whole = math.floor(tokens)
    if whole < 1:
        return Grant(0, 0, tokens, refilled_at(tokens, limits, now))
    if half_open:
        return Grant(1, 1, tokens, None, probing=True)
    limit = min(limits.chunk, whole)
    ordinary = min(limit, max(whole - reserved(limits), 0))
    left = tokens - limit
    again_at = now if left >= reserved(limits) + 1 else refilled_at(left, limits, now)
    return Grant(limit, ordinary, tokens, again_at)


def is_sick(shared: Shared, limits: Limits) -> bool:
    """Return whether only harmless calls may be made, to learn whether the provider is back."""
    return shared.failures >= limits.breaker_failures


def is_half_open(shared: Shared, limits: Limits) -> bool:
    """Return whether one call at a time is made, to learn whether the provider is back.

    A host that answered a mere health check has one failure less than a sick one: the
    next call may be any, and its failure alone opens the breaker again.
    """
    looked_well = shared.failures == limits.breaker_failures - 1 and shared.closed_until is not None
    return is_sick(shared, limits) or looked_well


def capacity(limits: Limits) -> float:
    """Return how many tokens the bucket holds at most."""
    return max(limits.rate_per_second, 1.0)


def reserved(limits: Limits) -> int:
    """Return how many tokens polls leave in the bucket."""
    return int(capacity(limits) * RESERVED)


def refilled(shared: Shared, limits: Limits, now: datetime) -> float:
    """Return the tokens that are there now."""
    passed = max((now - shared.tokens_at).total_seconds(), 0.0)
    return min(capacity(limits), shared.tokens + passed * limits.rate_per_second)


def returned(claimed: int, calls: int, passed: float, limits: Limits) -> float:
    """Return the tokens that a chunk gives back: what it claimed and did not spend.

    Not those that have come back by themselves in the `passed` seconds since the claim: given back
    once more, they would let more calls through than the rate allows. What was spent beyond the
    claim is below 0.
    """
    left = float(claimed - calls)
    return left if left < 0 else max(left - passed * limits.rate_per_second, 0.0)


def spent(shared: Shared, granted: Grant, claimed: int, limits: Limits, now: datetime) -> Shared:
    """Return the shared row after a claim: a token for each operation, one for a look at least."""
    probing_until = shared.probing_until
    if granted.probing:
        probing_until = now + timedelta(seconds=limits.total_timeout + 1)
    return replace(
        shared,
        tokens=granted.tokens - max(claimed, 1),
        # Never back: a chunk that waited long for the row knows an older time.
        tokens_at=max(now, shared.tokens_at),
        probing_until=probing_until,
    )


def refilled_at(tokens: float, limits: Limits, now: datetime) -> datetime:
    """Return when to claim the next chunk: the bucket is full, or has a chunk of polls."""
    wanted = min(capacity(limits), float(reserved(limits) + limits.chunk))
    return now + timedelta(seconds=max(wanted - tokens, 0.0) / limits.rate_per_second)


@dataclass(frozen=True, slots=True)
class Health:
    """What a chunk saw of a provider: failures in a row at its end, and whether any got through."""

    failed_in_a_row: int
    any_answered: bool
    #: Seconds that the provider asked for (`Retry-After`); 0 where it did not.
    rest: float = 0.0
    #: It answered a health check, which proves less than an answer to a question of ours.
    only_looked: bool = False


def fed(shared: Shared, health: Health, limits: Limits, now: datetime, left: float) -> Shared:
    """Return the shared row after a chunk: the breaker is updated once, and tokens are given back.

    `left`: the tokens that the chunk gives back; below 0 what it owes.
    """
    tokens = shared.tokens + left
    if health.only_looked:
        return replace(
            shared,
            failures=min(shared.failures, limits.breaker_failures - 1),
            closed_until=shared.closed_until or now,
            probing_until=None,
            tokens=tokens,
        )
    before = 0 if health.any_answered else shared.failures
    failures = before + health.failed_in_a_row
    # Keep what another chunk learned meanwhile: this one may have begun before it.
    rests = [] if shared.closed_until is None else [shared.closed_until]
    if failures >= limits.breaker_failures and health.failed_in_a_row:
        rests.append(now + timedelta(seconds=limits.breaker_reset))
    if health.rest:
        rests.append(now + timedelta(seconds=min(health.rest, LONGEST_REST)))
    closed_until = max(rests, default=None)
    if health.any_answered and closed_until is not None and closed_until <= now:
        closed_until = None
    after = replace(shared, failures=failures, closed_until=closed_until, probing_until=None)
    if is_half_open(shared, limits) and health.any_answered:
        # It is back, and the bucket filled up meanwhile. With a full bucket and the rate besides it
        # would see twice its rate in the first second.
        return replace(after, tokens=0.0, tokens_at=now)
    return replace(after, tokens=tokens)
