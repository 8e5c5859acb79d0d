"""The mutation check: the engine is broken on purpose, one promise at a time.

A simulation that finds nothing may be blind. Each mutation is a mistake that a careful engineer
could make, and the simulation has to notice it (tests/harnesses/simulation/test_mutations.py). In
this module a whole step is left out. Mistakes in one place of a line are in mistakes.py.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, Select, select, text, update

from config.queues import Wake
from tests.harnesses.simulation.breaking import Mutation
from tests.harnesses.simulation.mistakes import MISTAKES
from uprid_client.contract.states import State
from uprid_client.errors import BrokerUnavailable
from uprid_client.names import Provider
from worker.domain.outcomes import Doubtful
from worker.engine import admission, decisions, engine, sweep, wakeups
from worker.engine.slots import slot_of, slots_of
from worker.providers.protocol import Limits
from worker.store import claims, input_delivery, leases, messages, outbox, transitions, writeback
from worker.store.bulk import Bulk
from worker.store.changes import Transition
from worker.store.claims import Shared
from worker.store.input_delivery import Supplying
from worker.store.messages import Taken
from worker.store.outbox import Line
from worker.store.tables import INPUTS, OPERATIONS
from worker.stream import relay
from worker.stream.stream import Appended

Rows = Iterable[Mapping[str, Any]]


class _Unfenced:
    """A bulk statement that writes to a row without checking whose lease it is."""

    def __init__(self, fenced: Bulk) -> None:
        self._fenced = fenced
        self._broken = copy(fenced)
        unfenced = str(fenced._sqlite).replace(transitions.OURS, ":lease_id = :lease_id")
        self._broken._sqlite = self._broken._postgres = text(unfenced)

    def execute(
        self, connection: Connection, rows: Rows, **parameters: object
    ) -> CursorResult[Any]:
        return self._broken.execute(connection, rows, **parameters)


def _mark_first(
    self: wakeups.Wakeups,
    provider: Provider,
    wake: Wake,
    dues: Iterable[datetime],
    width: timedelta,
) -> None:
    now = self._clock.now()
    slots = {wakeups._marker(provider, wake, slot): slot for slot in slots_of(dues, now, width)}
    try:
        new = sorted(slots.keys() - self._publisher.marked(list(slots)))
        self._publisher.mark(new, (2 * self._longest).total_seconds())
        for name in new:
            self._publish(provider, wake, slots[name], now)
    except BrokerUnavailable:
        return


def _believe_markers(self: sweep.Sweep) -> None:
    now, width = self._database.now(), self._timing.slot
    forgotten = now - 3 * width
    with self._database.read() as connection:
        found = connection.execute(
            select(OPERATIONS.c.provider, OPERATIONS.c.due_at).where(
                OPERATIONS.c.due_at < forgotten, OPERATIONS.c.lease_token.is_(None)
            )
        ).all()
    for provider, due in found:
        name = wakeups._marker(Provider(provider), Wake.POLL, slot_of(due, due, width))
        if not self._wakeups._publisher.marked([name]):
            self._wakeups.now(Provider(provider))


def _submit_again(self: decisions._Decision, outcome: Doubtful) -> Transition:
    due = self.rest(outcome.retry_after, self.backoff())
    return self._transition(
        State.ACCEPTED, due_at=due, consecutive_failures=self.consecutive_failures + 1
    )


_accept = messages.accept


def _accept_again(connection: Connection, start: messages.NewOperation, now: datetime) -> Taken:
    taken = _accept(connection, start, now)
    if taken is Taken.KNOWN:
        connection.execute(
            update(OPERATIONS)
            .where(OPERATIONS.c.reference == start.reference)
            .values(state=State.ACCEPTED.value, due_at=now, lane=0)
        )
    return taken


def _mark_published_first(self: relay.Relay) -> int:
    with self._database.read() as connection:
        lines = outbox.unpublished(connection, 200)
    with self._database.begin() as connection:
        outbox.mark_published(connection, {line.seq: relay.padded("1-1") for line in lines})
        known = outbox.position(connection, self._stream.name)
    self._append(lines, known)
    return len(lines)


def _trust_server(
    self: relay.Relay, lines: Sequence[Line], known: object, *, deduplicate: bool = True
) -> Appended:
    del known
    return self._stream.append(
        lines, mark="", last_id="0-0", new_mark="mark", deduplicate=deduplicate
    )


def _due_or_not(provider: str, now: datetime) -> Select[tuple[str]]:
    del now
    return select(OPERATIONS.c.id).where(
        OPERATIONS.c.provider == provider,
        OPERATIONS.c.due_at.is_not(None),
        OPERATIONS.c.lease_token.is_(None),
    )


def _never_open(shared: Shared, health: object, limits: object, now: object, left: float) -> Shared:
    del health, limits, now
    tokens = shared.tokens + left
    return replace(shared, failures=0, closed_until=None, probing_until=None, tokens=tokens)


def _always_full(shared: object, limits: Limits, now: object) -> float:
    del shared, now
    return admission.capacity(limits)


def _give_all_back(claimed: int, calls: int, passed: float, limits: Limits) -> float:
    del passed, limits
    return float(claimed - calls)


def _supply_unmarked(
    connection: Connection, operation_id: str, attempt: int, lease_id: str, now: datetime
) -> Supplying | None:
    del lease_id, now
    found = connection.execute(
        select(INPUTS.c.id, INPUTS.c.sealed).where(
            INPUTS.c.operation_id == operation_id,
            INPUTS.c.attempt == attempt,
            INPUTS.c.sealed.is_not(None),
        )
    ).first()
    if found is None:
        connection.execute(
            update(OPERATIONS).where(OPERATIONS.c.id == operation_id).values(inputs_waiting=0)
        )
        return None
    return Supplying(found.id, found.sealed)


def _nothing(result: object) -> Callable[..., Any]:
    def done(*_: object, **__: object) -> object:
        return result

    return done


MUTATIONS: Final[Mapping[str, Mutation]] = {
    "skip-the-fence": Mutation(
        "write-backs are not fenced by the lease's id", "3, 4: a lost lease writes nothing",
        [(writeback, "_UNCHANGED", _Unfenced(writeback._UNCHANGED)),
         (transitions, "_TRANSITION", _Unfenced(transitions._TRANSITION))],
    ),
    "forget-the-outbox": Mutation(
        "a transition writes no event", "5: state and event in one transaction",
        [(transitions, "_add_events", _nothing(None))],
    ),
    "mark-before-publish": Mutation(
        "a slot's marker is set before its message is published", "4: publish, then mark",
        [(wakeups.Wakeups, "_once", _mark_first)],
    ),
    "trust-the-marker": Mutation(
        "the sweep wakes no slot that is marked", "4: polling resumes in seconds",
        [(sweep.Sweep, "_wake_overdue", _believe_markers)],
    ),
    "free-no-leases": Mutation(
        "the sweep leaves the leases of silent workers", "2, 4: no lease is held without end",
        [(leases, "free_silent", _nothing(0))],
    ),
    "abandon-nothing": Mutation(
        "the operations of a chunk that was given up are not given back",
        "2, 4: no lease is held without end",
        [(leases, "lease_ids_of", _nothing([]))],
    ),
    "submit-unmarked": Mutation(
        "a submit is not marked before it is sent", "3: a billed call is made once",
        [(engine.Engine, "_mark", _nothing(result=True))],
    ),
    "submit-again-in-doubt": Mutation(
        "a doubtful submit is simply repeated", "3: a billed call is made once",
        [(decisions._Decision, "doubtful", _submit_again)],
    ),
    "supply-unmarked": Mutation(
        "a code is not marked before it is sent", "3: a billed call is made once",
        [(input_delivery, "mark_supplying", _supply_unmarked)],
    ),
    "take-every-message": Mutation(
        "a known reference starts its operation again", "1: one reference, one operation",
        [(messages, "accept", _accept_again)],
    ),
    "mark-before-append": Mutation(
        "the relay marks events as published before it appends them",
        "2, 5: every event is published",
        [(relay.Relay, "_publish_all", _mark_published_first)],
    ),
    "trust-the-stream": Mutation(
        "the relay never checks whether the server lost data", "4: the stream is filled again",
        [(relay.Relay, "_append", _trust_server), (relay.Relay, "verify", _nothing(0))],
    ),
    "append-every-time": Mutation(
        "the relay's append does not look for doubles", "5: an event is on the stream once",
        [(relay.Relay._append, "__kwdefaults__", {"deduplicate": False})],
    ),
    "claim-what-is-not-due": Mutation(
        "a claim takes operations that are not due yet", "no more polls than the schedule allows",
        [(claims, "_due", _due_or_not)],
    ),
    "park-no-poison": Mutation(
        "an operation that kills its workers is claimed without end",
        "4, 8: poison waits for a person",
        [(leases, "park_poison", _nothing([]))],
    ),
    "never-open-the-breaker": Mutation(
        "failures are not counted", "8: a sick provider is left alone",
        [(admission, "fed", _never_open)],
    ),
    "ignore-the-rate": Mutation(
        "the bucket is always full", "8: the rate is never exceeded",
        [(admission, "refilled", _always_full)],
    ),
    "give-tokens-back-twice": Mutation(
        "a chunk gives back tokens that came back by themselves", "8: the rate is never exceeded",
        [(admission, "returned", _give_all_back)],
    ),
    **MISTAKES,
}  # fmt: skip
