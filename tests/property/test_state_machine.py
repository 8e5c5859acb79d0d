"""The promises hold and every operation ends, for any events in any order.

The real store on SQLite and the real engine, with a scripted provider and time that passes by
itself. Crashes, doubled and lost messages, answers that come too late and commits that are never
confirmed are ordinary steps here.
"""

import atexit
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Connection, event

from config.queues import Wake
from tests.support.engine.broker import MemoryBroker
from tests.support.engine.clock import TravellingDatabase
from tests.support.engine.operations import attempts, forgets, journal, operations, start, told
from tests.support.engine.process import Process
from tests.support.engine.schema import bring_to_newest
from tests.support.providers.scripted import ScriptedPlugin
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import TERMINAL, State
from uprid_client.errors import DatabaseUnavailable
from uprid_client.names import Provider
from worker.domain.events import END_EVENTS
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Reason,
    Settle,
    Started,
    Trouble,
)
from worker.domain.states import DRIVEN, RETRYABLE, is_allowed
from worker.engine.calls import Call
from worker.engine.sweep import Sweep, Timing
from worker.providers.protocol import Work
from worker.store import claims, messages, provider_pauses, retries
from worker.store.actions import Action, Done
from worker.store.messages import Taken
from worker.store.retention import Retention

REASON: Final = Reason(ReasonCode.UNKNOWN_ANSWER, "Nobody knows.")
_ENDS: Final = tuple(Finished(state, "end", REASON) for state in sorted(TERMINAL))
_ANY: Final[tuple[Outcome, ...]] = (
    *_ENDS,
    NeedsPerson(REASON, "unknown"),
    Misconfigured(REASON, "login"),
)
#: What a plugin may answer to a question, by the Protocol; what keeps an operation going first
#: and more often.
ANSWERS: Final[dict[Call, tuple[Outcome, ...]]] = {
    Call.SUBMIT: (
        *[Started("77", "taken")] * 6,
        *[NotSent("refused", Trouble.TRANSPORT)] * 2,
        NotSent("429", Trouble.UNAVAILABLE, retry_after=20),
        *[Doubtful("timed out")] * 3,
        *_ANY,
    ),
    Call.CLEAR_UP: (*[Pending("502", Trouble.TRANSPORT)] * 3, Doubtful("timed out"), *_ANY),
    Call.POLL: (
        *[Pending("CREATED")] * 6,
        *[Pending("INPROGRESS")] * 3,
        *[Pending("502", Trouble.TRANSPORT)] * 3,
        Pending("429", Trouble.UNAVAILABLE, retry_after=20),
        *[Settle("expired")] * 2,
        *_ANY,
    ),
    Call.SETTLE: (
        *[Pending("checked", again_in=60)] * 4,
        Pending("502", Trouble.TRANSPORT),
        *_ANY,
    ),
}
#: What happens while the provider is asked.
NOTHING, DEATH, UNCONFIRMED, BUG = "nothing", "death", "unconfirmed", "bug"
CALLS: Final = st.tuples(
    st.integers(0, 200),
    st.sampled_from([NOTHING] * 6 + [DEATH, UNCONFIRMED, BUG]),
)
NAMES: Final = [f"order-{number}" for number in range(5)]
REFERENCES: Final = st.sampled_from(NAMES)
#: Answers to a submit after which it may be sent again.
UNSENT: Final = (NotSent, Misconfigured)


class Database(TravellingDatabase):
    """A database that may commit and not say so."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.unconfirmed = 0
        event.listen(self.engine, "connect", _hurry)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction."""
        with super().begin() as connection:
            yield connection
        if self.unconfirmed:
            self.unconfirmed -= 1
            raise DatabaseUnavailable


def _hurry(connection: object, _record: object) -> None:
    """Nothing here has to outlive a power cut."""
    connection.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]


class Quiet:
    """A relay with nothing to do, and an incarnation whose heartbeat is fresh."""

    def verify_soon(self) -> None:
        pass

    def trim_soon(self) -> None:
        pass

    def may_call_silent(self, now: datetime) -> bool:
        del now
        return True


@cache
def template() -> Path:
    """Return an empty database of the newest schema, made once."""
    directory = mkdtemp(prefix="uprid-template-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = Path(directory) / "template.sqlite3"
    bring_to_newest(f"sqlite:///{path}")
    return path


class Operations(RuleBasedStateMachine):
    """Two pollers, their broker, one provider and a handful of operations."""

    @initialize()
    def begin(self) -> None:
        self.directory = TemporaryDirectory(prefix="uprid-machine-")
        path = Path(self.directory.name) / "db.sqlite3"
        shutil.copy(template(), path)
        self.database = Database(f"sqlite:///{path}")
        self.plugin = ScriptedPlugin(deadline=300)
        for ask in Call:
            self.plugin.answers(ask, partial(self.answer, ask))
        self.broker = MemoryBroker(self.database)
        self.processes = [Process(self.database, self.plugin, self.broker) for _ in range(2)]
        self.working = self.processes[0]
        self.script: list[tuple[int, str]] = []
        self.submits: dict[tuple[str, int], list[Outcome]] = {}
        quiet = Quiet()
        keep = Retention(timedelta(days=30), timedelta(days=180), timedelta(days=14))
        timing = Timing(timedelta(seconds=2), timedelta(seconds=6), timedelta(seconds=1), keep)
        providers = frozenset({Provider.MONETA})
        self.sweep = Sweep(
            self.database, providers, self.processes[0].wakeups, quiet, quiet, timing
        )
        for name in NAMES[:3]:
            self.enqueue(name, "f")

    def answer(self, ask: Call, work: Work) -> Outcome:
        """Answer as the script has it, even if the worker fails meanwhile."""
        number, happens = self.script.pop(0) if self.script else (0, NOTHING)
        outcome = ANSWERS[ask][number % len(ANSWERS[ask])]
        if ask is Call.SUBMIT:
            # A stumble is noted as what the engine must take it for.
            noted = Doubtful("stumble") if happens == BUG else outcome
            self.submits.setdefault((work.reference, work.attempt), []).append(noted)
        if happens == DEATH:
            self.working.die()
        elif happens == UNCONFIRMED:
            self.database.unconfirmed = 1
        elif happens == BUG:
            raise ZeroDivisionError
        return outcome

    # What the marketplace does

    @rule(reference=REFERENCES, fingerprint=st.sampled_from(["f", "f", "e"]))
    def enqueue(self, reference: str, fingerprint: str) -> None:
        """Send a start message: a new one, the same again, or other data."""
        known = {row["reference"] for row in operations(self.database)}
        now = self.database.now()
        begun = start(
            reference, fingerprint=fingerprint * 64, give_up_at=now + timedelta(seconds=300)
        )
        with self.database.begin() as connection:
            taken = messages.accept(connection, begun, now)
        assert (taken is Taken.NEW) is (reference not in known)
        self.processes[0].wakeups.at(Provider.MONETA, Wake.POLL, [now])

    @rule(
        reference=REFERENCES,
        off=st.sampled_from([0, 0, 0, -1, 1]),
        times=st.integers(1, 2),
    )
    def retry(self, reference: str, off: int, times: int) -> None:
        """Ask for a next attempt, perhaps of the wrong one, perhaps with a doubled message."""
        now = self.database.now()
        stands = {row["reference"]: row["attempt"] for row in operations(self.database)}
        attempt = stands.get(reference, 1) + off
        done = []
        for _ in range(times):
            with self.database.begin() as connection:
                action = Action(reference, attempt, "anna", "")
                give_up_at = now + timedelta(seconds=300)
                done.append(retries.retry(connection, action, None, give_up_at, forgets, now)[0])
        assert Counter(done)[Done.DONE] <= (off == 0)
        self.processes[0].wakeups.at(Provider.MONETA, Wake.POLL, [now])

    # What time does

    @rule(
        script=st.lists(CALLS, min_size=3, max_size=20),
        seconds=st.sampled_from([5, 20, 60, 400]),
        mended=st.booleans(),
    )
    def time_passes(self, script: list[tuple[int, str]], seconds: float, mended: bool) -> None:
        """Deliver the messages that come due, to one poller and then to the other."""
        self.script = script
        if mended:
            self.provider_is_mended()
        for process in self.processes:
            self.working = process
            with _outage_survived():
                process.run(seconds / 2)
        self.script = []

    @rule(script=st.lists(CALLS, min_size=2, max_size=6), which=st.integers(0, 1))
    def message_comes_again(self, script: list[tuple[int, str]], which: int) -> None:
        """Deliver a message that no operation waits for."""
        self.script, self.working = script, self.processes[which]
        with _outage_survived():
            self.working.work()
        self.script = []

    # What goes wrong

    @rule()
    def broker_is_flushed(self) -> None:
        """Forget every message."""
        self.broker.flush()

    @rule(which=st.integers(0, 1), lane=st.integers(0, 1))
    def worker_dies_with_a_chunk(self, which: int, lane: int) -> None:
        """Claim and fall silent."""
        process = self.processes[which]
        owner, now = process.incarnation.id, self.database.now()
        with self.database.begin() as connection:
            claim_suspect, claim_alone = claims.claim_suspect, claims.claim_alone
            for claim in (claim_suspect, claim_alone):
                if claim(connection, "moneta", owner=owner, lease_id="d", now=now):
                    break
            else:
                claims.claim(connection, "moneta", lane, 2, owner=owner, lease_id="d", now=now)
        process.die()

    # What puts it right

    @rule()
    def somebody_sweeps(self) -> None:
        """Look at what is due."""
        self.database.travel(4)
        self.sweep.run()

    def provider_is_mended(self) -> None:
        """End a pause, and look at what is due."""
        with self.database.begin() as connection:
            provider_pauses.unpause(connection, "moneta", "anna", "", self.database.now())
        self.processes[0].wakeups.now(Provider.MONETA)

    # What holds at all times

    @invariant()
    def nothing_is_leased_for_ever(self) -> None:
        self.database.unconfirmed = 0
        for process in self.processes:
            process.incarnation.beat()  # frees what was abandoned
        for row in operations(self.database):
            assert row["lease_token"] is None, row["reference"]
            assert row["lease_owner"] is None, row["reference"]
            assert row["claims"] >= 0, row["reference"]

    @invariant()
    def due_times_stand_in_driven_states_alone(self) -> None:
        for row in operations(self.database):
            assert (row["due_at"] is not None) is (State(row["state"]) in DRIVEN), dict(row)

    @invariant()
    def attempts_end_once_and_are_told_once(self) -> None:
        for row in operations(self.database):
            reference = row["reference"]
            ends: dict[int, list[str]] = {}
            for event_ in told(self.database, reference):
                if event_.terminal:
                    assert event_.attempt is not None
                    ends.setdefault(event_.attempt, []).append(event_.type)
            for attempt in attempts(self.database, reference):
                ended = attempt["ended_as"]
                expected = (
                    [END_EVENTS[State(ended)]] if ended in {s.value for s in TERMINAL} else []
                )
                assert ends.get(attempt["number"], []) == expected, reference
            current = attempts(self.database, reference)[-1]
            assert current["number"] == row["attempt"]
            is_over = State(row["state"]) in TERMINAL
            assert current["ended_as"] == (row["state"] if is_over else None), reference

    @invariant()
    def sequences_have_no_gaps(self) -> None:
        for row in operations(self.database):
            numbers = [e.data["sequence"] for e in told(self.database, row["reference"])]
            assert numbers == list(range(1, row["sequence"] + 1)), row["reference"]

    @invariant()
    def moves_are_allowed_and_follow_each_other(self) -> None:
        for row in operations(self.database):
            story = [e for e in journal(self.database, row["reference"]) if e["what"] == "move"]
            assert story[0]["note"] == "accepted"
            stands = State.ACCEPTED
            for entry in story[1:]:
                origin, _, rest = entry["note"].partition(" → ")
                to = State(rest.partition(":")[0])
                assert State(origin) is stands, entry["note"]
                retried = to is State.ACCEPTED and stands in RETRYABLE
                assert is_allowed(stands, to) or retried, entry["note"]
                stands = to
            assert stands == row["state"], row["reference"]

    @invariant()
    def submits_are_sent_once_unless_they_certainly_were_not(self) -> None:
        for attempt, sent in self.submits.items():
            assert all(isinstance(outcome, UNSENT) for outcome in sent[:-1]), attempt

    def teardown(self) -> None:
        """End every fault: after any events, all operations end."""
        if not hasattr(self, "database"):
            return
        try:
            self._mended()
        finally:
            for process in self.processes:
                process.close()
            self.database.dispose()
            self.directory.cleanup()

    def _mended(self) -> None:
        self.nothing_is_leased_for_ever()
        for ask in Call:
            self.plugin.answers(ask, Finished(State.SUCCEEDED, "end"))
        self.provider_is_mended()
        for _ in range(6):
            self.somebody_sweeps()
            self.processes[0].run(120)
        left = {row["state"] for row in operations(self.database)}
        assert left <= {s.value for s in TERMINAL | {State.WAITING_FOR_PERSON}}
        self.attempts_end_once_and_are_told_once()
        self.sequences_have_no_gaps()


@contextmanager
def _outage_survived() -> Iterator[None]:
    """Let a chunk task fail as one does whose database went away: the sweep does it again."""
    try:
        yield
    except DatabaseUnavailable:
        return


TestOperations = Operations.TestCase
TestOperations.settings = settings(
    max_examples=10,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
