"""The pulse: a process that could not beat calls no other one silent."""

from datetime import datetime, timedelta

import pytest

from tests.support.engine.operations import NOW
from worker.engine.pulse import Beat, Pulse

EVERY = timedelta(seconds=2)
SILENCE = timedelta(seconds=6)


class Host:
    """Two clocks that a test moves, and a process that beats by them."""

    def __init__(self, every: timedelta = EVERY, silence: timedelta = SILENCE) -> None:
        self.moment = 1_000.0
        self.stepped = 0.0
        self.every = every.total_seconds()
        self.pulse = Pulse(every, silence, lambda: self.moment)

    @property
    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.moment + self.stepped)

    def beats(self, seconds: float, *, lasting: float = 0.01) -> None:
        """Beat for a while, each beat taking so long."""
        end = self.moment + seconds
        while self.moment < end:
            beat = Beat(self.moment, self.now)
            self.moment += lasting
            self.pulse.confirmed(beat)
            self.moment += self.every

    @property
    def may_call_silent(self) -> bool:
        return self.pulse.may_call_silent(self.now)


@pytest.fixture
def host() -> Host:
    return Host()


def test_process_judges_once_it_has_beaten_for_the_silence(host: Host) -> None:
    assert not host.may_call_silent
    host.beats(4)
    assert not host.may_call_silent

    host.beats(4)

    assert host.may_call_silent


@pytest.mark.parametrize("silence", [4, 5, 6, 60])
def test_process_judges_with_every_silence_that_settings_allow(silence: float) -> None:
    host = Host(silence=timedelta(seconds=silence))

    host.beats(2 * silence + 4)

    assert host.may_call_silent


def test_process_does_not_judge_while_its_own_beat_is_under_way_for_long(host: Host) -> None:
    host.beats(20)

    host.moment += 3

    assert not host.may_call_silent


def test_process_does_not_judge_right_after_its_own_beat_came_through_late(host: Host) -> None:
    """The database stood still for 8 s: the others' beats are still to come."""
    host.beats(20)
    beat = Beat(host.moment, host.now)
    host.moment += 8
    assert not host.may_call_silent

    host.pulse.confirmed(beat)
    assert not host.may_call_silent
    host.beats(2)
    assert not host.may_call_silent

    host.beats(6)
    assert host.may_call_silent


@pytest.mark.parametrize("stall", [tenths / 10 for tenths in range(1, 100)])
def test_others_that_live_never_look_silent_to_a_judge(stall: float) -> None:
    """Whenever the database stands still, and however far apart the two beat."""
    for apart in range(20):
        host = Host()
        host.beats(20)
        # The other one's last beat came through at the worst moment that is possible.
        other_at = host.now - timedelta(seconds=0.1 * apart)
        host.moment += stall

        if host.may_call_silent:
            assert host.now - other_at < SILENCE


def test_process_does_not_judge_by_a_clock_that_was_put_forward(host: Host) -> None:
    host.beats(20)

    host.stepped = 8

    assert not host.may_call_silent
    host.beats(2)
    assert not host.may_call_silent
    host.beats(8)
    assert host.may_call_silent


def test_process_that_missed_a_beat_does_not_judge(host: Host) -> None:
    host.beats(20)

    host.pulse.missed()

    assert not host.may_call_silent
    host.beats(2)
    assert not host.may_call_silent


def test_beat_is_good_for_the_silence_and_no_longer(host: Host) -> None:
    assert not host.pulse.is_good()
    host.pulse.confirmed(Beat(host.moment, host.now))

    host.moment += 6
    assert host.pulse.is_good()

    host.moment += 0.1
    assert not host.pulse.is_good()
