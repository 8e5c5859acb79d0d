"""Wrong credentials under load: the provider pauses once for all, and nothing is lost by it."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Table, insert, select

from tests.support.messages.marketplace import ACCEPTED, Event
from tests.support.messages.people import person
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.servers.fresh import valkey_server
from worker.domain.ids import new_id
from worker.store.database import Database
from worker.store.tables import ATTEMPTS, OPERATIONS

pytestmark = pytest.mark.slow

_OPERATIONS: Final = 10_000
_POLLERS: Final = ("poller", "poller-2")
_THREADS: Final = 4
#: Of a provider, in one poller.
_CHUNKS: Final = 2
#: Every thread there is may be in the middle of a call when the first one learns.
_MOST_CALLS: Final = len(_POLLERS) * _CHUNKS * _THREADS
#: Calls that were under way while the credentials failed.
_ANSWERED_BEFORE: Final = 20
#: Seconds in which a call would have come; the sweep is every 2.
_A_WHILE: Final = 3.0
_PAUSED: Final = "uprid.provider.paused"
_UNPAUSED: Final = "uprid.provider.unpaused"
_SETTINGS: Final = {
    "UPRID_MONETA__TRANSPORT": "soap",
    "UPRID_MONETA__THREADS": str(_THREADS),
    "UPRID_MONETA__RATE_PER_SECOND": "150",
}

#: State and attempt, by reference.
Standings = Mapping[str, tuple[str, int]]


_TEMPLATE: Final = "pause-0"


@dataclass(frozen=True)
class Run:
    """What was seen at each moment: the tests below only read."""

    system: System
    #: Calls that had arrived: before and after the credentials failed, when all was still, a while
    #: later.
    calls: tuple[int, int, int, int]
    #: How all operations stood: when all was still, a while later, at the end.
    standings: tuple[Standings, Standings, Standings]
    #: How often the provider was paused and unpaused, as the stream has it.
    told: Sequence[Event]
    #: What the sandbox counted of every unit, by its id.
    units: Mapping[str, Mapping[str, Any]]


def _unit(number: int) -> int:
    # Scenario 0, always: success.
    return 1_000 * (1_000 + number)


def _seed(url: str) -> None:
    """Store the other operations, each as intake stored the first one."""
    database = Database(url, connections=1)
    with database.begin() as connection:
        first = _only(connection, OPERATIONS)
        attempt = _only(connection, ATTEMPTS)
        ids = [new_id() for _ in range(_OPERATIONS)]
        others = range(1, _OPERATIONS)
        connection.execute(
            insert(OPERATIONS),
            [
                {
                    **first,
                    "id": ids[number],
                    "reference": f"pause-{number}",
                    "args": json.dumps({"unit_id": _unit(number)}),
                }
                for number in others
            ],
        )
        connection.execute(
            insert(ATTEMPTS), [{**attempt, "operation_id": ids[number]} for number in others]
        )
    database.dispose()


def _only(connection: Connection, table: Table) -> dict[str, Any]:
    return dict(connection.execute(select(table)).mappings().one())


def _standings(whole: System) -> Standings:
    rows = whole.rows("SELECT reference, state, attempt FROM operation")
    return {reference: (state, attempt) for reference, state, attempt in rows}


def _arrived(whole: System) -> int:
    """Return how many requests of any kind arrived."""
    return sum(whole.calls()["requests"].values())


def _ended(whole: System) -> int:
    return whole.count("SELECT COUNT(*) FROM operation WHERE state = 'succeeded'")


def _is_still(whole: System) -> bool:
    """Return whether the provider is paused, and no process holds an operation any more."""
    paused = whole.count("SELECT COUNT(*) FROM provider WHERE paused_at IS NOT NULL")
    held = whole.count("SELECT COUNT(*) FROM operation WHERE lease_token IS NOT NULL")
    return paused == 1 and held == 0


@pytest.fixture(scope="module")
def run(sqlite_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Ten thousand operations, wrong credentials in the midst of them, and `uprid unpause`."""
    directory = tmp_path_factory.mktemp("pause")
    with valkey_server() as broker, system(directory, broker, sqlite_url, _SETTINGS) as whole:
        whole.start_sandbox(delay=0.2, task_timeout=3600)
        whole.start("worker")
        whole.marketplace.start(_TEMPLATE, _unit(0), person(1))
        whole.marketplace.wait_for([_TEMPLATE], [ACCEPTED])
        _seed(sqlite_url)
        whole.start(*_POLLERS)
        wait_until(lambda: _ended(whole) > 20, 40, lambda: f"20 ends, came {_ended(whole)}")

        before = _arrived(whole)
        whole.outage("credentials")
        failing = _arrived(whole)
        wait_until(lambda: _is_still(whole), 20, "the pause")
        calls, standings = _arrived(whole), _standings(whole)
        time.sleep(_A_WHILE)
        later = _arrived(whole), _standings(whole)

        ended = _ended(whole)
        whole.outage("up")
        whole.uprid("unpause", "moneta", "--note", "the password was put right")
        wait_until(lambda: _ended(whole) > ended + 100, 40, "100 ends more")
        whole.stop(*_POLLERS)
        yield Run(
            whole,
            (before, failing, calls, later[0]),
            (standings, later[1], _standings(whole)),
            [event for event in whole.marketplace.events() if event.type in {_PAUSED, _UNPAUSED}],
            whole.calls()["units"],
        )


def test_wrong_credentials_cost_a_handful_of_calls(run: Run) -> None:
    before, failing, still, later = run.calls

    assert still > before
    # The first of them may still have been answered.
    assert still - failing <= _MOST_CALLS + _ANSWERED_BEFORE
    assert later == still


def test_wrong_credentials_are_told_once(run: Run) -> None:
    assert [event.type for event in run.told] == [_PAUSED, _UNPAUSED]
    paused = run.told[0].data
    assert run.told[0].subject == paused["provider"] == "moneta"
    assert paused["reason"]["code"] == "configuration"
    assert paused["reason"]["provider_code"] == "300.1.3"
    assert "uprid unpause moneta" in paused["next"]


def test_operations_keep_their_state_while_the_provider_is_paused(run: Run) -> None:
    still, later, _ = run.standings

    assert still == later
    assert len(still) == _OPERATIONS
    states = Counter(state for state, _ in still.values())
    assert set(states) == {"accepted", "polling", "succeeded"}
    assert states["accepted"] > _OPERATIONS / 2


def test_operations_go_on_when_the_provider_is_unpaused(run: Run) -> None:
    paused, _, after = run.standings

    assert after.keys() == paused.keys()
    assert {attempt for _, attempt in after.values()} == {1}
    states = Counter(state for state, _ in after.values())
    assert set(states) <= {"accepted", "submitting", "polling", "succeeded"}
    assert states["succeeded"] > Counter(state for state, _ in paused.values())["succeeded"]


def test_operations_are_all_still_to_be_worked_on_or_ended(run: Run) -> None:
    forgotten = run.system.rows(
        "SELECT reference FROM operation WHERE state != 'succeeded' AND due_at IS NULL"
    )

    assert forgotten == []


def test_no_operation_is_submitted_twice(run: Run) -> None:
    assert {unit: calls["taken"] for unit, calls in run.units.items() if calls["taken"] > 1} == {}
    # A refused submit is not taken, and may be sent again.
    submits, taken = (
        sum(calls[name] for calls in run.units.values()) for name in ("submits", "taken")
    )
    assert submits - taken <= _MOST_CALLS
