"""An errand: one chunk task, as the invariants see it."""

from dataclasses import dataclass, field

from uprid_client.names import Provider
from worker.domain.outcomes import Doubtful, NotSent, Outcome, Pending


@dataclass(eq=False)
class Errand:
    """What a chunk task claimed, and the outcomes of its calls in their order."""

    provider: Provider
    worker: str
    claimed: int = 0
    claimed_at: float = 0.0
    #: When it last locked the provider's shared row, and when it did so for its claim.
    row_at: float = 0.0
    granted_at: float = 0.0
    #: When its last answer came.
    heard_at: float = 0.0
    outcomes: list[Outcome | None] = field(default_factory=list)
    #: Whether the task still runs.
    running: bool = True
    #: Whether its outcomes were fed into the provider's shared row.
    fed: bool = False

    @property
    def calls(self) -> int:
        """The number of requests. A call that our own code failed on counts as one."""
        return sum(1 if each is None else each.calls for each in self.outcomes)

    @property
    def failed_in_a_row(self) -> int:
        """The provider's failures in a row at its end."""
        count = 0
        for each in reversed(self.outcomes):
            if not _failed(each):
                break
            count += 1
        return count

    @property
    def any_answered(self) -> bool:
        """Whether the provider answered any call."""
        return not all(map(_failed, self.outcomes))

    @property
    def rest(self) -> float:
        """The longest wait in seconds that the provider asked for."""
        asked = [
            each.retry_after or 0.0
            for each in self.outcomes
            if isinstance(each, Pending | NotSent | Doubtful) and _failed(each)
        ]
        return max(asked, default=0.0)


def _failed(outcome: Outcome | None) -> bool:
    trouble = getattr(outcome, "trouble", None)
    return trouble is not None and trouble.feeds_breaker
