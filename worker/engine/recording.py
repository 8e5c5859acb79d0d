"""Recording: what a chunk's answers come to is decided and written, and what is next is woken."""

from collections.abc import Sequence
from datetime import datetime

from config.queues import Provider, Wake
from worker.domain.states import State
from worker.engine.calls import Answer
from worker.engine.chunk import Chunk
from worker.engine.decisions import decide
from worker.engine.environment import Host
from worker.engine.parts import Leaseholder, Relay, Sealing
from worker.engine.result_writer import Pen
from worker.engine.wakeups import Wakes
from worker.providers.base import Plugin
from worker.store.changes import Move, Stay
from worker.store.database import Database


class Recorder:
    """Writes the answers of one process's chunks, as they come."""

    def __init__(
        self,
        database: Database,
        wakes: Wakes,
        relay: Relay,
        leaseholder: Leaseholder,
        sealing: Sealing,
        host: Host,
    ) -> None:
        self._database = database
        self._wakes = wakes
        self._relay = relay
        self._leaseholder = leaseholder
        self._sealing = sealing
        self._host = host
        self._pen = Pen(database, leaseholder, host)

    def record(
        self, plugin: Plugin, chunk: Chunk, answers: Sequence[Answer], unwritten: set[str]
    ) -> None:
        """Write what the answers come to; raise the database's error.

        `unwritten`: the chunk's operations that are not written yet; those of the answers leave it.
        """
        now = self._database.now()
        changes = self._decided(plugin, chunk, answers, now)
        stays = [change for change in changes if isinstance(change, Stay)]
        moves = [change for change in changes if isinstance(change, Move)]
        written = self._pen.write(chunk.token, stays, moves, now)
        unwritten.difference_update(answer.claimed.id for answer in answers)
        self._leaseholder.renew(chunk.token)
        late = [move for move in moves if move.claimed.id not in written and move.events]
        self._pen.tell_late(late, now)
        ours = [change for change in changes if change.claimed.id in written]
        self._wake_next(plugin.name, ours, now)
        if any(written.values()):
            # They were asked for while they were being worked on.
            self._wakes.soon(plugin.name, now)
        if late or any(move.events for move in moves):
            self._relay.wake()

    def _decided(
        self, plugin: Plugin, chunk: Chunk, answers: Sequence[Answer], now: datetime
    ) -> list[Stay | Move]:
        changes = []
        for answer in answers:
            try:
                changes.append(
                    decide(answer, plugin, now, self._host.draw(), self._sealing.seal_bytes)
                )
            except Exception as error:  # noqa: BLE001 - one operation's trouble, never its chunk's
                self._pen.refused(chunk.token, answer.claimed, error)
        return changes

    def _wake_next(self, provider: Provider, written: Sequence[Stay | Move], now: datetime) -> None:
        polls: list[datetime] = []
        settlements: list[datetime] = []
        at_once = False
        for change in written:
            if change.due_at is not None:
                state = change.state if isinstance(change, Move) else change.claimed.state
                (settlements if state is State.SETTLING else polls).append(change.due_at)
                # The next step or the next page: not to be held up for a whole slot.
                at_once = at_once or change.due_at <= now
        if at_once:
            self._wakes.soon(provider, now)
        if polls:
            self._wakes.at(provider, Wake.POLL, polls)
        if settlements:
            self._wakes.at(provider, Wake.SETTLE, settlements)
