"""Notifications: whenever they come, they reach the question that they answer."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from config.queues import Wake
from tests.support.engine.operations import operation, start, types
from tests.support.engine.process import SEALER, Process, states
from tests.support.providers.scripted import Line, ScriptedPlugin
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.names import Provider
from uprid_client.sealing import Sealer, new_key
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    NeedsPerson,
    Outcome,
    Pending,
    Reason,
    Started,
)
from worker.engine.calls import Call
from worker.providers.protocol import Work
from worker.store import notifications
from worker.store.notifications import Notification, Received
from worker.store.tables import NOTIFICATIONS

PARTY = "a" * 64
UNSURE = Reason(ReasonCode.DOUBTFUL_SUBMIT, "Nobody can tell.")
TAKEN = Started("77", "taken", again_in=500, accepts_notifications=True)


@pytest.fixture
def plugin() -> ScriptedPlugin:
    made = ScriptedPlugin()
    made.answers(Call.SUBMIT, TAKEN)
    made.answers(Call.CLEAR_UP, told_or(NeedsPerson(UNSURE, "no notification", calls=0)))
    made.answers(Call.POLL, told_or(Pending("no notification", again_in=500, calls=0)))
    made.answers(Call.SETTLE, told_or(Finished(State.EXPIRED, "no notification", calls=0)))
    return made


def told_or(otherwise: Outcome) -> Line:
    """Return what ends as the first notification says, else answers so."""

    def line(work: Work) -> Outcome:
        if not work.notifications:
            return otherwise
        return Finished(State(work.notifications[0]["state"]), "notification", calls=0)

    return line


def begin(poller: Process, *references: str) -> None:
    give_up_at = poller.give_up_at()
    poller.accept(
        *(replace(start(each, give_up_at=give_up_at), subject_hash=PARTY) for each in references)
    )


def hear(
    poller: Process, state: State = State.SUCCEEDED, ref: str = "77", sealer: Sealer = SEALER
) -> Received:
    """Receive a notification as the intake does."""
    now = poller.database.now()
    sealed = sealer.seal({"state": state.value})
    one = Notification(Provider.MONETA, f"{state}-{ref}", ref, PARTY, sealed)
    with poller.database.begin() as connection:
        heard, _ = notifications.receive(connection, one, now)
    poller.wakeups.at(Provider.MONETA, Wake.POLL, [now])
    return heard


ONCE = ["operation.accepted", "operation.started", "operation.succeeded"]


def test_notification_before_the_submits_answer_ends_it_at_once(poller: Process) -> None:
    assert hear(poller) is Received.UNMATCHED
    begin(poller, "order-1")

    poller.run(3)

    assert types(poller.database) == ONCE


def test_notification_during_the_submit_ends_it_at_once(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    heard: list[Received] = []

    def spoken_of(_: Work) -> Outcome:
        heard.append(hear(poller))
        return TAKEN

    plugin.answers(Call.SUBMIT, spoken_of)
    begin(poller, "order-1")

    poller.run(3)

    assert heard == [Received.MATCHED]
    assert types(poller.database) == ONCE


def test_notification_after_the_submits_answer_ends_it_at_once(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    begin(poller, "order-1")
    poller.run(3)
    assert plugin.asked(Call.POLL) == 0

    assert hear(poller) is Received.MATCHED
    assert hear(poller) is Received.REPEATED
    poller.run(3)

    assert types(poller.database) == ONCE
    assert plugin.asked(Call.POLL) == 1


def test_notification_after_the_time_out_clears_it_up(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUBMIT, Doubtful("timed out"))
    begin(poller, "order-1")
    poller.work()
    assert states(poller) == ["submitting"]

    hear(poller)
    poller.run(3)

    assert [call.ask for call in plugin.calls] == [Call.SUBMIT, Call.CLEAR_UP]
    assert states(poller) == ["succeeded"]


def test_notification_has_an_operation_go_on_that_waits_for_a_person(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUBMIT, Doubtful("timed out"))
    begin(poller, "order-1")
    poller.run(30)
    assert states(poller) == ["waiting_for_person"]

    assert hear(poller) is Received.MATCHED
    poller.run(3)

    assert plugin.asked(Call.SUBMIT) == 1
    assert types(poller.database) == [
        "operation.accepted",
        "operation.waiting_for_person",
        "operation.succeeded",
    ]


@pytest.mark.parametrize(
    ("ask", "first"),
    [
        pytest.param(Call.CLEAR_UP, NeedsPerson(UNSURE, "no notification"), id="clear up"),
        pytest.param(Call.POLL, Finished(State.EXPIRED, "gone"), id="poll"),
        pytest.param(Call.SETTLE, Finished(State.EXPIRED, "no notification"), id="settle"),
        pytest.param(Call.SETTLE, NeedsPerson(UNSURE, "nobody knows"), id="settle in doubt"),
    ],
)
def test_notification_during_the_last_question_is_heard_before_its_answer_counts(
    poller: Process, plugin: ScriptedPlugin, ask: Call, first: Outcome
) -> None:
    def meanwhile(work: Work) -> Outcome:
        if work.notifications:
            return told_or(first)(work)
        assert hear(poller) is Received.MATCHED
        return first

    if ask is Call.CLEAR_UP:
        plugin.answers(Call.SUBMIT, Doubtful("timed out"))
    plugin.answers(ask, meanwhile)
    begin(poller, "order-1")

    poller.run(700)

    assert plugin.asked(ask) == 2
    assert [one for one in types(poller.database) if one != "operation.started"] == [
        "operation.accepted",
        "operation.succeeded",
    ]


def test_notification_during_a_submit_that_nobody_understands_clears_it_up(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    def unknown(_: Work) -> Outcome:
        hear(poller)
        return NeedsPerson(UNSURE, "an unknown answer")

    plugin.answers(Call.SUBMIT, unknown)
    begin(poller, "order-1")

    poller.run(3)

    assert [call.ask for call in plugin.calls] == [Call.SUBMIT, Call.CLEAR_UP]
    assert types(poller.database) == ["operation.accepted", "operation.succeeded"]


def test_notification_is_heard_past_the_deadline(poller: Process, plugin: ScriptedPlugin) -> None:
    begin(poller, "order-1")
    poller.run(3)
    poller.broker.flush()
    poller.database.travel(601)

    hear(poller)
    poller.run(3)

    assert plugin.calls[-1].ask is Call.SETTLE
    assert types(poller.database) == ONCE


def test_notification_is_not_lost_when_the_process_dies_that_was_asking(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    begin(poller, "order-1")
    poller.run(3)

    def die(_: Work) -> Outcome:
        hear(poller, State.EXPIRED)
        poller.die()
        poller.incarnation.beat()
        return Pending("nobody hears of it")

    plugin.answers(Call.POLL, die)
    hear(poller)
    poller.run(1)
    plugin.answers(Call.POLL, told_or(Pending("no notification")))
    poller.work()

    assert states(poller) == ["succeeded"]


def test_notifications_are_handed_over_oldest_first(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    seen: list[list[str]] = []

    def look(work: Work) -> Outcome:
        seen.append([notification["state"] for notification in work.notifications])
        return Pending("not yet", again_in=500)

    plugin.answers(Call.POLL, look)
    begin(poller, "order-1")
    poller.run(3)
    hear(poller, State.EXPIRED)
    hear(poller, State.SUCCEEDED)
    hear(poller, State.REJECTED, ref="78")
    poller.run(3)

    assert seen[-1] == ["expired", "succeeded"]


def test_notification_that_does_not_open_waits_for_a_person(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    begin(poller, "order-1")
    poller.run(3)

    hear(poller, sealer=Sealer([new_key()]))
    poller.run(3)

    assert states(poller) == ["waiting_for_person"]
    assert plugin.asked(Call.POLL) == 0
    with poller.database.begin() as connection:
        connection.execute(update(NOTIFICATIONS).values(sealed=SEALER.seal({"state": "succeeded"})))
    # The next one has it go on, and now both open.
    assert hear(poller, State.EXPIRED) is Received.MATCHED
    poller.run(3)
    assert states(poller) == ["succeeded"]


def test_two_doubtful_operations_of_one_person_wait_for_somebody_who_knows(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUBMIT, Doubtful("timed out"))
    begin(poller, "order-1", "order-2")
    poller.run(1)

    assert hear(poller) is Received.UNMATCHED
    poller.run(30)

    assert states(poller) == ["waiting_for_person"] * 2
    assert operation(poller.database)["notices"] == 0
