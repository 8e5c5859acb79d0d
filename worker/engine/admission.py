"""The gate before a claim: pause, breaker and rate decide how much may be taken. Pure."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from worker.providers.base import Limits
from worker.store.claims import Shared

#: The share of the rate that polls leave to submits and codes.
RESERVED: Final = 0.2
#: No `Retry-After` holds a provider or an operation longer than this. Seconds.
LONGEST_REST: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Grant:
    """How many operations a chunk may claim."""

    limit: int
    #: How many of them may be polls and settlements.
    ordinary: int
    #: The bucket as it is now, before anything is spent.
    tokens: float
    #: When a successor finds something to spend; None: somebody will call.
    again_at: datetime | None
    #: Half open: this chunk tries with one call whether the provider is back.
    probing: bool = False


def grant(shared: Shared, limits: Limits, now: datetime) -> Grant:
    """Decide what a chunk may claim of a provider.

    A token is one request. The bucket holds what the rate grants in one second, and one at least,
    so that a provider that comes back is met at its rate and not by a stampede.
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
    """Tell whether only harmless calls may try whether the provider is back."""
    return shared.failures >= limits.breaker_failures


def is_half_open(shared: Shared, limits: Limits) -> bool:
    """Tell whether one call at a time tries whether the provider is back.

    A host that answered when it was merely looked at has one failure less than a sick one: the
    next call may be any, and its failure alone closes the gate again.
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


def refilled_at(tokens: float, limits: Limits, now: datetime) -> datetime:
    """Return when a chunk is worth its while again: the bucket is full, or has a chunk of polls."""
    wanted = min(capacity(limits), float(reserved(limits) + limits.chunk))
    return now + timedelta(seconds=max(wanted - tokens, 0.0) / limits.rate_per_second)


@dataclass(frozen=True, slots=True)
class Health:
    """What a chunk saw of a provider: failures in a row at its end, and whether any got through."""

    failed_in_a_row: int
    any_answered: bool
    #: Seconds that the provider asked for (`Retry-After`); 0 where it did not.
    rest: float = 0.0
    #: It answered when it was merely looked at, which is less than an answer to a question of ours.
    only_looked: bool = False


def fed(shared: Shared, health: Health, limits: Limits, now: datetime) -> dict[str, Any]:
    """Return what a chunk changes in the shared row: the breaker is fed once a chunk."""
    if health.only_looked:
        return {
            "failures": min(shared.failures, limits.breaker_failures - 1),
            "closed_until": shared.closed_until or now,
            "probing_until": None,
        }
    before = 0 if health.any_answered else shared.failures
    failures = before + health.failed_in_a_row
    # What another chunk learned meanwhile stands: this one may have begun before it.
    rests = [] if shared.closed_until is None else [shared.closed_until]
    if failures >= limits.breaker_failures and health.failed_in_a_row:
        rests.append(now + timedelta(seconds=limits.breaker_reset))
    if health.rest:
        rests.append(now + timedelta(seconds=min(health.rest, LONGEST_REST)))
    closed_until = max(rests, default=None)
    if health.any_answered and closed_until is not None and closed_until <= now:
        closed_until = None
    values: dict[str, Any] = {
        "failures": failures,
        "closed_until": closed_until,
        "probing_until": None,
    }
    if is_half_open(shared, limits) and health.any_answered:
        # It is back. The bucket filled up meanwhile: met with that and with the rate besides, it
        # would see twice its rate in the first second.
        values |= {"tokens": 0.0, "tokens_at": now}
    return values
