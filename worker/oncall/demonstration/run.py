"""One run: everything is sent, watched until it has ended, and read back."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select

from config.queues import Task
from worker.client import Client
from worker.oncall.demonstration.board import Board, Standing
from worker.oncall.demonstration.cases import BAD_STARTS, CASES, FOLLOW_UPS, FollowUp
from worker.oncall.demonstration.checks import Heard, Record
from worker.oncall.demonstration.people import Payload
from worker.oncall.demonstration.side import Side
from worker.operations.database import Database
from worker.operations.model import OPERATIONS

#: Seconds after the last expected event in which nothing more may come.
_AFTERWARDS: Final = 1.0
#: Seconds that a look at the stream waits for something new.
_LOOK: Final = 0.1
_UNITS: Final = {case.reference: case.unit_id for case in CASES}


class Run:
    """One side's messages on their way."""

    def __init__(
        self,
        side: Side,
        client: Client,
        database: Database,
        board: Board,
        say: Callable[[str, str], None],
    ) -> None:
        self.side = side
        self.record = Record()
        self._client = client
        self._database = database
        self._board = board
        self._say = say
        self._waiting = list(FOLLOW_UPS)

    def send(self) -> int:
        """Send what nothing else has to come before; return how many messages that is."""
        for bad in BAD_STARTS:
            self._say("also", f"{bad.reference}: {bad.what}")
        for start in (*CASES, *BAD_STARTS):
            self._start(start.reference, start.unit_id, start.payload)
        return len(CASES) + len(BAD_STARTS)

    def look(self) -> int:
        """Take in what is new on the stream, and follow it up; return how many events."""
        count = 0
        for event in self._read("live", _LOOK):
            count += self.record.add(event)
            self._board.hear(self.side, event)
            self._follow_up(event)
        return count

    def read_back(self) -> None:
        """Take in whatever stands on the stream, as somebody who comes later reads it."""
        for event in self._read("afterwards", 0.3):
            self.record.add(event)

    def standings(self) -> dict[str, Standing]:
        """Return how every operation stands."""
        columns = OPERATIONS.c
        with self._database.read() as connection:
            rows = connection.execute(
                select(columns.reference, columns.state, columns.attempt, columns.polls)
            ).all()
        return {row.reference: Standing(row.state, row.attempt, row.polls) for row in rows}

    @property
    def is_over(self) -> bool:
        """Whether everything expected has come."""
        return self.record.is_complete() and not self._waiting

    def _start(self, reference: str, unit_id: int, payload: Payload | None) -> None:
        self._client.moneta.start_identification(reference, self.side.unit(unit_id), payload)

    def _read(self, group: str, wait: float) -> Iterator[Heard]:
        """Yield what is new on the stream to a consumer group, as the marketplace reads it."""
        for event in self._client.events(group, "demo", block=wait, quiet=0.0):
            yield Heard(event.id, event.type, event.subject, event.data)

    def _follow_up(self, event: Heard) -> None:
        due = [
            each
            for each in self._waiting
            if (each.reference, each.after.value) == (event.subject, event.type)
        ]
        for each in due:
            self._waiting.remove(each)
            self._send(each, event.data)

    def _send(self, follow_up: FollowUp, data: Mapping[str, Any]) -> None:
        self._say("also", f"{follow_up.reference}: {follow_up.what}")
        if follow_up.task is Task.RETRY:
            self._client.retry(
                follow_up.reference,
                int(data["attempt"]),
                "demo",
                follow_up.what,
                follow_up.payload,
            )
            return
        self._start(follow_up.reference, _UNITS[follow_up.reference], follow_up.payload)


def watch(
    runs: Sequence[Run], board: Board, timeout: float, *, stopped: Callable[[], bool]
) -> bool:
    """Show all sides until everything has ended, or time is up; tell whether it has ended."""
    give_up = time.monotonic() + timeout
    quiet_since: float | None = None
    while not stopped() and time.monotonic() < give_up:
        if sum(run.look() for run in runs):
            quiet_since = None
        board.show({run.side: run.standings() for run in runs})
        if all(run.is_over for run in runs):
            quiet_since = quiet_since or time.monotonic()
            if time.monotonic() - quiet_since > _AFTERWARDS:
                return True
    return False


def calls(port: int) -> dict[str, Any]:
    """Return what the sandbox counted at MONETA: `{"requests": {…}, "units": {…}}`."""
    address = f"http://127.0.0.1:{port}/_sandbox/calls"
    with urllib.request.urlopen(address, timeout=10) as answer:
        counted: dict[str, Any] = json.load(answer)["moneta"]
    return counted
