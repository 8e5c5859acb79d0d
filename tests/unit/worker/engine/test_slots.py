"""Slots: never early, nested, and few however many operations wait."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.providers import MonetaSettings
from worker.engine.slots import countdown_to, slot_of, slots_of

SECOND = timedelta(seconds=1)
TIMES = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
WIDTHS = st.sampled_from([timedelta(milliseconds=n) for n in (1, 100, 250, 1000, 2500, 60_000)])
AHEAD = st.timedeltas(min_value=timedelta(minutes=-5), max_value=timedelta(days=2))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def width_of(due: datetime, now: datetime, width: timedelta) -> timedelta:
    """Return the width of a slot as the design has it: 1/60 of the way, in steps of two."""
    wide = width
    while wide * 2 * 60 <= due - now:
        wide *= 2
    return wide


@given(TIMES, AHEAD, WIDTHS)
def test_slot_is_never_before_its_operation_is_due(
    now: datetime, ahead: timedelta, width: timedelta
) -> None:
    assert slot_of(now + ahead, now, width) >= now + ahead
    assert slot_of(now + ahead, now, width) >= now


@given(TIMES, AHEAD, WIDTHS)
def test_slot_is_late_by_its_width_at_most(
    now: datetime, ahead: timedelta, width: timedelta
) -> None:
    due = max(now + ahead, now)

    late = slot_of(due, now, width) - due

    assert late <= width_of(due, now, width) + timedelta(milliseconds=1)
    assert late <= max(width, (due - now) / 60) + timedelta(milliseconds=1)


@given(TIMES, AHEAD, WIDTHS)
def test_slot_lies_on_the_grid_of_its_width(
    now: datetime, ahead: timedelta, width: timedelta
) -> None:
    due = max(now + ahead, now)
    slot = slot_of(due, now, width)

    assert (slot - EPOCH) % width == timedelta(0)
    assert (slot - EPOCH) % width_of(due, now, width) == timedelta(0)


@given(TIMES, AHEAD, AHEAD, WIDTHS)
def test_slot_is_the_same_whenever_it_is_computed_where_the_widths_agree(
    due: datetime, before: timedelta, later: timedelta, width: timedelta
) -> None:
    first, second = due - abs(before), due - abs(later)
    if width_of(due, first, width) == width_of(due, second, width):
        assert slot_of(due, first, width) == slot_of(due, second, width)


@given(TIMES, AHEAD, AHEAD, WIDTHS)
def test_slot_computed_later_is_never_further_away(
    due: datetime, before: timedelta, later: timedelta, width: timedelta
) -> None:
    """The grids nest: a chunk woken for the later, wider slot then finds nothing left to do."""
    first, second = sorted((due - abs(before), due - abs(later)))

    assert slot_of(due, second, width) <= slot_of(due, first, width)


@settings(max_examples=10)
@given(st.integers(), st.integers(100, 5_000))
def test_slots_stay_few_on_monetas_default_schedule(seed: int, operations: int) -> None:
    """Operations of every age, each planned when it was last polled: what waits in the broker."""
    random = Random(seed)  # noqa: S311 - no secrecy
    policy = MonetaSettings.model_fields["poll"].default
    now = datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(seconds=random.uniform(0, 1000))
    slots = set()
    for _ in range(operations):
        wait = policy.wait(random.randrange(0, 200), random.random())
        polled_at = now - timedelta(seconds=random.uniform(0, wait))
        slots.add(slot_of(polled_at + timedelta(seconds=wait), polled_at, SECOND))

    assert len(slots) <= 210


def test_slots_of_100_000_operations_are_some_two_hundred() -> None:
    policy = MonetaSettings.model_fields["poll"].default
    random = Random(1)  # noqa: S311 - no secrecy
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    dues = (
        now + timedelta(seconds=policy.wait(random.randrange(0, 200), random.random()))
        for _ in range(100_000)
    )

    assert len(slots_of(dues, now, SECOND)) <= 200


@pytest.mark.parametrize(
    ("ahead", "slot"),
    [
        pytest.param(-5, 0, id="overdue: now"),
        pytest.param(0, 0, id="due on the grid"),
        pytest.param(0.001, 1, id="due a moment after"),
        pytest.param(15, 15, id="a second wide"),
        pytest.param(119.5, 120, id="just a second wide"),
        pytest.param(120.5, 122, id="two seconds wide"),
        pytest.param(299, 300, id="four seconds wide"),
    ],
)
def test_slot_of_a_due_time(ahead: float, slot: float) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    assert slot_of(now + timedelta(seconds=ahead), now, SECOND) == now + timedelta(seconds=slot)


@pytest.mark.parametrize(
    ("ahead", "countdown"), [(-3, 0), (0, 0), (12.5, 12.5), (300, 300), (301, 300), (86_400, 300)]
)
def test_countdown_is_never_longer_than_the_longest(ahead: float, countdown: float) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    slot = now + timedelta(seconds=ahead)

    assert countdown_to(slot, now, timedelta(minutes=5)) == countdown
