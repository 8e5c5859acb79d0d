"""An errand: one chunk task, as those see it who look on."""

from dataclasses import dataclass, field

from uprid_client.names import Provider
from worker.domain.outcomes import Doubtful, NotSent, Outcome, Pending


@dataclass(eq=False)
class Errand:
    """What a chunk task claimed, and what its calls came to, in their order."""

    provider: Provider
    worker: str
    claimed: int = 0
    claimed_at: float = 0.0
    #: When it last had the provider's shared row in its hands, and when it had for its claim.
    row_at: float = 0.0
    granted_at: float = 0.0
    #: When its last answer came.
    heard_at: float = 0.0
    outcomes: list[Outcome | None] = field(default_factory=list)
    #: Whether the task is still at it.
    running: bool = True
    #: The provider's shared row was told of it.
    fed: bool = False

    @property
    def calls(self) -> int:
        """How many requests it took; a stumble counts for one."""
        return sum(1 if each is None else each.calls for each in self.outcomes)

    @property
    def failed_in_a_row(self) -> int:
        """Failures of the provider at the end of it."""
        count = 0
        for each in reversed(self.outcomes):
            if not _failed(each):
                break
            count += 1
        return count

    @property
    def any_answered(self) -> bool:
        """Whether anything got through."""
        return not all(map(_failed, self.outcomes))

    @property
    def rest(self) -> float:
        """Seconds that the provider asked for."""
        asked = [
            each.retry_after or 0.0
            for each in self.outcomes
            if isinstance(each, Pending | NotSent | Doubtful) and _failed(each)
        ]
        return max(asked, default=0.0)


def _failed(outcome: Outcome | None) -> bool:
    trouble = getattr(outcome, "trouble", None)
    return trouble is not None and trouble.feeds_breaker
