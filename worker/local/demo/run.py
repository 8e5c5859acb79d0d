"""One run: everything is sent, watched until it has ended, and read back."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sqlalchemy import select

from uprid_client import Client
from worker.local.demo.board import Board, ShownState
from worker.local.demo.cases.shape import BadStart, Case, FollowUp
from worker.local.demo.checks import is_complete, plays_of
from worker.local.demo.mail import Mail
from worker.local.demo.record import ReceivedEvent, Record
from worker.local.demo.sending import send
from worker.local.demo.side import Side
from worker.store.database import Database
from worker.store.tables import OPERATIONS

#: Seconds after the last expected event in which nothing more may come.
_AFTERWARDS: Final = 1.0
#: Seconds that a look at the stream waits for something new.
_LOOK: Final = 0.1


class Run:
    """One side's messages on their way."""

    def __init__(
        self,
        side: Side,
        client: Client,
        database: Database,
        mail: Mail | None,
        board: Board,
        say: Callable[[str, str], None],
    ) -> None:
        self.side = side
        self.record = Record()
        self._client = client
        self._database = database
        self._mail = mail
        self._board = board
        self._say = say
        self._plays = plays_of(side)
        self._waiting = [each for play in self._plays for each in play.follow_ups]

    def send(self) -> int:
        """Send what nothing else has to come before; return how many messages that is."""
        starts: list[Case | BadStart] = []
        for play in self._plays:
            starts += [*play.cases, *play.bad_starts]
            for bad in play.bad_starts:
                self._say("also", f"{bad.reference}: {bad.what}")
        for each in starts:
            send(self._client, self.side, each.reference, each.start, each.what)
        return len(starts)

    def look(self) -> int:
        """Take in what is new on the stream, and follow it up; return how many events."""
        count = 0
        for event in self._read("live", _LOOK):
            if self.record.add(event):
                count += 1
                self._board.receive(self.side, event)
                self._follow_up(event)
        self._pass_on()
        return count

    def read_back(self) -> None:
        """Read the whole stream again, as a consumer that comes later reads it."""
        for event in self._read("afterwards", 0.3):
            self.record.add(event)

    def states(self) -> dict[str, ShownState]:
        """Return the state of every operation."""
        columns = OPERATIONS.c
        with self._database.read() as connection:
            rows = connection.execute(
                select(columns.reference, columns.state, columns.attempt, columns.polls)
            ).all()
        return {row.reference: ShownState(row.state, row.attempt, row.polls) for row in rows}

    @property
    def is_over(self) -> bool:
        """Whether everything expected has come."""
        return is_complete(self.record, self.side) and not self._waiting

    def _read(self, group: str, wait: float) -> Iterator[ReceivedEvent]:
        """Yield what is new on the stream to a consumer group, as the marketplace reads it."""
        for event in self._client.events(group, "demo", block=wait, quiet=0.0):
            yield ReceivedEvent(event.id, event.type, event.subject, event.data)

    def _pass_on(self) -> None:
        if self._mail is None:
            return
        for reference, notification in self._mail.due(self.record):
            self._say("also", f"{reference}: NPD's notification is passed on")
            self._client.npd.receive_notification(notification)

    def _follow_up(self, event: ReceivedEvent) -> None:
        due = [each for each in self._waiting if self._is_due(each, event)]
        for each in due:
            self._waiting.remove(each)
            self._say("also", f"{each.reference}: {each.what}")
            attempt = int(event.data["attempt"])
            send(self._client, self.side, each.reference, each.message, each.what, attempt)

    def _is_due(self, each: FollowUp, event: ReceivedEvent) -> bool:
        return (each.reference, each.after.value) == (
            event.subject,
            event.type,
        ) and self.record.count(each.reference, each.after) == each.nth


def watch(
    runs: Sequence[Run], board: Board, timeout: float, *, stopped: Callable[[], bool]
) -> bool:
    """Show all sides until everything has ended, or time is up; return whether it has ended."""
    give_up = time.monotonic() + timeout
    quiet_since: float | None = None
    while not stopped() and time.monotonic() < give_up:
        if sum(run.look() for run in runs):
            quiet_since = None
        board.show({run.side: run.states() for run in runs})
        if all(run.is_over for run in runs):
            quiet_since = quiet_since or time.monotonic()
            if time.monotonic() - quiet_since > _AFTERWARDS:
                return True
    return False
