"""Inputs: each is sent once, one after the other, even if a process dies in between."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Connection, RowMapping, select, update

from tests.support.engine.broker import MemoryBroker
from tests.support.engine.clock import TravellingDatabase
from tests.support.engine.operations import operation, told, types
from tests.support.engine.process import SEALER, Process, states
from tests.support.providers.scripted import LIMITS, ScriptedPlugin
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.names import Provider
from uprid_client.sealing import Sealer, new_key
from worker.domain.outcomes import (
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
    Wanted,
)
from worker.engine.calls import Call
from worker.providers.protocol import Work
from worker.store import inputs, provider_pauses, resolutions
from worker.store.actions import Action
from worker.store.inputs import Input, Offered
from worker.store.tables import INPUTS, OPERATIONS

CODE = "sms_code"
SUCCEEDED = Finished(State.SUCCEEDED, "verified")
WRONG = Reason(ReasonCode.CONFIGURATION, "The key is wrong.")
UNSURE = Reason(ReasonCode.UNKNOWN_ANSWER, "Nobody can tell.")


@pytest.fixture
def plugin() -> ScriptedPlugin:
    made = ScriptedPlugin()
    made.answers(Call.SUBMIT, begin)
    return made


def begin(work: Work) -> Outcome:
    return Started(f"ref-{work.reference}", "taken", wants=Wanted(CODE, 5))


@pytest.fixture
def wanting(poller: Process) -> Process:
    """A poller with `order-1`, which wants a code."""
    poller.enqueue("order-1")
    poller.work()
    assert operation(poller.database)["missing"] == CODE
    return poller


def offer(
    poller: Process, code: str, reference: str = "order-1", *, sealer: Sealer = SEALER
) -> Offered:
    now = poller.database.now()
    given = Input(
        Provider.MONETA, reference, CODE, f"message-{code}-{reference}",
        lambda id_, attempt: f"{id_}-{attempt}-{code}", sealer.seal({CODE: code}),
    )  # fmt: skip
    with poller.database.begin() as connection:
        offered, _ = inputs.offer(connection, given, now)
    poller.wakeups.soon(Provider.MONETA, now)
    return offered


def sent(plugin: ScriptedPlugin) -> list[str]:
    """Return the codes that the provider got, in their order."""
    return [call.payload[CODE] for call in plugin.calls if call.ask is Call.SUPPLY and call.payload]


def stored(poller: Process) -> list[RowMapping]:
    with poller.database.read() as connection:
        return list(connection.execute(select(INPUTS).order_by(INPUTS.c.at)).mappings())


def rise(poller: Process) -> None:
    """Fall silent, as a killed process does; another life begins."""
    poller.die()
    poller.incarnation.beat()


def resume(poller: Process) -> None:
    with poller.database.begin() as connection:
        action = Action("order-1", 1, "anna", "asked by phone")
        now = poller.database.now()
        resolutions.resume(connection, action, None, lambda _, progress: progress, now)
    poller.wakeups.soon(Provider.MONETA, now)


def test_start_that_wants_an_input_tells_so(wanting: Process) -> None:
    assert types(wanting.database) == [
        "operation.accepted",
        "operation.started",
        "operation.input_required",
    ]
    data = told(wanting.database)[-1].data
    assert (data["missing"], data["attempts_left"]) == (CODE, 5)


def test_input_is_sent_at_once_and_only_once(wanting: Process, plugin: ScriptedPlugin) -> None:
    seen: list[Work] = []

    def take(work: Work) -> Outcome:
        seen.append(work)
        return Pending("code sent", as_after=0)

    plugin.answers(Call.SUPPLY, take)
    offer(wanting, "1111")
    wanting.run(60)

    assert sent(plugin) == ["1111"]
    [work] = seen
    assert (work.missing, work.inputs_sent, work.inputs_waiting) == (CODE, 1, 0)
    assert work.input_sent_at is not None
    row = operation(wanting.database)
    assert (row["missing"], row["inputs_sent"], row["inputs_waiting"]) == (None, 1, 0)
    assert [one["sealed"] for one in stored(wanting)] == [None]


def test_five_inputs_are_sent_one_after_the_other_and_each_once(
    wanting: Process, plugin: ScriptedPlugin
) -> None:
    """Each waits for the verdict on the one before, however early it came."""
    verdict_awaited = False

    def take(_: Work) -> Outcome:
        nonlocal verdict_awaited
        assert not verdict_awaited
        verdict_awaited = True
        return Pending("code sent", as_after=0)

    def look(work: Work) -> Outcome:
        nonlocal verdict_awaited
        if work.missing is None:
            verdict_awaited = False
            return Pending("wrong code", wants=Wanted(CODE, 5 - work.inputs_sent))
        return Pending("waiting for a code")

    plugin.answers(Call.SUPPLY, take)
    plugin.answers(Call.POLL, look)
    codes = [str(number) * 4 for number in range(5)]
    assert [offer(wanting, code) for code in codes] == [Offered.TAKEN] * 5
    assert [offer(wanting, code) for code in codes] == [Offered.KNOWN] * 5
    assert offer(wanting, "5555") is Offered.TOO_MANY

    wanting.run(60)

    assert sent(plugin) == codes
    left = [e.data["attempts_left"] for e in told(wanting.database) if "attempts_left" in e.data]
    assert left == [5, 4, 3, 2, 1, 0]


def test_input_is_not_sent_again_when_its_process_dies_after_the_call(
    wanting: Process, plugin: ScriptedPlugin
) -> None:
    def die(_: Work) -> Outcome:
        rise(wanting)
        return Pending("code sent, and nobody hears of it")

    plugin.answers(Call.SUPPLY, die)
    offer(wanting, "1111")
    wanting.run(1)
    wanting.work()

    assert [call.ask for call in plugin.calls][-2:] == [Call.SUPPLY, Call.POLL]
    assert sent(plugin) == ["1111"]
    row = operation(wanting.database)
    assert (row["inputs_sent"], row["inputs_waiting"], row["missing"]) == (1, 0, None)


class Killed(BaseException):
    """Ends a thread between two statements, as `kill -9` ends its process."""


class Mortal(TravellingDatabase):
    """A database whose process dies right after a commit that the test chose."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.deadly: Callable[[], bool] = lambda: False

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction; after its commit nothing may follow."""
        with super().begin() as connection:
            yield connection
        if self.deadly():
            self.deadly = lambda: True
            raise Killed


def test_input_is_not_sent_at_all_when_its_process_dies_right_after_the_mark(
    migrated_url: str, plugin: ScriptedPlugin
) -> None:
    """It counts as sent: this death looks the same as one after the call."""
    database = Mortal(migrated_url)
    poller = Process(database, plugin, MemoryBroker(database))
    poller.enqueue("order-1")
    poller.work()
    offer(poller, "1111")
    database.deadly = lambda: operation(database)["inputs_sent"] == 1

    with pytest.raises(Killed):
        poller.run(1)
    database.deadly = lambda: False
    rise(poller)
    poller.work()
    poller.close()

    assert sent(plugin) == []
    assert plugin.calls[-1].ask is Call.POLL
    row = operation(database)
    assert (row["inputs_sent"], row["inputs_waiting"], row["missing"]) == (1, 0, None)
    database.dispose()


def test_input_is_not_sent_when_the_lease_was_lost_before_the_mark(
    wanting: Process, plugin: ScriptedPlugin
) -> None:
    def lose_the_other(work: Work) -> Outcome:
        with wanting.database.begin() as connection:
            connection.execute(
                update(OPERATIONS).where(OPERATIONS.c.id != work.id).values(lease_token="another")
            )
        return Pending("code sent")

    wanting.enqueue("order-2")
    wanting.work()
    plugin.limits = replace(LIMITS, threads=1)
    plugin.answers(Call.SUPPLY, lose_the_other)
    offer(wanting, "1111", "order-1")
    offer(wanting, "2222", "order-2")

    wanting.work()

    assert sent(plugin) == ["1111"]
    assert operation(wanting.database, "order-2")["inputs_waiting"] == 1


def test_input_is_not_sent_again_when_the_lease_was_lost_during_the_call(
    wanting: Process, plugin: ScriptedPlugin
) -> None:
    def lose(_: Work) -> Outcome:
        rise(wanting)
        return NotSent("connection refused", Trouble.TRANSPORT)

    plugin.answers(Call.SUPPLY, lose)
    offer(wanting, "1111")
    wanting.run(60)

    assert sent(plugin) == ["1111"]
    assert operation(wanting.database)["inputs_sent"] == 1


def test_input_that_was_not_sent_is_sent_again_after_a_rest(
    wanting: Process, plugin: ScriptedPlugin
) -> None:
    refused = NotSent("connection refused", Trouble.DEPENDENCY)
    plugin.answers(Call.SUPPLY, refused, refused, Pending("code sent", as_after=0))
    offer(wanting, "1111")
    wanting.run(0.9)
    # Not hammered: the first wait of the schedule is a second.
    assert sent(plugin) == ["1111"]

    wanting.run(30)

    assert sent(plugin) == ["1111"] * 3
    row = operation(wanting.database)
    assert (row["inputs_sent"], row["inputs_waiting"], row["missing"]) == (1, 0, None)


def test_input_is_kept_while_its_provider_pauses_for_wrong_settings(
    wanting: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUPPLY, Misconfigured(WRONG, "401"), Pending("code sent"))
    offer(wanting, "1111")
    wanting.run(30)
    assert sent(plugin) == ["1111"]
    row = operation(wanting.database)
    assert (row["state"], row["inputs_sent"], row["inputs_waiting"]) == ("polling", 0, 1)

    with wanting.database.begin() as connection:
        provider_pauses.unpause(connection, "moneta", "anna", "mended", wanting.database.now())
    wanting.work()

    assert sent(plugin) == ["1111"] * 2
    assert operation(wanting.database)["inputs_sent"] == 1


@pytest.mark.parametrize(
    "sealed",
    [
        pytest.param(Sealer([new_key()]).seal({CODE: "1111"}), id="a lost key"),
        pytest.param(SEALER.seal(["1111"]), id="no object"),
    ],
)
def test_input_that_does_not_open_waits_for_a_person_and_is_not_spent(
    wanting: Process, plugin: ScriptedPlugin, sealed: str
) -> None:
    offer(wanting, "1111")
    with wanting.database.begin() as connection:
        connection.execute(update(INPUTS).values(sealed=sealed))
    wanting.run(1)

    row = operation(wanting.database)
    assert (row["state"], row["waiting_from"]) == ("waiting_for_person", "polling")
    assert (row["inputs_sent"], row["inputs_waiting"], row["missing"]) == (0, 1, CODE)
    assert told(wanting.database)[-1].data["reason"]["code"] == "payload_unreadable"
    assert plugin.asked(Call.SUPPLY) == 0
    with wanting.database.begin() as connection:
        connection.execute(update(INPUTS).values(sealed=SEALER.seal({CODE: "1111"})))
    resume(wanting)
    wanting.run(1)
    assert sent(plugin) == ["1111"]


def test_input_over_which_a_person_is_needed_lets_no_other_be_sent_unasked(
    wanting: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUPPLY, NeedsPerson(UNSURE, "unsure"))
    offer(wanting, "1111")
    wanting.run(1)
    offer(wanting, "2222")
    assert states(wanting) == ["waiting_for_person"]

    resume(wanting)
    wanting.run(1)

    assert plugin.calls[-1].ask is Call.POLL
    assert sent(plugin) == ["1111"]


def test_input_that_comes_past_the_deadline_is_not_sent(
    wanting: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SETTLE, Pending("looking"))
    wanting.broker.flush()
    wanting.database.travel(601)
    offer(wanting, "1111")

    wanting.run(5)

    assert sent(plugin) == []
    row = operation(wanting.database)
    assert (row["state"], row["missing"]) == ("settling", None)
    assert offer(wanting, "2222") is Offered.NOT_WANTED


def test_settlement_that_a_poll_begins_wants_no_input_any_more(
    wanting: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.POLL, Settle("gone"))
    plugin.answers(Call.SETTLE, Pending("looking"))

    wanting.run(5)

    assert operation(wanting.database)["missing"] is None


def test_stumble_over_an_input_counts_it_as_sent(wanting: Process, plugin: ScriptedPlugin) -> None:
    def stumble(_: Work) -> Outcome:
        raise LookupError

    plugin.answers(Call.SUPPLY, stumble)
    offer(wanting, "1111")

    wanting.run(30)

    assert sent(plugin) == ["1111"]
    assert operation(wanting.database)["inputs_sent"] == 1


def test_inputs_are_erased_with_the_verdict(wanting: Process, plugin: ScriptedPlugin) -> None:
    plugin.answers(Call.SUPPLY, SUCCEEDED)
    offer(wanting, "1111")
    offer(wanting, "2222")

    wanting.run(5)

    assert states(wanting) == ["succeeded"]
    assert {(row["sealed"], row["fingerprint"]) for row in stored(wanting)} == {(None, None)}
