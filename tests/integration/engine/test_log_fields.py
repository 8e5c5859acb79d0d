"""What an engine logs: each field holds what its name says."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog

from tests.support.engine.operations import operation
from tests.support.engine.process import Process, many
from tests.support.providers.scripted import LIMITS, ScriptedPlugin
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.outcomes import (
    Finished,
    Misconfigured,
    NotSent,
    Outcome,
    Pending,
    Reason,
    Started,
    Trouble,
)
from worker.engine.calls import Call
from worker.providers.protocol import Work

Logged = list[MutableMapping[str, Any]]
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def logged() -> Iterator[Logged]:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        yield lines


def one(logged: Logged, event: str) -> dict[str, Any]:
    """Return the fields of the first line of an event."""
    fields = next(dict(line) for line in logged if line["event"] == event)
    return {k: v for k, v in fields.items() if k not in {"event", "log_level", "exc_info"}}


def test_a_stumble_names_provider_operation_and_question(
    poller: Process, plugin: ScriptedPlugin, logged: Logged
) -> None:
    def stumble(_: Work) -> Outcome:
        raise LookupError

    plugin.answers(Call.POLL, stumble)
    poller.enqueue("order-1")
    poller.run(5)

    stumbled = one(logged, "plugin_stumbled")
    assert stumbled == {
        "provider": "moneta",
        "operation": operation(poller.database, "order-1")["id"],
        "attempt": 1,
        "ask": "poll",
    }


def test_a_sick_provider_and_its_recovery_are_logged_by_its_name(
    poller: Process, plugin: ScriptedPlugin, logged: Logged
) -> None:
    plugin.answers(Call.SUBMIT, NotSent("refused", Trouble.TRANSPORT))
    poller.enqueue(*many(50))
    poller.run(29)
    plugin.answers(Call.SUBMIT, Started("77", "taken"))
    poller.run(15)

    rests = one(logged, "provider_rests")
    assert rests["provider"] == "moneta"
    assert rests["failures"] >= LIMITS.breaker_failures
    halted = one(logged, "chunk_halted")
    assert (halted["provider"], halted["why"]) == ("moneta", "provider_sick")
    assert 0 < halted["left"] < 50
    assert one(logged, "provider_is_back") == {"provider": "moneta"}


def test_a_pause_is_logged_with_the_provider_s_own_code(
    poller: Process, plugin: ScriptedPlugin, logged: Logged
) -> None:
    reason = Reason(ReasonCode.CONFIGURATION, "The login is wrong.", provider_code="300.1.1")
    plugin.answers(Call.SUBMIT, Misconfigured(reason, "300.1.1"))
    poller.enqueue("order-1")
    poller.run(2)

    assert one(logged, "provider_paused") == {"provider": "moneta", "code": "300.1.1"}


def test_an_answer_that_cannot_be_written_names_operation_and_attempt(
    poller: Process, plugin: ScriptedPlugin, logged: Logged
) -> None:
    plugin.answers(Call.POLL, Pending("n", progress={"seen": {1}}))
    poller.enqueue("order-1")
    poller.run(5)

    refused = one(logged, "write_refused")
    assert refused["operation"] == operation(poller.database, "order-1")["id"]
    assert (refused["attempt"], refused["error"]) == (1, "TypeError")


def test_a_late_answer_names_operation_and_the_state_that_it_would_have_led_to(
    poller: Process, plugin: ScriptedPlugin, logged: Logged
) -> None:
    def lose_the_lease(_: Work) -> Outcome:
        poller.die()
        return Finished(State.SUCCEEDED, "result")

    plugin.answers(Call.POLL, lose_the_lease)
    poller.enqueue("order-1")
    poller.run(5)

    assert one(logged, "late_answer") == {
        "provider": "moneta",
        "operation": operation(poller.database, "order-1")["id"],
        "state": "succeeded",
    }
