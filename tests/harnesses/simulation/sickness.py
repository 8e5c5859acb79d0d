"""Faults of the database's server: it is away, takes no writes, or stands still."""

from tests.harnesses.simulation import refusals
from tests.harnesses.simulation.kernel import Kernel
from tests.harnesses.simulation.transactions import Transactions


class Sickness:
    """The state of the server, the same for all processes."""

    def __init__(self, kernel: Kernel, transactions: Transactions) -> None:
        self._kernel = kernel
        self._transactions = transactions
        #: Seconds. Until then every connection is refused.
        self.away_until = 0.0
        #: Until then no write is taken.
        self.read_only_until = 0.0
        #: Until then nothing is answered.
        self.stalled_until = 0.0

    def go_away(self, lasting: float) -> None:
        """End all open transactions, and refuse connections for a while."""
        self._kernel.say("database away for", lasting)
        self.away_until = self._kernel.seconds + lasting
        self.end_all(refusals.SHUTDOWN)

    def end_all(self, sqlstate: str) -> None:
        """End every open transaction. Nothing of it is left."""
        if self._transactions.terminate(sqlstate):
            self._kernel.happened("transaction cut off by its server")

    def close_to_writes(self, lasting: float) -> None:
        """Take no writes for a while."""
        self._kernel.say("database read-only for", lasting)
        self.read_only_until = self._kernel.seconds + lasting

    def stand_still(self, lasting: float) -> None:
        """Answer nothing for a while, and lose nothing."""
        self._kernel.say("database stands still for", lasting)
        self.stalled_until = self._kernel.seconds + lasting

    def recover(self) -> None:
        """End every fault."""
        self.away_until = self.read_only_until = self.stalled_until = 0.0

    def reach(self) -> None:
        """Raise if the server cannot be reached."""
        if self._kernel.seconds < self.away_until:
            raise refusals.of(refusals.STARTING)

    def take_write(self) -> None:
        """Raise if no write is taken."""
        if self._kernel.seconds < self.read_only_until:
            self._kernel.happened("write refused: read-only")
            raise refusals.of(refusals.READ_ONLY)

    @property
    def stalled_for(self) -> float:
        """Seconds for which it still stands still."""
        return max(self.stalled_until - self._kernel.seconds, 0.0)
