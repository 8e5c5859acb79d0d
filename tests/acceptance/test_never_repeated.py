"""Calls that cost or have effect, and whose answer is lost: none of them is made a second time.

The stand-ins take a call and drop the connection, or answer 500, or never answer; or they do all of
that and take nothing. Which of the two it was, only a harmless question can tell, or a person.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.engine.schema import bring_to_newest
from tests.support.messages.marketplace import CODE, STARTED
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.providers.lost_calls import (
    CALLS,
    HANGING,
    Becomes,
    Call,
    assert_told,
    attempts_left,
    counted,
    enqueue,
    patient,
    wait_for,
)
from tests.support.servers.fresh import SqliteFiles, valkey_server

#: Words of which the journal's note of a lost answer holds one.
_NOTED: Final = {
    "dropped": ("connection",),
    "500": ("500", "502", "503"),
    "hung": ("time",),
}
#: When a waiting operation is to be resumed: by the provider's id, but where a list tells.
_USUALLY: Final = "if {} has the task: uprid resume {} --provider-ref"
_RESUMING: Final = {"intellectmoney": "to look at {}'s list again: uprid resume {} --note"}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Run:
    """Something was made of every call: the tests below only read."""

    system: System
    #: References by the calls' ids.
    sent: dict[str, str]


@pytest.fixture(scope="module")
def run(sqlite_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """All calls, the answer to each of them lost."""
    directory = tmp_path_factory.mktemp("never-repeated")
    with (
        valkey_server() as broker,
        system(directory, broker, sqlite_url, patient(2), every_provider=True) as whole,
    ):
        whole.start_sandbox(delay=0.2, task_timeout=600)
        whole.start("worker", "poller")
        sent = enqueue(whole, CALLS, "once")
        wait_for(whole, CALLS, sent)
        yield Run(whole, sent)


def _each(becomes: Becomes, *ways: str, by_commands: bool = False) -> pytest.MarkDecorator:
    """Give the calls that were not taken: to us they look as those that were.

    A command is a process that starts: the quick run has one way of losing answers for these.
    """
    known = [call for call in CALLS if call.becomes is becomes and not call.taken]
    calls = [
        pytest.param(
            call,
            id=call.id,
            marks=[pytest.mark.exhaustive] * (by_commands and call.how != "dropped"),
        )
        for call in known
        if not ways or call.how in ways
    ]
    return pytest.mark.parametrize("call", calls)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.id)
def test_call_whose_answer_is_lost_arrives_exactly_once(run: Run, call: Call) -> None:
    assert counted(run.system, call) == (1, int(call.taken))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.id)
def test_call_whose_answer_is_lost_is_confirmed_or_left_to_a_person(run: Run, call: Call) -> None:
    assert_told(run.system.marketplace, call, run.sent[call.id])


@_each(Becomes.WAITS, "dropped")
def test_show_says_why_an_operation_waits_and_what_to_type(run: Run, call: Call) -> None:
    reference = run.sent[call.id]

    shown = run.system.shown(reference)

    assert "waits for a person: its submit was sent, and no answer came" in shown
    assert _RESUMING.get(call.provider, _USUALLY).format(call.provider, reference) in shown
    assert f"if {call.provider} certainly has not: uprid retry {reference}" in shown
    assert f"if it has ended there: uprid resolve {reference} VERDICT" in shown


@_each(Becomes.WAITS)
def test_show_tells_programs_why_an_operation_waits(run: Run, call: Call) -> None:
    shown = run.system.show(run.sent[call.id])

    assert shown["state"] == "waiting_for_person"
    assert shown["reason"]["code"] == "doubtful_submit"
    assert "is not known" in shown["reason"]["message"]
    assert "retry" in shown["reason"]["message"]
    moves = [each["note"] for each in shown["timeline"] if each["what"] == "move"]
    assert moves == [
        "accepted",
        "accepted → submitting",
        "submitting → waiting_for_person: doubtful_submit",
    ]
    noted = " ".join(each["note"] for each in shown["timeline"] if each["what"] == "call").lower()
    assert any(word in noted for word in _NOTED[call.how]), noted


@_each(Becomes.ASKED_AGAIN, "dropped")
def test_show_says_that_a_code_is_wanted_again(run: Run, call: Call) -> None:
    text = run.system.shown(run.sent[call.id])
    shown = run.system.show(run.sent[call.id])

    assert "inputs: mandarin waits for sms_code, 1 sent, 0 waiting to be sent" in text
    assert (shown["state"], shown["missing"], shown["inputs_sent"]) == ("polling", "sms_code", 1)


@_each(Becomes.ASKED_AGAIN)
def test_further_code_is_sent_where_one_was_lost(run: Run, call: Call) -> None:
    shop, reference = run.system.marketplace, run.sent[call.id]

    shop.send(CODE, "mandarin", reference=reference, sealed=shop.seal({"sms_code": "0"}))

    wait_until(lambda: len(attempts_left(shop, reference)) == 3, 60, "the third question")
    assert attempts_left(shop, reference) == [5, 4, 3]
    # The lost one once, and the further one once.
    assert counted(run.system, call) == (2, 1)


@_each(Becomes.WAITS, by_commands=True)
def test_only_a_person_has_the_call_made_again(run: Run, call: Call) -> None:
    reference = run.sent[call.id]

    run.system.uprid("retry", reference, "--note", "the provider has not got it")

    # The stand-ins lose the first answer alone.
    began = [STARTED, "uprid.operation.succeeded"]
    run.system.marketplace.wait_for([reference], began, timeout=60)
    assert counted(run.system, call) == (2, 1)


def test_poller_killed_in_the_middle_of_a_call_never_makes_it_again(
    sqlite: SqliteFiles, tmp_path: Path
) -> None:
    """All calls hang when the poller dies: `submitting`, or a code that counts, is all it left."""
    url = sqlite.create_database(bring_to_newest)
    with (
        valkey_server() as broker,
        # Only the kill ends a call.
        system(tmp_path, broker, url, patient(60), every_provider=True) as whole,
    ):
        whole.start_sandbox(delay=0.2, task_timeout=600)
        whole.start("worker", "poller")
        sent = enqueue(whole, HANGING, "killed")
        wait_until(lambda: _all_arrived(whole), 60, "calls that hang", interval=0.1)

        whole.kill9("poller")
        submitting = whole.rows("SELECT reference FROM operation WHERE state = 'submitting'")
        whole.start("poller")

        wait_for(whole, HANGING, sent)
        submits = {sent[call.id] for call in HANGING if call.what != "mandarin-put"}
        assert {reference for (reference,) in submitting} == submits
        for call in HANGING:
            assert counted(whole, call) == (1, int(call.taken)), call.id
            assert_told(whole.marketplace, call, sent[call.id])
            if call.becomes is Becomes.WAITS:
                shown = whole.shown(sent[call.id])
                assert "its submit was sent, and no answer came" in shown, call.id


def _all_arrived(whole: System) -> bool:
    return all(counted(whole, call)[0] == 1 for call in HANGING)
