"""One run: everything is sent, watched until it has ended, and read back."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import select

from config.queues import Task
from worker.client import Client
from worker.oncall.demonstration.board import Board, Standing
from worker.oncall.demonstration.cases import BAD_STARTS, CASES, FOLLOW_UPS, FollowUp
from worker.oncall.demonstration.checks import Heard, Record
from worker.operations.database import Database
from worker.operations.model import OPERATIONS

#: Seconds after the last expected event in which nothing more may come.
_AFTERWARDS: Final = 1.0
#: Seconds that a look at the stream waits for something new.
_LOOK: Final = 0.1
_UNITS: Final = {case.reference: case.unit_id for case in CASES}


class Run:
    """The demo's messages on their way."""

    def __init__(
        self, client: Client, database: Database, board: Board, say: Callable[[str, str], None]
    ) -> None:
        self._client = client
        self._database = database
        self._board = board
        self._say = say
        self._waiting = list(FOLLOW_UPS)
        self.record = Record()

    def send(self) -> int:
        """Send what nothing else has to come before; return how many messages that is."""
        for bad in BAD_STARTS:
            self._say("also", f"{bad.reference}: {bad.what}")
        for start in (*CASES, *BAD_STARTS):
            self._client.moneta.start_identification(start.reference, start.unit_id, start.payload)
        return len(CASES) + len(BAD_STARTS)

    def watch(self, timeout: float, *, stopped: Callable[[], bool]) -> bool:
        """Show everything until it has ended, or time is up; tell whether it has ended."""
        give_up = time.monotonic() + timeout
        quiet_since: float | None = None
        while not stopped() and time.monotonic() < give_up:
            if self._look():
                quiet_since = None
            if self.record.is_complete() and not self._waiting:
                quiet_since = quiet_since or time.monotonic()
                if time.monotonic() - quiet_since > _AFTERWARDS:
                    return True
        return False

    def _look(self) -> int:
        """Take in what is new on the stream, and show how things stand; return how many events."""
        count = 0
        for event in read(self._client, "live", wait=_LOOK):
            count += self.record.add(event)
            self._board.hear(event)
            self._follow_up(event)
        self._board.show(standings(self._database))
        return count

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
        self._client.moneta.start_identification(
            follow_up.reference, _UNITS[follow_up.reference], follow_up.payload
        )


def read(client: Client, group: str, *, wait: float) -> Iterator[Heard]:
    """Yield what is new on the stream to a consumer group, as the marketplace reads it."""
    for event in client.events(group, "demo", block=wait, quiet=0.0):
        yield Heard(event.id, event.type, event.subject, event.data)


def standings(database: Database) -> dict[str, Standing]:
    """Return how every operation stands."""
    columns = OPERATIONS.c
    with database.read() as connection:
        rows = connection.execute(
            select(columns.reference, columns.state, columns.attempt, columns.polls)
        ).all()
    return {row.reference: Standing(row.state, row.attempt, row.polls) for row in rows}


def calls(port: int) -> dict[str, Any]:
    """Return what the sandbox counted at MONETA: `{"requests": {…}, "units": {…}}`."""
    address = f"http://127.0.0.1:{port}/_sandbox/calls"
    with urllib.request.urlopen(address, timeout=10) as answer:
        counted: dict[str, Any] = json.load(answer)["moneta"]
    return counted
