"""The gate: pause, breaker, rest and rate decide how much a chunk may claim."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.engine.operations import NOW
from tests.support.providers.scripted import LIMITS
from worker.engine.admission import (
    LONGEST_REST,
    Breaker,
    Grant,
    Health,
    breaker,
    capacity,
    fed,
    grant,
    refilled,
    returned,
    spent,
)
from worker.providers.protocol import Limits
from worker.store.claims import Shared

LIMITS_100 = replace(LIMITS, rate_per_second=100, chunk=50)
FULL = Shared(
    paused=False,
    failures=0,
    closed_until=None,
    probing_until=None,
    tokens=100.0,
    tokens_at=NOW,
)
SICK = replace(FULL, failures=5)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("shared", "limits", "expected"),
    [
        pytest.param(FULL, LIMITS_100, Grant(50, 50, 100, NOW), id="full: a whole chunk"),
        pytest.param(
            replace(FULL, tokens=70.5),
            LIMITS_100,
            Grant(50, 50, 70.5, at(0.495)),
            id="what is left is too little for a poll",
        ),
        pytest.param(
            replace(FULL, tokens=30.9),
            LIMITS_100,
            Grant(30, 10, 30.9, at(0.691)),
            id="the last fifth of the bucket is for submits",
        ),
        pytest.param(
            replace(FULL, tokens=20.0),
            LIMITS_100,
            Grant(20, 0, 20, at(0.7)),
            id="nothing for polls",
        ),
        pytest.param(
            replace(FULL, tokens=0.9),
            LIMITS_100,
            Grant(0, 0, 0.9, at(0.691)),
            id="nothing: come back for a whole chunk of polls",
        ),
        pytest.param(
            replace(FULL, tokens=-25.0),
            LIMITS_100,
            Grant(0, 0, -25, at(0.95)),
            id="overdrawn by chunks that needed more calls",
        ),
        pytest.param(
            replace(FULL, tokens=0.0),
            replace(LIMITS_100, rate_per_second=0.5),
            Grant(0, 0, 0, at(2)),
            id="less than one a second: wait for the one",
        ),
        pytest.param(replace(FULL, paused=True), LIMITS_100, Grant(0, 0, 100, None), id="paused"),
        pytest.param(
            replace(FULL, closed_until=at(7)), LIMITS_100, Grant(0, 0, 100, at(7)), id="resting"
        ),
        pytest.param(
            replace(FULL, closed_until=NOW), LIMITS_100, Grant(50, 50, 100, NOW), id="rested"
        ),
        pytest.param(
            replace(SICK, closed_until=at(7)), LIMITS_100, Grant(0, 0, 100, at(7)), id="open"
        ),
        pytest.param(
            replace(SICK, closed_until=at(-1)),
            LIMITS_100,
            Grant(1, 1, 100, None, probing=True),
            id="half open: one",
        ),
        pytest.param(
            replace(SICK, closed_until=at(-1), probing_until=at(3)),
            LIMITS_100,
            Grant(0, 0, 100, at(3)),
            id="half open, and the one is out",
        ),
        pytest.param(
            replace(SICK, closed_until=at(-9), probing_until=at(-1)),
            LIMITS_100,
            Grant(1, 1, 100, None, probing=True),
            id="half open, and the one never came back",
        ),
        pytest.param(
            replace(SICK, closed_until=at(-1), tokens=0.0),
            LIMITS_100,
            Grant(0, 0, 0, at(0.7)),
            id="half open, and no token for the one",
        ),
        pytest.param(
            replace(SICK, failures=4), LIMITS_100, Grant(50, 50, 100, NOW), id="one short of sick"
        ),
    ],
)
def test_grant(shared: Shared, limits: Limits, expected: Grant) -> None:
    granted = grant(shared, limits, NOW)

    assert replace(granted, tokens=expected.tokens) == expected
    assert granted.tokens == pytest.approx(expected.tokens)


@pytest.mark.parametrize(
    ("tokens", "passed", "expected"),
    [
        pytest.param(10.0, 0.5, 60.0, id="refills at the rate"),
        pytest.param(10.0, 60, 100.0, id="holds a second's worth"),
        pytest.param(-50.0, 0.25, -25.0, id="pays its debt first"),
        pytest.param(10.0, -5, 10.0, id="never loses to a clock that goes back"),
    ],
)
def test_bucket(tokens: float, passed: float, expected: float) -> None:
    assert refilled(replace(FULL, tokens=tokens), LIMITS_100, at(passed)) == expected


@given(
    st.floats(0.01, 10_000),
    st.integers(1, 2000),
    st.lists(st.floats(0, 3), min_size=1, max_size=40),
)
def test_grants_never_exceed_the_rate(rate: float, chunk: int, pauses: list[float]) -> None:
    """Whenever chunks come: no more than the rate over the whole time, and one bucket."""
    limits = replace(LIMITS, rate_per_second=rate, chunk=chunk)
    shared = replace(FULL, tokens=capacity(limits))
    now, granted = NOW, 0
    for pause in pauses:
        now += timedelta(seconds=pause)
        limit = grant(shared, limits, now).limit
        granted += limit
        shared = replace(shared, tokens=refilled(shared, limits, now) - limit, tokens_at=now)

    passed = (now - NOW).total_seconds()
    assert granted <= capacity(limits) + rate * passed + 1e-6


@given(st.floats(0.01, 10_000), st.integers(1, 2000), st.floats(-100, 10_000))
def test_grant_comes_again_when_there_is_something_to_spend(
    rate: float, chunk: int, tokens: float
) -> None:
    limits = replace(LIMITS, rate_per_second=rate, chunk=chunk)
    shared = replace(FULL, tokens=min(tokens, capacity(limits)))
    first = grant(shared, limits, NOW)
    assert first.again_at is not None
    after = replace(shared, tokens=first.tokens - first.limit)

    again = grant(after, limits, first.again_at + timedelta(milliseconds=1))

    assert again.limit >= 1
    assert again.ordinary >= 1


@pytest.mark.parametrize(
    ("shared", "health", "failures", "closed"),
    [
        pytest.param(FULL, Health(0, any_answered=True), 0, None, id="well"),
        pytest.param(FULL, Health(3, any_answered=False), 3, None, id="a few failures"),
        pytest.param(
            replace(FULL, failures=3),
            Health(2, any_answered=False),
            5,
            30,
            id="the few too many, over chunks",
        ),
        pytest.param(
            replace(FULL, failures=3),
            Health(2, any_answered=True),
            2,
            None,
            id="an answer between them",
        ),
        pytest.param(FULL, Health(9, any_answered=True), 9, 30, id="many after an answer"),
        pytest.param(
            replace(SICK, closed_until=at(-1)),
            Health(1, any_answered=False),
            6,
            30,
            id="a probe that failed",
        ),
        pytest.param(
            replace(SICK, closed_until=at(-1)),
            Health(0, any_answered=True),
            0,
            None,
            id="a probe that got through",
        ),
        pytest.param(
            replace(SICK, closed_until=at(-1)),
            Health(0, any_answered=False),
            5,
            -1,
            id="a probe that was never sent",
        ),
        pytest.param(FULL, Health(1, any_answered=False, rest=60), 1, 60, id="told to rest"),
        pytest.param(
            FULL,
            Health(1, any_answered=False, rest=10**9),
            1,
            LONGEST_REST,
            id="told to rest for ever",
        ),
        pytest.param(
            replace(FULL, closed_until=at(60)),
            Health(1, any_answered=False, rest=5),
            1,
            60,
            id="told to rest less than before",
        ),
        pytest.param(
            replace(FULL, failures=1, closed_until=at(60)),
            Health(0, any_answered=True),
            0,
            60,
            id="another chunk was told to rest meanwhile",
        ),
        pytest.param(
            replace(FULL, closed_until=at(60)),
            Health(5, any_answered=False),
            5,
            60,
            id="sick, and told to rest for longer",
        ),
        pytest.param(
            FULL, Health(5, any_answered=False, rest=5), 5, 30, id="sick, and told to rest a bit"
        ),
    ],
)
def test_fed(shared: Shared, health: Health, failures: int, closed: float | None) -> None:
    after = fed(shared, health, LIMITS, NOW, 0.0)

    assert after == replace(
        shared,
        failures=failures,
        closed_until=None if closed is None else at(closed),
        probing_until=None,
        tokens=after.tokens,
    )


def test_provider_that_comes_back_gets_its_rate_in_the_first_second() -> None:
    # Its bucket filled up while the breaker was open.
    probed = replace(SICK, tokens=99.0)
    shared = fed(probed, Health(0, any_answered=True), LIMITS_100, NOW, 5.0)

    claimed = 0
    for moment in range(101):
        now = at(moment / 100)
        granted = grant(shared, LIMITS_100, now)
        claimed += granted.limit
        shared = replace(shared, tokens=granted.tokens - granted.limit, tokens_at=now)

    assert 0 < claimed <= LIMITS_100.rate_per_second


def test_provider_that_was_never_ill_keeps_its_bucket() -> None:
    shared = replace(FULL, tokens=60.0)

    assert fed(shared, Health(0, any_answered=True), LIMITS_100, at(1), 5.5) == replace(
        shared, tokens=65.5
    )


def test_provider_whose_host_only_answered_a_look_is_asked_one_question_next() -> None:
    looked = Health(0, any_answered=True, only_looked=True)

    after = fed(SICK, looked, LIMITS, NOW, -1.0)

    assert (after.failures, after.tokens) == (LIMITS.breaker_failures - 1, SICK.tokens - 1)
    assert breaker(after, LIMITS, NOW) is Breaker.HALF_OPEN


@pytest.mark.parametrize(
    ("shared", "expected"),
    [
        pytest.param(FULL, Breaker.CLOSED, id="well"),
        pytest.param(replace(FULL, closed_until=at(1)), Breaker.OPEN, id="told to rest"),
        pytest.param(replace(SICK, closed_until=at(1)), Breaker.OPEN, id="sick"),
        pytest.param(replace(SICK, closed_until=at(-1)), Breaker.HALF_OPEN, id="rested"),
    ],
)
def test_breaker(shared: Shared, expected: Breaker) -> None:
    assert breaker(shared, LIMITS, NOW) is expected


@pytest.mark.parametrize(
    ("granted", "claimed", "expected"),
    [
        pytest.param(Grant(50, 30, 80.5, NOW), 20, 60.5, id="a token for each operation"),
        pytest.param(Grant(1, 1, 3.0, None, probing=True), 0, 2.0, id="one for a look"),
    ],
)
def test_claim_spends_tokens_of_the_bucket_as_it_was_found(
    granted: Grant, claimed: int, expected: float
) -> None:
    after = spent(replace(FULL, tokens=1.0), granted, claimed, LIMITS, at(2))

    assert (after.tokens, after.tokens_at) == (expected, at(2))
    assert (after.probing_until is not None) == granted.probing


def test_claim_never_puts_back_the_time_until_which_the_bucket_was_filled() -> None:
    assert spent(replace(FULL, tokens_at=at(9)), Grant(5, 5, 9.0, NOW), 5, LIMITS, at(2)) == (
        replace(FULL, tokens=4.0, tokens_at=at(9))
    )


@pytest.mark.parametrize(
    ("granted", "draw", "urgent_due", "ordinary_due", "claimed"),
    [
        pytest.param(Grant(10, 10, 10, NOW), 0.0, 99, 99, (5, 5), id="half each"),
        pytest.param(Grant(10, 10, 10, NOW), 0.0, 2, 99, (2, 8), id="polls get the rest"),
        pytest.param(Grant(10, 10, 10, NOW), 0.0, 99, 1, (9, 1), id="what polls leave"),
        pytest.param(Grant(10, 2, 10, NOW), 0.0, 99, 99, (8, 2), id="few polls are granted"),
        pytest.param(Grant(1, 1, 1, NOW), 0.4, 99, 99, (0, 1), id="an odd one, for polls"),
        pytest.param(Grant(1, 1, 1, NOW), 0.6, 99, 99, (1, 0), id="an odd one, for submits"),
    ],
)
def test_lanes_divide_a_grant(
    granted: Grant, draw: float, urgent_due: int, ordinary_due: int, claimed: tuple[int, int]
) -> None:
    lanes = granted.lanes(draw)

    urgent = min(lanes.urgent, urgent_due)
    ordinary = min(lanes.ordinary_beside(urgent), ordinary_due)
    urgent += min(lanes.urgent_beside(urgent, ordinary), urgent_due - urgent)

    assert (urgent, ordinary) == claimed
    assert lanes.are_full(urgent, ordinary)


@pytest.mark.parametrize(
    ("claimed", "calls", "passed", "expected"),
    [
        pytest.param(50, 50, 1.0, 0.0, id="all spent"),
        pytest.param(50, 20, 0.0, 30.0, id="at once: what was not spent"),
        pytest.param(50, 20, 0.1, 20.0, id="later: less what has come back by itself"),
        pytest.param(50, 20, 20.0, 0.0, id="long after: nothing"),
        pytest.param(1, 3, 20.0, -2.0, id="what was spent beyond the claim is owed"),
    ],
)
def test_chunk_gives_back_what_has_not_come_back_by_itself(
    claimed: int, calls: int, passed: float, expected: float
) -> None:
    assert returned(claimed, calls, passed, LIMITS_100) == pytest.approx(expected)
