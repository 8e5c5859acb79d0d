"""Invariants of what is stored beside an operation's row.

Such are its codes, attempts, notifications and events, and the rest of its provider. `Rows` checks
how an operation changes. This module checks that everything which is stored about it agrees, and
that nothing is forgotten which was learned of it or of its provider.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.harnesses.simulation.calls import SLACK
from tests.harnesses.simulation.database import store
from tests.harnesses.simulation.kernel import BEGIN
from tests.harnesses.simulation.rows import text
from tests.harnesses.simulation.spots import spot_of, spots_in
from tests.harnesses.simulation.transactions import Transaction
from tests.harnesses.simulation.violation import require
from uprid_client.contract.events import EventType
from uprid_client.contract.states import TERMINAL, State
from uprid_client.names import Provider
from worker.domain.outcomes import Misconfigured, NotSent
from worker.domain.states import LIVE
from worker.engine.engine import Engine
from worker.engine.incarnation import Incarnation
from worker.engine.result_writer import ResultWriter
from worker.intake import actions
from worker.providers.mandarin.code_state import CODES
from worker.store import fail_over

if TYPE_CHECKING:
    from tests.harnesses.simulation.world import World

_OPERATIONS: Final = (
    "SELECT id, reference, provider, state, attempt, due_at, deadline_at, lease_token, claims,"
    " waiting_from, provider_ref, inputs_sent, inputs_waiting, notices, wanted_at"
    " FROM operation ORDER BY id"
)
_EVENT: Final = "SELECT operation_id, type FROM outbox WHERE seq = ?"
_CODES: Final = (
    "SELECT count(*), count(sent_at), coalesce(sum(sent_at IS NULL AND sealed IS NOT NULL), 0)"
    " FROM input WHERE operation_id = ? AND attempt = ?"
)
_ATTEMPT: Final = "SELECT ended_as, finished_at FROM attempt WHERE operation_id = ? AND number = ?"
#: Notifications that belong to an attempt and were not joined with it.
_LOST_NOTIFICATIONS: Final = (
    "SELECT a.operation_id, a.number, n.provider_ref FROM notice n JOIN attempt a"
    " ON a.provider_ref = n.provider_ref AND a.party = n.party WHERE n.operation_id IS NULL"
)
_RESTS: Final = "SELECT name, closed_until FROM provider"
#: Claims in a row without a write-back after which an operation is worked on alone, and after which
#: it waits for an engineer. Written here again, because the product's own numbers may be wrong.
_ALONE: Final = 2
_POISON: Final = 4
#: Spots at which an answer is stored.
_ANSWERS: Final = {spot_of(ResultWriter._write), spot_of(ResultWriter._one_by_one)}
_BEAT: Final = spot_of(Incarnation.beat)
#: Spots at which a lease is given up as if there had been no claim.
_UNCLAIMED: Final = {spot_of(Engine._give_back), _BEAT}
#: Spots at which a person acts on an operation, which clears its claims.
_CLEARED: Final = (spots_in(actions), spots_in(fail_over))


@dataclass(frozen=True, slots=True)
class Fact:
    """An operation, with the columns that other rows must agree with."""

    id: str
    reference: str
    provider: str
    state: str
    attempt: int
    due_at: str | None
    deadline_at: str | None
    lease_token: str | None
    claims: int
    waiting_from: str | None
    provider_ref: str | None
    inputs_sent: int
    inputs_waiting: int
    notices: int
    wanted_at: str | None


class Facts:
    """Checks after every commit that related rows agree."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._changes = -1
        #: Numbers of outbox rows. They are not committed in their order.
        self._seen: set[int] = set()
        self._facts: dict[str, Fact] = {}
        self._rests: dict[str, str | None] = {}
        #: Each operation as it was at its last claim.
        self._claimed: dict[str, Fact] = {}
        self._started: set[tuple[str, int]] = set()

    def committed(self, spot: str, transaction: Transaction) -> None:
        """Check what a transaction did."""
        raw = store().raw
        if raw.total_changes == self._changes:
            return
        self._changes = raw.total_changes
        told = self._told_by(transaction)
        facts = {row[0]: Fact(*row) for row in raw.execute(_OPERATIONS)}
        changed = [each for each in facts.values() if each != self._facts.get(each.id)]
        for fact in changed:
            before = self._facts.get(fact.id)
            self._belongs(fact)
            self._told(before, fact, told.get(fact.id, Counter()))
            if before is not None:
                self._counted(before, fact, spot)
                self._kept(before, fact, spot)
        taken = [each for each in changed if self._is_taken(each)]
        suspects = [each for each in taken if self._facts[each.id].claims >= _ALONE]
        require(not suspects or len(taken) == 1, "a suspect is worked on alone", taken)
        self._rest(dict(raw.execute(_RESTS)), spot)
        self._facts = facts

    def put_back(self) -> None:
        """Start again from what the database has: it has lost commits."""
        raw = store().raw
        self._changes = raw.total_changes
        self._seen = {row[0] for row in raw.execute("SELECT seq FROM outbox")}
        self._facts = {row[0]: Fact(*row) for row in raw.execute(_OPERATIONS)}
        self._claimed = {id_: fact for id_, fact in self._facts.items() if fact.lease_token}
        self._rests = dict(raw.execute(_RESTS))
        started = "SELECT operation_id, attempt FROM outbox WHERE type = ?"
        self._started = set(raw.execute(started, (EventType.STARTED.value,)).fetchall())
        self._world.people.starts.put_back(self._world.taken)

    def judge(self) -> None:
        """Check at the end of a seed."""
        lost = store().raw.execute(_LOST_NOTIFICATIONS).fetchall()
        require(not lost, "a notification finds its attempt", lost)
        self._world.people.starts.judge(self._world.taken)

    def _told_by(self, transaction: Transaction) -> dict[str | None, Counter[str]]:
        """Return how many events of each type a transaction wrote, by operation."""
        told: dict[str | None, Counter[str]] = {}
        for table, *key in transaction.touched:
            if table == "outbox" and key[0] not in self._seen:
                self._seen.add(key[0])
                for id_, kind in store().raw.execute(_EVENT, key).fetchall():
                    told.setdefault(id_, Counter())[kind] += 1
        return told

    def _belongs(self, fact: Fact) -> None:
        """Compare an operation with its codes, its attempt and the provider's own record."""
        raw, state = store().raw, State(fact.state)
        count, sent, waiting = raw.execute(_CODES, (fact.id, fact.attempt)).fetchone()
        require(count <= CODES, "a sixth code is refused", fact, count)
        if state in LIVE:
            counted = (fact.inputs_sent, fact.inputs_waiting)
            require(counted == (sent, waiting), "codes are counted", fact, sent, waiting)
        require(
            fact.waiting_from is None or state is State.WAITING_FOR_PERSON,
            "a waiting operation stores its earlier state", fact,
        )  # fmt: skip
        ended, finished = raw.execute(_ATTEMPT, (fact.id, fact.attempt)).fetchone()
        told = (state.value, True) if state in TERMINAL else (None, False)
        require(
            (ended, finished is not None) == told, "an attempt ends with its operation",
            fact, ended, finished,
        )  # fmt: skip
        if fact.provider_ref is not None:
            begun = self._world.servers[Provider(fact.provider)].tasks.get(fact.provider_ref)
            its_own = begun is not None and (begun.reference, begun.attempt) == (
                fact.reference, fact.attempt,
            )  # fmt: skip
            require(its_own, "an answer belongs to its own attempt", fact, begun)
        if state is State.POLLING:
            require(fact.provider_ref, "a polled operation has the provider's id", fact)
            latest = max(fact.deadline_at or "9", self._text(SLACK))
            require((fact.due_at or "") <= latest, "no poll is planned past its deadline", fact)

    def _told(self, before: Fact | None, fact: Fact, told: Counter[str]) -> None:
        """Check that the events say what happened."""
        waits = fact.state == State.WAITING_FOR_PERSON
        begins = waits and (before is None or before.state != fact.state)
        require(
            told[EventType.WAITING_FOR_PERSON] == int(begins),
            "a wait is published once",
            before,
            fact,
        )
        if begins and before is not None:
            require(
                fact.waiting_from == before.state,
                "a waiting operation stores its earlier state", before, fact,
            )  # fmt: skip
        if told[EventType.STARTED]:
            key = (fact.id, fact.attempt)
            require(key not in self._started, "a start is published once", fact)
            self._started.add(key)

    def _counted(self, before: Fact, fact: Fact, spot: str) -> None:
        """Check the number of claims in a row without a write-back."""
        if self._is_taken(fact):
            self._claimed[fact.id] = fact
            allowed = {before.claims + 1}
        elif fact.state == State.WAITING_FOR_PERSON != before.state:
            allowed = {0}
            require(
                spot in _ANSWERS or before.claims >= _POISON, "only poison is parked", before, fact
            )
        elif spot in _ANSWERS and before.lease_token is not None and fact.lease_token is None:
            allowed = {0}
        elif spot in _UNCLAIMED and before.lease_token is not None:
            allowed = {before.claims - 1}
            if spot == _BEAT:
                # The chunk may also have ended with this operation unanswered, which counts as a
                # claim.
                allowed.add(before.claims)
        elif spot.startswith(_CLEARED):
            allowed = {0}
        else:
            allowed = {before.claims}
        require(fact.claims in allowed, "claims are counted", spot, before, fact)

    def _kept(self, before: Fact, fact: Fact, spot: str) -> None:
        """Check that nothing was forgotten."""
        if fact.attempt != before.attempt:
            asked = (fact.reference, before.attempt) in self._world.people.retried
            require(asked, "a next attempt was asked for", before, fact)
        if spot not in _ANSWERS or before.lease_token is None:
            return
        if before.wanted_at is not None and fact.due_at is not None:
            latest = max(before.wanted_at, self._text(SLACK))
            require(fact.due_at <= latest, "a hint leads to an earlier poll", before, fact)
        claimed = self._claimed[fact.id]
        over = fact.state in TERMINAL or fact.state == State.WAITING_FOR_PERSON
        submitted = claimed.state == State.ACCEPTED and fact.state in TERMINAL
        if over and not submitted:
            require(fact.notices == claimed.notices, "no end ignores a notification", claimed, fact)
        call = self._world.calls.last(fact.reference, fact.attempt)
        if call is not None and call.code is not None and fact.state in LIVE:
            certain = isinstance(call.outcome, NotSent | Misconfigured)
            forgotten = certain and fact.inputs_sent != before.inputs_sent - 1
            require(not forgotten, "a code that was not sent is sent again", before, fact)

    def _rest(self, rests: Mapping[str, str | None], spot: str) -> None:
        """Check that no provider's rest is forgotten before it is over."""
        for name, until in self._rests.items():
            if until is not None and until > self._text(SLACK) and not spot.startswith("people."):
                require(
                    (rests[name] or "") >= until, "a provider's rest lasts", name, until,
                    rests[name],
                )  # fmt: skip
        self._rests = dict(rests)

    def _is_taken(self, fact: Fact) -> bool:
        before = self._facts.get(fact.id)
        held = None if before is None else before.lease_token
        return fact.lease_token is not None and fact.lease_token != held

    def _text(self, ahead: float) -> Any:  # noqa: ANN401
        return text(BEGIN.timestamp() + self._world.kernel.seconds + ahead)
