"""Invariants that must hold after every commit, checked on the rows."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any, Final

from tests.harnesses.simulation.calls import SLACK, Calls
from tests.harnesses.simulation.database import store
from tests.harnesses.simulation.errand import Errand
from tests.harnesses.simulation.kernel import BEGIN, Kernel
from tests.harnesses.simulation.plan import Plan
from tests.harnesses.simulation.spots import spot_of, spots_in
from tests.harnesses.simulation.transactions import Transaction
from tests.harnesses.simulation.violation import require
from uprid_client.contract.states import TERMINAL, State
from uprid_client.names import Provider
from worker.domain.events import END_EVENTS
from worker.domain.states import DRIVEN, RETRYABLE, is_allowed
from worker.engine.engine import Engine
from worker.engine.incarnation import Incarnation
from worker.engine.result_writer import ResultWriter
from worker.engine.sweep import Sweep
from worker.engine.taking import Taker
from worker.intake import actions, callbacks, inputs, notifications
from worker.store import fail_over, leases
from worker.store.leases import POISON_AFTER

_OPERATIONS: Final = (
    "SELECT id, reference, provider, state, attempt, due_at, lease_token, lease_owner, claims,"
    " sequence, wanted_at, deadline_at, polls FROM operation ORDER BY id"
)
_EVENTS: Final = "SELECT operation_id, attempt, type, data FROM outbox WHERE seq = ?"
_PROVIDERS: Final = (
    "SELECT name, paused_at, failures, closed_until, probing_until, tokens FROM provider"
)
_END_TYPES: Final = {event.value: state for state, event in END_EVENTS.items()}
#: Spots at which a chunk writes the operations that it holds.
_HOLDERS: Final = {
    spot_of(each)
    for each in (
        ResultWriter._write, ResultWriter._one_by_one, ResultWriter.refused,
        Engine._give_back, Engine._mark, Engine._supply,
    )
}  # fmt: skip
#: Spots at which leases are freed: those of dead processes, and those that a chunk left.
_FREEING: Final = (spot_of(Sweep._free_leases), spot_of(Incarnation.beat))
#: Spots at which an operation may be asked for out of turn.
_HASTENING: Final = (
    *map(spots_in, (actions, callbacks, notifications, inputs, leases, fail_over)),
    "people.",
)
#: Where a chunk feeds the breaker, and where it is claimed.
_FEED: Final = spot_of(Engine._feed)
_TAKE: Final = spot_of(Taker._take)


@dataclass(frozen=True, slots=True)
class Row:
    """An operation."""

    id: str
    reference: str
    provider: str
    state: str
    attempt: int
    due_at: str | None
    lease_token: str | None
    lease_owner: str | None
    claims: int
    sequence: int
    wanted_at: str | None
    deadline_at: str | None
    polls: int


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A provider's row, which all processes share."""

    name: str
    paused_at: str | None
    failures: int
    closed_until: str | None
    probing_until: str | None
    tokens: float


class Rows:
    """Checks the rows after every commit."""

    def __init__(
        self,
        kernel: Kernel,
        plan: Plan,
        calls: Calls,
        quiet_since: Callable[[float], float],
        longest_wait: float,
    ) -> None:
        self._kernel = kernel
        self._plan = plan
        self._calls = calls
        #: Seconds without a disturbance since a time. A process may call another one silent only
        #: after its own heartbeat was steady for that long.
        self._quiet_since = quiet_since
        #: Seconds after which a hanging chunk is given up.
        self._longest_wait = longest_wait
        self.operations: dict[str, Row] = {}
        self.providers: dict[str, ProviderRow] = {}
        self._version = -1
        #: Numbers of outbox rows that were seen.
        self._told: set[int] = set()
        self._sequences: dict[str, int] = defaultdict(int)
        self._ends: dict[tuple[str, int], str] = {}
        self._claims: dict[str, list[Errand]] = defaultdict(list)
        self._leases: dict[str, Errand] = {}
        self._failures: dict[str, int] = defaultdict(int)
        #: When the sweep last freed an operation, or a person unpaused its provider. Seconds.
        self._freed: dict[str, float] = {}

    def committed(self, spot: str, transaction: Transaction) -> None:
        """Check what a transaction did."""
        raw = store().raw
        version = store().transactions.version
        if version == self._version:
            if spot == _FEED:
                self._feeding(self.providers)
            return
        self._version = version
        providers = {row[0]: ProviderRow(*row) for row in raw.execute(_PROVIDERS)}
        operations = {row[0]: Row(*row) for row in raw.execute(_OPERATIONS)}
        for key in transaction.touched:
            if key[0] == "outbox" and key[1] not in self._told:
                self._told.add(key[1])
                self._events(raw.execute(_EVENTS, key[1:]).fetchall())
        require(
            self.operations.keys() <= operations.keys(), "nothing disappears",
            self.operations.keys() - operations.keys(),
        )  # fmt: skip
        changed = [row for id_, row in operations.items() if row != self.operations.get(id_)]
        for row in changed:
            self._changed(self.operations.get(row.id), row, spot)
        claimed = [row for row in changed if self._is_claimed(row)]
        if claimed:
            self._taken(self._errand(), claimed, self.providers, providers)
        if spot == _FEED:
            self._feeding(providers)
        for provider in providers.values():
            self._shared(self.providers.get(provider.name), provider, spot)
        self.operations, self.providers = operations, providers
        if claimed:
            self._alone()

    def _errand(self) -> Errand:
        """Return the errand of the task that has just claimed: a new one for a second claim."""
        errand = self._kernel.current.errand
        assert isinstance(errand, Errand)
        if errand.claimed:
            errand.running = False
            errand = Errand(errand.provider, errand.worker, row_at=errand.row_at)
            self._kernel.current.errand = errand
        return errand

    def put_back(self) -> None:
        """Start again from what the database has: it has lost commits."""
        raw = store().raw
        self._version = store().transactions.version
        self.providers = {row[0]: ProviderRow(*row) for row in raw.execute(_PROVIDERS)}
        self.operations = {row[0]: Row(*row) for row in raw.execute(_OPERATIONS)}
        self._told = {row[0] for row in raw.execute("SELECT seq FROM outbox")}
        told = raw.execute(
            "SELECT operation_id, attempt, type FROM outbox WHERE operation_id IS NOT NULL"
        ).fetchall()
        self._sequences = defaultdict(int, Counter(id_ for id_, _, _ in told))
        self._ends = {(id_, attempt): kind for id_, attempt, kind in told if kind in _END_TYPES}
        self._claims.clear()
        self._failures = defaultdict(
            int, {name: provider.failures for name, provider in self.providers.items()}
        )

    def _changed(self, before: Row | None, row: Row, spot: str) -> None:
        self._sound(row)
        if before is not None:
            self._moved(before, row)
            if spot.startswith(_HASTENING):
                self._calls.hastened[row.reference] = self._kernel.seconds
            if spot in _FREEING:
                self._freed[row.id] = self._kernel.seconds
            if self._is_claimed(row):
                self._claim(before, row, spot)
            if spot in _HOLDERS:
                holder = self._leases.get(before.lease_token or "")
                require(
                    holder is self._kernel.current.errand, "only the holder of a lease writes",
                    spot, before, row,
                )  # fmt: skip
        if before is None or (before.state, before.lease_token) != (row.state, row.lease_token):
            self._kernel.say(
                spot, row.reference, f"{row.attempt}:{row.state}",
                "leased" if row.lease_token else "", row.due_at and row.due_at[14:23],
            )  # fmt: skip

    def _is_claimed(self, row: Row) -> bool:
        before = self.operations.get(row.id)
        token = None if before is None else before.lease_token
        return row.lease_token is not None and row.lease_token != token

    def _shared(self, before: ProviderRow | None, shared: ProviderRow, spot: str) -> None:
        if before == shared:
            return
        self._kernel.say(spot, shared)
        if before is not None and before.paused_at and not shared.paused_at:
            # Its breaker starts again.
            self._failures[shared.name] = 0
            self._freed[shared.name] = self._kernel.seconds

    def held(self) -> None:
        """Check that every lease ends."""
        patience = self._plan.silence + 3 * self._plan.sweep_every + 3.0
        for row in self.operations.values():
            if row.lease_owner is None:
                continue
            errand = self._leases[row.lease_token or ""]
            idle = self._quiet_since(max(errand.claimed_at, errand.heard_at))
            longest = patience + (self._longest_wait if errand.running else 0.0)
            how = "hangs" if errand.running else "has ended"
            require(
                idle <= longest, "no lease is held without end", row.reference,
                f"by a chunk of {errand.worker} that {how}, for {idle:.3f} s without a disturbance",
            )  # fmt: skip

    def in_time(self, calm_since: float) -> None:
        """Check that due operations are worked on: after the last fault none waits for long."""
        plan = self._plan
        patience = 2 * plan.sweep_every + 3 * plan.width + 5.0
        if self._quiet_since(calm_since) <= patience:
            return
        before = self._text(-patience)
        for row in self.operations.values():
            shared = self.providers.get(row.provider)
            if row.due_at is None or row.due_at >= before or row.lease_token is not None:
                continue
            freed = max(self._freed.get(row.id, -inf), self._freed.get(row.provider, -inf))
            if self._kernel.seconds - freed <= patience:
                continue  # it was free only now; `held` limits how long a dead process may hold it
            shut = shared is not None and (shared.paused_at or (shared.closed_until or "") > before)
            require(shut, "due operations are worked on in seconds", row)

    def _events(self, events: list[tuple[Any, ...]]) -> None:
        for id_, attempt, kind, data in events:
            self._kernel.say("event", kind, data[:0], json.loads(data).get("reference", ""))
            if id_ is None:
                continue
            sequence = json.loads(data)["sequence"]
            self._sequences[id_] += 1
            require(
                sequence == self._sequences[id_], "events follow each other without gaps",
                kind, sequence, "and not", self._sequences[id_],
            )  # fmt: skip
            if kind in _END_TYPES:
                require(
                    (id_, attempt) not in self._ends, "the end of an attempt is published once",
                    kind, "after", self._ends.get((id_, attempt)),
                )  # fmt: skip
                self._ends[id_, attempt] = kind

    def _sound(self, row: Row) -> None:
        state = State(row.state)
        require(
            (row.due_at is not None) is (state in DRIVEN),
            "state and due time agree", row,
        )  # fmt: skip
        require(row.claims >= 0, "claims are counted", row)
        require(
            row.sequence == self._sequences[row.id], "state and event are written together", row,
            self._sequences[row.id],
        )  # fmt: skip
        told = self._ends.get((row.id, row.attempt))
        expected = END_EVENTS[state].value if state in TERMINAL else None
        require(told == expected, "state and event are written together", row, told)

    def _moved(self, before: Row, row: Row) -> None:
        origin, to = State(before.state), State(row.state)
        if row.attempt != before.attempt:
            allowed = row.attempt == before.attempt + 1 and origin in RETRYABLE
        else:
            allowed = origin is to or is_allowed(origin, to)
        require(allowed, "only allowed transitions are made", before, row)

    def _claim(self, before: Row, row: Row, spot: str) -> None:
        require(spot == _TAKE, "only a claim leases", spot)
        require(before.lease_token is None, "a lease is never taken away", before, row)
        require(
            before.due_at is not None and before.due_at <= self._text(SLACK),
            "only due operations are claimed", before, self._text(0),
        )  # fmt: skip

    def _taken(
        self,
        errand: Errand,
        claimed: list[Row],
        before: dict[str, ProviderRow],
        after: dict[str, ProviderRow],
    ) -> None:
        """Check a claim: the provider may be called, and the rate is kept."""
        now, name = self._kernel.seconds, errand.provider
        errand.claimed, errand.claimed_at, errand.granted_at = len(claimed), now, errand.row_at
        shared = before.get(name, after[name])
        require(shared.paused_at is None, "no claim while a provider is paused", name)
        closed = shared.closed_until
        require(
            closed is None or closed <= self._text(SLACK), "no claim while the breaker is open",
            shared,
        )  # fmt: skip
        if shared.failures >= self._plan.breaker_failures:
            probing = shared.probing_until
            alone = probing is None or probing <= self._text(SLACK)
            require(
                len(claimed) == 1 and alone, "a half-open breaker lets one call through", shared,
                len(claimed),
            )  # fmt: skip
            # NPD's first steps have no effect.
            harmless = claimed[0].state != State.ACCEPTED or name == Provider.NPD
            require(harmless, "a half-open breaker lets no billed call through", shared, claimed[0])
        self._leases[claimed[0].lease_token or ""] = errand
        claims = self._claims[name]
        claims.append(errand)
        rate, total = self._plan.rate, 0
        for each in reversed(claims[-40:]):
            total += each.calls if each.fed else each.claimed
            allowed = max(rate, 1.0) + rate * (errand.granted_at - each.granted_at + SLACK)
            require(
                total <= allowed + 1e-6, "the rate is never exceeded", name,
                f"{total} since {each.granted_at:.3f}, not {allowed:.2f}",
            )  # fmt: skip

    def _alone(self) -> None:
        """Check that a process works on nothing else after the last claim before poison."""
        worked_on: dict[str, list[Row]] = defaultdict(list)
        for row in self.operations.values():
            errand = self._leases.get(row.lease_token or "")
            if errand is not None and errand.running:
                worked_on[errand.worker].append(row)
        for worker, rows in worked_on.items():
            last = [row for row in rows if row.claims >= POISON_AFTER]
            require(
                not last or len(rows) == 1, "poison is parked only after it ran alone", worker, rows
            )

    def _feeding(self, providers: dict[str, ProviderRow]) -> None:
        errand = self._kernel.current.errand
        assert isinstance(errand, Errand)
        before = self.providers.get(errand.provider)
        after = providers[errand.provider]
        if before is not None and errand.claimed and after.tokens:
            # A bucket that starts again is empty.
            passed = errand.row_at - errand.granted_at - SLACK
            left = errand.claimed - errand.calls
            given_back, allowed = (
                after.tokens - before.tokens,
                max(left - passed * self._plan.rate, 0),
            )
            require(
                given_back <= allowed + 1e-6, "the rate is never exceeded",
                f"{given_back} tokens given back, not {allowed}", errand,
            )  # fmt: skip
        self._fed(errand, after)

    def _fed(self, errand: Errand, shared: ProviderRow) -> None:
        """Count failures here as well, and check that the breaker opened."""
        errand.fed = True
        name, failed = errand.provider, errand.failed_in_a_row
        self._failures[name] = failed + (0 if errand.any_answered else self._failures[name])
        rest = errand.rest
        if self._failures[name] >= self._plan.breaker_failures and failed:
            rest = max(rest, self._plan.breaker_reset)
        # The process may have read its time before it waited for the row.
        begun = self._text(rest - SLACK - (self._kernel.seconds - errand.claimed_at))
        require(
            not rest or (shared.closed_until is not None and shared.closed_until >= begun),
            "a sick provider is left alone", errand.outcomes, shared,
        )  # fmt: skip

    def _text(self, ahead: float) -> str:
        return text(BEGIN.timestamp() + self._kernel.seconds + ahead)


def text(seconds: float) -> str:
    """Return a time as SQLite stores it."""
    moment = datetime.fromtimestamp(seconds, BEGIN.tzinfo)
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")
