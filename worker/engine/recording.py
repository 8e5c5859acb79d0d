"""Recording: decides and writes what a chunk's answers mean, and wakes what is due next."""

from collections.abc import Sequence
from datetime import datetime

from config.queues import Wake
from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.engine.calls import Answer
from worker.engine.chunk import Chunk
from worker.engine.decisions import decide
from worker.engine.environment import Environment
from worker.engine.parts import Incarnation, Relay, Sealing
from worker.engine.result_writer import ResultWriter
from worker.engine.wakeups import Wakeups
from worker.providers.protocol import Plugin
from worker.store.changes import Transition, Unchanged
from worker.store.database import Database


class Recorder:
    """Writes the answers of one process's chunks, as they come."""

    def __init__(
        self,
        database: Database,
        wakeups: Wakeups,
        relay: Relay,
        incarnation: Incarnation,
        sealing: Sealing,
        environment: Environment,
    ) -> None:
        self._database = database
        self._wakeups = wakeups
        self._relay = relay
        self._incarnation = incarnation
        self._sealing = sealing
        self._environment = environment
        self._result_writer = ResultWriter(database, incarnation, environment)

    def record(
        self, plugin: Plugin, chunk: Chunk, answers: Sequence[Answer], unwritten: set[str]
    ) -> None:
        """Write the outcomes of the answers; raise the database's error.

        `unwritten`: the chunk's operations that are not written yet; those of the answers leave it.
        """
        now = self._database.now()
        changes = self._decided(plugin, chunk, answers, now)
        unchanged = [change for change in changes if isinstance(change, Unchanged)]
        transitions = [change for change in changes if isinstance(change, Transition)]
        written = self._result_writer.write(chunk.lease_id, unchanged, transitions, now)
        unwritten.difference_update(answer.snapshot.id for answer in answers)
        self._incarnation.renew(chunk.lease_id)
        late = [
            transition
            for transition in transitions
            if transition.snapshot.id not in written and transition.events
        ]
        self._result_writer.write_late_answers(late, now)
        ours = [change for change in changes if change.snapshot.id in written]
        self._wake_next(plugin.name, ours, now)
        if any(written.values()):
            # They were asked for while they were being worked on.
            self._wakeups.soon(plugin.name, now)
        if late or any(transition.events for transition in transitions):
            self._relay.wake()

    def _decided(
        self, plugin: Plugin, chunk: Chunk, answers: Sequence[Answer], now: datetime
    ) -> list[Unchanged | Transition]:
        changes = []
        for answer in answers:
            try:
                changes.append(
                    decide(answer, plugin, now, self._environment.draw(), self._sealing.seal_bytes)
                )
            except Exception as error:  # noqa: BLE001 - one operation's trouble, never its chunk's
                self._result_writer.refused(chunk.lease_id, answer.snapshot, error)
        return changes

    def _wake_next(
        self, provider: Provider, written: Sequence[Unchanged | Transition], now: datetime
    ) -> None:
        polls: list[datetime] = []
        settlements: list[datetime] = []
        at_once = False
        for change in written:
            if change.due_at is not None:
                state = change.state if isinstance(change, Transition) else change.snapshot.state
                (settlements if state is State.SETTLING else polls).append(change.due_at)
                # The next step or the next page, which must not wait for a whole slot.
                at_once = at_once or change.due_at <= now
        if at_once:
            self._wakeups.soon(provider, now)
        if polls:
            self._wakeups.at(provider, Wake.POLL, polls)
        if settlements:
            self._wakeups.at(provider, Wake.SETTLE, settlements)
