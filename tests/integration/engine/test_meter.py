"""The meter: each chunk that worked is measured once, however it ended."""

import pytest

from tests.support.engine.process import Process, many
from tests.support.providers.scripted import LIMITS, ScriptedPlugin
from worker.domain.outcomes import NotSent, Trouble
from worker.engine.admission import Breaker
from worker.engine.calls import Call

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def test_chunk_is_measured_by_its_calls_and_what_they_came_to(poller: Process) -> None:
    poller.enqueue(*many(3))
    poller.work()
    poller.database.travel_to(poller.database.now() + poller.wakeups._longest)
    poller.incarnation.beat()
    poller.work()

    submits, polls = poller.meter.chunks
    assert (submits.provider, submits.claimed) == ("moneta", 3)
    assert submits.calls == {Call.SUBMIT: 3}
    assert submits.outcomes == {"Started": 3}
    assert submits.breaker is Breaker.CLOSED
    assert polls.calls == {Call.POLL: 3}
    assert polls.outcomes == {"Pending": 3}
    assert submits.seconds_late < polls.seconds_late < poller.wakeups._longest.total_seconds()
    assert polls.seconds_in_calls >= 0


def test_chunk_that_opens_the_breaker_is_measured_with_it(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUBMIT, NotSent("refused", Trouble.TRANSPORT))
    poller.enqueue(*many(LIMITS.breaker_failures))
    poller.work()

    [measures] = poller.meter.chunks
    assert measures.outcomes == {"NotSent": LIMITS.breaker_failures}
    assert measures.breaker is Breaker.OPEN


def test_message_for_which_nothing_is_due_is_no_chunk(poller: Process) -> None:
    assert poller.work() == 0
    assert poller.meter.chunks == ()
