"""Expiry in all its forms: the engine and the real plugin against the sandbox, over HTTP.

Hours pass in no time, so the figures are MONETA's own: it waits 700 minutes for a person, and we
ask for the group three times over fifteen minutes after that.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import pytest
import requests
from sqlalchemy import RowMapping

from config.polling import PollPolicy
from config.providers import MonetaSettings
from tests.support.engine.broker import MemoryBroker
from tests.support.engine.clock import StillDatabase
from tests.support.engine.operations import PublishedEvent, journal, operation, told
from tests.support.engine.process import SEALER, Poller
from tests.support.engine.schema import bring_to_newest
from tests.support.messages.people import person
from tests.support.servers.fresh import SqliteFiles
from uprid_client.contract.events import EventType
from uprid_client.contract.states import State
from uprid_sandbox.background import background
from uprid_sandbox.options import SandboxOptions
from worker.providers.moneta.plugin import KIND, MonetaPlugin
from worker.store.database import Database
from worker.store.messages import NewOperation

#: Seconds.
_MINUTE: Final = 60.0
_HOUR: Final = 60 * _MINUTE
_WAIT: Final = 700 * _MINUTE
#: When a task ends that does end.
_DELAY: Final = 10 * _MINUTE
#: Between two polls, from the first one on: more than the default, as every poll is a real call.
_APART: Final = 15 * _MINUTE
_FAR_APART: Final = 2 * _HOUR
#: Seconds. What is due within a sixtieth of its way is worked on together, and never early.
_MARGIN: Final = 20.0
#: For so long a lost task is asked for again.
_LOST_FOR: Final = 5 * _MINUTE
#: Of 5 s: they outlast it.
_STEPS: Final = 100
_CHECKS: Final = 3
_CHECKS_TAKE: Final = 15 * _MINUTE

_SUCCEEDED: Final = EventType.SUCCEEDED
_REJECTED: Final = EventType.REJECTED
_PERSON: Final = EventType.WAITING_FOR_PERSON


@dataclass(frozen=True)
class Case:
    """A way in which no answer comes, and what is made of it."""

    #: The sandbox's, and the unit's.
    number: int
    end: EventType
    #: The group by which it succeeded, or the reason's code.
    by: str
    #: How often the profile has to be looked at.
    checks: int = 1

    @property
    def reference(self) -> str:
        return f"expiry-{self.number}"

    @property
    def unit_id(self) -> int:
        return 3_000_000 + self.number


_DEADLINE: Final = {
    "anonymous": Case(200, _REJECTED, "not_identified", _CHECKS),
    "simplified": Case(201, _SUCCEEDED, "simplified"),
    "full": Case(202, _SUCCEEDED, "full"),
    "unknown": Case(203, _PERSON, "unknown_answer"),
    "absent": Case(204, _PERSON, "unknown_answer"),
    "moved-late": Case(205, _SUCCEEDED, "simplified", 2),
    # MONETA keeps it in progress past its own date.
    "anonymous-still-in-progress": Case(206, _REJECTED, "not_identified", _CHECKS),
}
_WAIT_ENDED: Final = {
    "anonymous": Case(210, _REJECTED, "not_identified", _CHECKS),
    "simplified": Case(211, _SUCCEEDED, "simplified"),
    "full": Case(212, _SUCCEEDED, "full"),
    "unknown": Case(213, _PERSON, "unknown_answer"),
    "absent": Case(214, _PERSON, "unknown_answer"),
    "moved-late": Case(215, _SUCCEEDED, "simplified", 2),
}
_LOST: Final = {
    "anonymous": Case(220, _REJECTED, "not_identified", _CHECKS),
    "simplified": Case(221, _SUCCEEDED, "simplified"),
    "full": Case(223, _SUCCEEDED, "full"),
    "unknown": Case(224, _PERSON, "unknown_answer"),
    "absent": Case(225, _PERSON, "unknown_answer"),
    "moved-late": Case(226, _SUCCEEDED, "simplified", 2),
}
_FORMS: Final = {"deadline": _DEADLINE, "500.7.2": _WAIT_ENDED, "500.9.1": _LOST}
_CASES: Final = [
    pytest.param(case, id=f"{form}-{group}")
    for form, cases in _FORMS.items()
    for group, case in cases.items()
]


class Moneta:
    """A poller of ours and a MONETA of the sandbox's, in one and the same time."""

    def __init__(self, poller: Poller, plugin: MonetaPlugin, address: str, transport: str) -> None:
        self._poller = poller
        self._plugin = plugin
        self._address = address
        self.transport = transport
        self.database: Database = poller.database
        self.began = poller.database.now()

    def start(self, cases: Iterable[Case]) -> None:
        """Take start messages in, as an intake does."""
        self._poller.accept(*(self._start(case) for case in cases))

    def pass_until(self, seconds: float) -> None:
        """Let time pass until so long after the start; all that comes due is worked on."""
        passed = (self._poller.database.now() - self.began).total_seconds()
        self._poller.run(seconds - passed, most=20_000)

    def travel(self, seconds: float) -> None:
        """Let time pass in which no process works."""
        self._poller.database.travel(seconds)

    def work_once(self) -> None:
        """Let one chunk be worked on and nothing of what comes of it."""
        self._poller.work()

    def outage(self, mode: str) -> None:
        """Make MONETA sick, or well again."""
        asked = {"provider": "moneta", "mode": mode}
        assert requests.post(f"{self._address}/_sandbox/outage", json=asked, timeout=60).ok

    def calls(self, case: Case) -> dict[str, Any]:
        """Return what MONETA counted of the case's unit."""
        answer = requests.get(f"{self._address}/_sandbox/calls", timeout=60).json()
        counted: dict[str, Any] = answer["moneta"]["units"][str(case.unit_id)]
        return counted

    def row(self, case: Case) -> RowMapping:
        return operation(self.database, case.reference)

    def state(self, case: Case) -> State:
        return State(self.row(case)["state"])

    def told(self, case: Case) -> list[PublishedEvent]:
        return told(self.database, case.reference)

    def end(self, case: Case) -> PublishedEvent:
        """Return the one event that ended it, or handed it to a person."""
        [*_, last] = self.told(case)
        return last

    def journal(self, case: Case) -> list[tuple[float, float]]:
        """Return when each run of like answers began and ended, in seconds after the submit."""
        submitted = self.row(case)["started_at"]
        return [
            (
                (entry["at"] - submitted).total_seconds(),
                (entry["last_at"] - submitted).total_seconds(),
            )
            for entry in journal(self.database, case.reference)
        ]

    def _start(self, case: Case) -> NewOperation:
        taken = self._plugin.accept(KIND, {"unit_id": case.unit_id}, person(case.number))
        sealed = SEALER.seal(dict(taken.payload or {}))
        give_up_at = self._poller.give_up_at()
        return NewOperation("moneta", case.reference, taken, "f" * 64, sealed, give_up_at)


def _settings(address: str, transport: str, apart: float) -> MonetaSettings:
    options = SandboxOptions()
    return MonetaSettings.model_validate(
        {
            "url": f"{address}/moneta/services",
            "username": options.username,
            "password": options.password,
            "transport": transport,
            "anonymous_group_id": options.anonymous_group_id,
            "simplified_group_id": options.simplified_group_id,
            "full_group_id": options.full_group_id,
            "poll": PollPolicy(first_after=_APART, then=apart, jitter=0),
        }
    )


@contextmanager
def moneta(url: str, transport: str, apart: float = _APART) -> Iterator[Moneta]:
    """Run both ends over a migrated database for the time of a `with` block."""
    database = StillDatabase(url)
    options = SandboxOptions(delay=_DELAY, task_timeout=_WAIT)
    with background(options, database.now) as address:
        plugin = MonetaPlugin(_settings(address, transport, apart))
        poller = Poller(database, plugin, MemoryBroker(database))
        try:
            yield Moneta(poller, plugin, address, transport)
        finally:
            poller.close()
            plugin.close()
            database.dispose()


_TRANSPORTS: Final = ("json", "soap")


@pytest.fixture(scope="module", params=_TRANSPORTS)
def ended(request: pytest.FixtureRequest, sqlite: SqliteFiles) -> Iterator[Moneta]:
    """A day in which every case began and ended."""
    url = sqlite.create_database(bring_to_newest)
    with moneta(url, request.param) as running:
        running.start(case for cases in _FORMS.values() for case in cases.values())
        running.pass_until(24 * _HOUR)
        yield running
    sqlite.drop_database(url)


@pytest.fixture(params=["json", pytest.param("soap", marks=pytest.mark.exhaustive)])
def running(request: pytest.FixtureRequest, sqlite: SqliteFiles) -> Iterator[Moneta]:
    """Both ends, and nothing begun."""
    url = sqlite.create_database(bring_to_newest)
    with moneta(url, request.param, _FAR_APART) as made:
        yield made
    sqlite.drop_database(url)


@pytest.mark.parametrize("case", _CASES)
def test_expiry_ends_as_the_group_says(ended: Moneta, case: Case) -> None:
    events = ended.told(case)

    assert [event.type for event in events] == [EventType.ACCEPTED, EventType.STARTED, case.end]
    reason, result = events[-1].data["reason"], events[-1].data["result"]
    if case.end is _SUCCEEDED:
        assert (reason, result["group"]) == (None, case.by)
        assert result["verified_by"] == "profile_group"
    else:
        assert (reason["code"], result.get("verified_by")) == (case.by, None)
        assert reason["retryable"] is (case.end is _REJECTED)
    # What the profile has approved, where it was asked: names only.
    assert ({"approved", "not_approved"} <= result.keys()) is (case.end is not _PERSON)


@pytest.mark.parametrize("case", _CASES)
def test_expiry_costs_one_submit_and_as_many_looks_as_it_needs(ended: Moneta, case: Case) -> None:
    calls = ended.calls(case)

    assert (calls["submits"], calls["taken"]) == (1, 1)
    assert calls["profile_checks"] == case.checks
    assert set(calls["languages"]) == {ended.transport}


@pytest.mark.parametrize("case", _DEADLINE.values(), ids=_DEADLINE)
def test_deadline_is_polled_shortly_before_and_after_it(ended: Moneta, case: Case) -> None:
    moments = sorted({moment for run in ended.journal(case) for moment in run})

    last_look, first_after = next(
        pair for pair in pairwise(moments) if pair[0] < _WAIT - _MARGIN <= pair[1]
    )
    assert abs(last_look - (_WAIT - _MINUTE)) < _MARGIN
    assert abs(first_after - _WAIT) < _MARGIN


@pytest.mark.parametrize("form", _FORMS)
def test_anonymous_unit_is_given_fifteen_minutes_to_move(ended: Moneta, form: str) -> None:
    case = _FORMS[form]["anonymous"]
    over = {"deadline": _WAIT, "500.7.2": _APART, "500.9.1": _APART + _LOST_FOR}[form]

    took = ended.journal(case)[-1][-1]

    assert abs(took - (over + _CHECKS_TAKE)) < _MARGIN


@pytest.mark.parametrize("group", ["anonymous", "simplified", "unknown"])
def test_deadline_is_waited_over_when_moneta_is_down(running: Moneta, group: str) -> None:
    case = _DEADLINE[group]
    running.start([case])
    running.pass_until(_WAIT - _HOUR)
    running.outage("down")

    running.pass_until(_WAIT + 12 * _HOUR)

    assert running.state(case) is State.SETTLING
    assert [event.type for event in running.told(case)] == [EventType.ACCEPTED, EventType.STARTED]
    assert running.calls(case)["profile_checks"] == 0

    running.outage("up")
    running.pass_until(_WAIT + 20 * _HOUR)

    assert running.end(case).type == case.end
    assert running.calls(case)["profile_checks"] == case.checks


@pytest.mark.parametrize("form", ["500.7.2", "500.9.1"])
@pytest.mark.parametrize("group", ["anonymous", "simplified", "unknown"])
def test_settlement_is_waited_over_when_moneta_goes_down_before_the_profile_was_seen(
    running: Moneta, form: str, group: str
) -> None:
    case = _FORMS[form][group]
    running.start([case])
    # The poll that says that the wait is over, and not yet what comes of it.
    running.pass_until(_APART - 1)
    for _ in range(_STEPS):
        running.travel(5)
        running.work_once()
        if running.state(case) is State.SETTLING:
            break
    assert running.state(case) is State.SETTLING
    running.outage("down")

    running.pass_until(12 * _HOUR)

    assert running.state(case) is State.SETTLING
    assert len(running.told(case)) == 2

    running.outage("up")
    running.pass_until(20 * _HOUR)

    assert running.end(case).type == case.end


def test_checks_go_on_where_they_were_when_moneta_was_down_between_them(running: Moneta) -> None:
    case = _DEADLINE["anonymous"]
    running.start([case])
    running.pass_until(_WAIT + _MINUTE)
    assert running.calls(case)["profile_checks"] == 1
    running.outage("down")
    running.pass_until(_WAIT + 6 * _HOUR)
    assert running.state(case) is State.SETTLING
    seen = running.calls(case)["profile_checks"]

    running.outage("up")
    running.pass_until(_WAIT + 12 * _HOUR)

    assert running.end(case).type == _REJECTED
    # One before it, and the other two after it.
    assert running.calls(case)["profile_checks"] == seen + 2
