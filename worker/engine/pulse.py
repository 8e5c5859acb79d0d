"""The pulse: whether this process's beats came through so steadily that it may judge the others."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat that was confirmed: when it began by this host's clock, and by the database's."""

    began: float
    at: datetime


class Pulse:
    """The beats of one process. For one thread that beats, and others that ask.

    A database that stands still takes no beat. When it goes on, all processes look silent until
    they beat again. The same happens when the database's clock is put forward. A process that could
    not beat meanwhile knows that: it calls no other one silent until it has beaten steadily for as
    long as the others may be silent.
    """

    def __init__(
        self, every: timedelta, silence: timedelta, monotonic: Callable[[], float]
    ) -> None:
        self._silence = silence.total_seconds()
        # Another one's last beat is older by one pause than what this process knows to have gone
        # through: half the silence and one pause are less than the whole. Never less than a pause
        # itself, or it would never judge.
        self._steady = max(self._silence / 2, 1.25 * every.total_seconds())
        self._monotonic = monotonic
        self._steady_since: float | None = None
        self.last: Beat | None = None

    def confirmed(self, beat: Beat) -> None:
        """Note a beat that was just committed."""
        if not self._is_steady(beat.at):
            self._steady_since = None
        self.last = beat
        if self._monotonic() - beat.began > self._steady:
            self._steady_since = None
        elif self._steady_since is None:
            self._steady_since = beat.began

    def missed(self) -> None:
        """Note a beat that was not committed, as far as this process knows."""
        self._steady_since = None

    def is_good(self) -> bool:
        """Return whether the last beat is recent enough that others take this process for alive."""
        last = self.last
        return last is not None and self._monotonic() - last.began <= self._silence

    def may_call_silent(self, now: datetime) -> bool:
        """Return whether a process without a beat in the silence before `now` may be called silent.

        `now` is the database's time, asked for just before.
        """
        since = self._steady_since
        return (
            since is not None
            and self._monotonic() - since >= self._silence
            and self._is_steady(now)
        )

    def _is_steady(self, now: datetime) -> bool:
        """Return whether the last beat is recent by both clocks."""
        last = self.last
        return (
            last is not None
            and self._monotonic() - last.began <= self._steady
            and (now - last.at).total_seconds() <= self._steady
        )
