"""A sample of the hostile replies. `./run hostile` makes as many as wanted."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harnesses.hostile import notifications
from tests.harnesses.hostile.broken_wires import honest
from tests.harnesses.hostile.case import MARKERS
from tests.harnesses.hostile.tree import tree_of
from tests.harnesses.hostile.trial import PROVIDERS, Bench, Case, encoded, listening, run
from tests.support.engine.operations import claim, polling
from uprid_client.sealing import Sealer, new_key
from worker.engine.calls import Answer
from worker.engine.decisions import decide
from worker.store import writeback
from worker.store.changes import Transition
from worker.store.claims import ORDINARY
from worker.store.database import Database
from worker.store.tables import METADATA

ROOT = Path(__file__).parents[3]
every_provider = pytest.mark.parametrize("provider", list(PROVIDERS))


@pytest.fixture
def bench(provider: str) -> Iterator[Bench]:
    made = Bench(provider)
    yield made
    made.close()


@every_provider
def test_hostile_replies_neither_crash_nor_state_what_they_did_not_say(provider: str) -> None:
    tally = run(provider, 1, 400)

    assert not tally.findings, "\n".join(map(str, tally.findings))
    # A harness that never reached a verdict would find nothing either.
    assert {"pending", "needsperson", "succeeded"} <= set(tally.outcomes)


def test_hostile_notifications_decide_nothing_and_leave_nothing_in_clear() -> None:
    tally = notifications.run(1, 150)

    assert not tally.findings, "\n".join(map(str, tally.findings))
    assert {"taken", "refused"} <= set(tally.outcomes)


@every_provider
def test_documented_answers_are_taken_for_what_they_state(bench: Bench, provider: str) -> None:
    """The oracle must not be too strict: an unbroken answer that states an end is an end."""
    with listening() as records:
        ends = 0
        for question in bench.questions:
            for seed in question.seeds:
                body = encoded(question.write(tree_of(seed.document)))
                case = Case(0, question, seed, honest(seed.status, body), (seed.name,))
                outcome, findings = bench.run(case, records)
                assert not findings, "\n".join(map(str, findings))
                ends += outcome in question.judge(case.sent.heard).ends

    assert ends >= 5


@every_provider
def test_case_is_the_same_again_by_its_number(bench: Bench, provider: str) -> None:
    again = Bench(provider)
    try:
        for number in range(1, 40):
            one, other = bench.case(number), again.case(number)
            assert (one.sent, one.mutations, one.question.name) == (
                other.sent,
                other.mutations,
                other.question.name,
            )
    finally:
        again.close()


@every_provider
def test_what_came_of_hostile_replies_is_written_and_holds_nothing_in_clear(
    bench: Bench, provider: str, database: Database
) -> None:
    sealer = Sealer([new_key()])
    polling(database, *(f"order-{number}" for number in range(60)))
    claimed = claim(database, lane=ORDINARY)

    for row, number in zip(claimed, range(1000, 1060), strict=True):
        case = bench.case(number)
        given = case.question.work
        as_it_stands = replace(row, state=given.state, kind=given.kind, progress=None)
        answer = Answer(as_it_stands, case.question.ask, bench.ask(case), row.due_at, 3)
        change = decide(answer, case.question.plugin, row.due_at, 0.5, sealer.seal_bytes)
        with database.begin() as connection:
            if isinstance(change, Transition):
                written = writeback.write_transitions(connection, "lease", [change], row.due_at)
            else:
                written = writeback.write_unchanged(connection, "lease", [change])
        assert row.id in written, str(case.mutations)

    with database.read() as connection:
        rows = "\n".join(
            str(tuple(row))
            for table in METADATA.sorted_tables
            for row in connection.execute(table.select())
        )
    assert [marker for marker in MARKERS if marker in rows] == []


@pytest.mark.slow
def test_calls_end_in_time_and_within_their_memory_whatever_the_socket_says() -> None:
    """Run in a process of its own, whose memory has never been larger."""
    command = [sys.executable, "-m", "tests.harnesses.hostile", "--provider", "sockets"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": ok\n") >= 20
