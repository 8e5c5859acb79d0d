"""The plugin Protocol: what the engine asks of every provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from config.polling import PollPolicy
from uprid_client.contract.given import Writing
from uprid_client.names import Provider
from worker.domain.outcomes import Outcome
from worker.domain.snapshot import CurrentAttempt
from worker.domain.start_data import StartData


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(CurrentAttempt):
    """One claimed operation, as a plugin sees it."""

    #: What was enqueued sealed, validated and opened; None where nothing was. To `prepare` and
    #: `submit` what started the operation, to `supply` the input.
    payload: Mapping[str, Any] | None = field(repr=False)
    #: The plugin's own memory of this attempt.
    progress: Mapping[str, Any]
    due_at: datetime
    #: The database's time when the chunk was claimed.
    now: datetime
    #: The provider's notifications that name this attempt, validated, oldest first. To `clear_up`,
    #: `poll` and `settle`.
    notifications: Sequence[Mapping[str, Any]] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard a provider may be worked."""

    rate_per_second: float
    chunk: int
    threads: int
    #: Seconds; no single request takes longer.
    total_timeout: float
    breaker_failures: int
    #: Seconds.
    breaker_reset: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `uprid doctor`."""

    what: str
    ok: bool
    detail: str
    #: Nothing is certainly wrong, and an engineer should look.
    is_warning: bool = False


class Plugin(Protocol):
    """A provider. Calls may come from several threads at once.

    None of them may raise for anything that a provider can answer or fail to answer: that is what
    outcomes are for.
    """

    @property
    def name(self) -> Provider:
        """The provider's name."""

    @property
    def policy(self) -> PollPolicy:
        """The poll schedule."""

    @property
    def limits(self) -> Limits:
        """How hard it may be worked."""

    def accept(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        payload: object | None,
        writing: Writing = Writing.TODAYS,
    ) -> StartData:
        """Validate a start message; raise `Refused` naming the fields, never the values."""

    def correct(
        self,
        kind: str,
        args: Mapping[str, Any],
        payload: object,
        writing: Writing = Writing.TODAYS,
    ) -> StartData:
        """Validate corrected data for a next attempt; raise `Refused` likewise."""

    def give_up_after(self, kind: str) -> float:
        """Return the seconds after which a submit that never got through is given up."""

    def resumed_for(self, kind: str, *, submitted: bool) -> float | None:
        """Return the seconds that an attempt gets when a person resumes it past its deadline.

        None: the deadline stays, because the attempt's end can be found out at any time.
        `submitted`: it is at the provider, or may be.
        """

    def last_look_before(self, deadline_in: float) -> float | None:
        """Return the seconds before an attempt's deadline at which it is polled once more.

        `deadline_in` is the attempt's whole time in seconds. None: no such poll.
        """

    def prepares(self, kind: str, progress: Mapping[str, Any]) -> bool:
        """Return whether a harmless step comes next: before the submit, or in its place.

        True: `prepare` is asked next, unmarked, and as often as needed. Cheap, and pure.
        """

    def prepare(self, work: Work) -> Outcome:
        """Do one harmless step: `Prepared`, or `Started` and `Finished` where it was the last.

        Trouble is `NotSent`; `Pending` without trouble is a provider that takes its time.
        """

    def submit(self, work: Work) -> Outcome:
        """Start the attempt at the provider. Called at most once for an attempt."""

    def supply(self, work: Work) -> Outcome:
        """Send the input that `work.payload` holds. Called at most once for an input.

        `NotSent` has the same input sent again; after any other outcome it counts as sent.
        """

    def carry_over(
        self, kind: str, progress: Mapping[str, Any], *, next_attempt: bool
    ) -> Mapping[str, Any]:
        """Return the part of `progress` that a resumed or a next attempt keeps."""

    def clear_up(self, work: Work) -> Outcome:
        """Find out, by a harmless call, whether a doubtful submit had its effect."""

    def poll(self, work: Work) -> Outcome:
        """Ask once how the attempt stands."""

    def settle(self, work: Work) -> Outcome:
        """Ask, past the deadline, how the attempt ended."""

    def look(self) -> Outcome:
        """Find out whether the host serves at all, by a request that has no effect.

        `Pending`, with `trouble` where it does not. Called for a sick provider that has no harmless
        call due.
        """

    def check(self) -> list[Finding]:
        """Check settings, reachability and clock without a call that is billed or has an effect."""

    def close(self) -> None:
        """Close what the plugin holds open. Called once, after its last call has ended."""
