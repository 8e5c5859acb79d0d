"""When the next poll is: MONETA's default as a table, jitter, backoff, and what is no schedule."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.polling import PollPolicy
from config.providers import MonetaSettings

MONETA: PollPolicy = MonetaSettings.model_fields["poll"].default
PLAIN = PollPolicy(first_after=15, steps=((20, 15), (25, 60)), then=300, jitter=0)


@pytest.mark.parametrize(
    ("polls", "wait"),
    [
        pytest.param(-1, 15, id="before anything"),
        pytest.param(0, 15, id="after the submit"),
        pytest.param(1, 15, id="first step begins"),
        pytest.param(20, 15, id="first step ends"),
        pytest.param(21, 60, id="second step begins"),
        pytest.param(45, 60, id="second step ends"),
        pytest.param(46, 300, id="then"),
        pytest.param(10_000, 300, id="for ever"),
    ],
)
def test_wait_walks_the_steps(polls: int, wait: float) -> None:
    assert PLAIN.wait(polls, 0.7) == wait


@pytest.mark.parametrize(
    ("draw", "wait"), [(0.0, 13.5), (0.25, 14.25), (0.5, 15.0), (0.999, 16.497)]
)
def test_wait_is_drawn_shorter_or_longer_by_the_jitter(draw: float, wait: float) -> None:
    assert MONETA.wait(0, draw) == pytest.approx(wait)


def test_default_of_moneta_is_every_15_s_then_every_minute_then_every_5_minutes() -> None:
    waits = [MONETA.wait(polls, 0.5) for polls in range(48)]

    assert sum(waits[:21]) == pytest.approx(315)  # a quarter of a minute for about 5 minutes
    assert sum(waits[:46]) == pytest.approx(315 + 25 * 60)  # a minute to about half an hour
    assert waits[46:] == [300, 300]


@pytest.mark.parametrize(
    ("consecutive_failures", "wait"),
    [
        pytest.param(0, 15, id="none yet"),
        pytest.param(1, 15, id="the first"),
        pytest.param(2, 30, id="the second"),
        pytest.param(5, 240, id="the fifth"),
        pytest.param(6, 300, id="the longest"),
        pytest.param(10**9, 300, id="far beyond"),
    ],
)
def test_backoff_doubles_up_to_the_last_wait(consecutive_failures: int, wait: float) -> None:
    assert PLAIN.backoff(consecutive_failures, 0.5) == wait


def test_backoff_waits_a_second_at_least_when_the_schedule_is_faster() -> None:
    fast = PollPolicy(first_after=0, then=0.01, jitter=0)

    assert fast.backoff(1, 0.5) == 1


POLICIES = st.builds(
    PollPolicy,
    first_after=st.floats(0, 86_400),
    steps=st.lists(st.tuples(st.integers(1, 100), st.floats(0.001, 86_400)), max_size=4).map(tuple),
    then=st.floats(0.001, 86_400),
    jitter=st.floats(0, 0.5),
)


@given(POLICIES, st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_wait_stays_within_the_longest(policy: PollPolicy, polls: int, draw: float) -> None:
    assert 0 <= policy.wait(polls, draw) <= policy.longest * (1 + 1e-9)


@given(POLICIES, st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_is_positive_and_bounded(
    policy: PollPolicy, consecutive_failures: int, draw: float
) -> None:
    assert 0.5 <= policy.backoff(consecutive_failures, draw) <= max(policy.longest, 1) * 1.5


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"first_after": -1}, id="a negative first wait"),
        pytest.param({"then": 0}, id="no wait at all"),
        pytest.param({"then": "Infinity"}, id="never"),
        pytest.param({"steps": [[0, 5]]}, id="a step of no polls"),
        pytest.param({"steps": [[5, 0]]}, id="a step without a wait"),
        pytest.param({"steps": [[5]]}, id="half a step"),
        pytest.param({"jitter": 0.6}, id="too much jitter"),
        pytest.param({"jitter": -0.1}, id="negative jitter"),
        pytest.param({"jiter": 0.1}, id="a typing error"),
        pytest.param({"then": 86_401}, id="more than a day"),
    ],
)
def test_policy_refuses(change: dict[str, object]) -> None:
    given_policy = {"first_after": 15, "then": 300} | change

    with pytest.raises(ValidationError):
        PollPolicy.model_validate_json(json.dumps(given_policy))


def test_policy_reads_what_the_contract_shows() -> None:
    shown = '{"first_after": 15, "steps": [[20, 15], [25, 60]], "then": 300, "jitter": 0.1}'

    assert PollPolicy.model_validate_json(shown) == MONETA
