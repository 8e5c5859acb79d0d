"""Databases whose clock a test puts forward, so that hours pass in no time."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from worker.store.database import Database


class TravellingDatabase(Database):
    """A real database; only its time is ahead of the host's, by as much as the test travelled."""

    def __init__(self, url: str) -> None:
        super().__init__(url, connections=8)
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """Return the database's time as the test has it."""
        return super().now() + self._ahead

    def measured_now(self, connection: Connection) -> datetime:
        """Return the database's time as the test has it."""
        return super().measured_now(connection) + self._ahead

    def travel(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead += timedelta(seconds=seconds)

    def travel_to(self, moment: datetime) -> None:
        """Let time pass until a moment; never back."""
        self.travel(max((moment - self.now()).total_seconds(), 0.0))


class StillDatabase(TravellingDatabase):
    """A database whose time passes only where the test lets it: work takes none of it.

    So what happens within some seconds does not depend on how fast the machine is.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._moment = super().now()

    def now(self) -> datetime:
        """Return the time that was travelled to."""
        return self._moment

    def measured_now(self, connection: Connection) -> datetime:
        """Return the time that was travelled to."""
        del connection
        return self._moment

    def travel(self, seconds: float) -> None:
        """Let time pass."""
        self._moment += timedelta(seconds=seconds)
