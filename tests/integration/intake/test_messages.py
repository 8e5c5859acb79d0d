"""On-call messages and callbacks as the worker takes them: a real database and a real broker."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update

from tests.support.engine.operations import (
    NOW,
    attempts,
    in_state,
    journal,
    operation,
    operations,
    polling,
    told,
    types,
    waiting,
)
from tests.support.engine.parts import worker_parts
from tests.support.engine.process import Process, process
from tests.support.messages.enqueued import enqueued
from tests.support.messages.people import changed, person
from tests.support.providers.scripted import ScriptedPlugin
from tests.support.servers.valkey import ValkeyServer
from uprid_client.contract.states import State
from uprid_client.names import Provider, Task
from worker.engine.calls import Call
from worker.intake import actions, callbacks
from worker.intake.message import Message
from worker.intake.refusals import Taking
from worker.process.runtime import Runtime
from worker.providers.moneta.callback import CALLBACK
from worker.store import overview, reading
from worker.store.database import Database
from worker.store.tables import ATTEMPTS, OPERATIONS

KEY = Fernet.generate_key().decode()
TAKERS: dict[Task, Taking] = {
    Task.RETRY: actions.retry,
    Task.RESUME: actions.resume,
    Task.RESOLVE: actions.resolve,
    Task.CANCEL: actions.cancel,
    Task.MONETA_CALLBACK: callbacks.take(CALLBACK),
}
ACTIONS = [task for task in TAKERS if task is not Task.MONETA_CALLBACK]
#: What a task takes beside who, why and which attempt.
MORE: dict[Task, dict[str, Any]] = {
    Task.RETRY: {},
    Task.RESUME: {},
    Task.RESOLVE: {"verdict": "rejected"},
    Task.CANCEL: {},
}
#: For what never gets as far as the database.
on_one_database = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
COMMON: dict[str, Any] = {"reference": "order-1", "attempt": 1, "by": "anna", "note": "asked"}


@pytest.fixture
def runtime(
    migrated_url: str, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """A worker's parts, none of them running; its provider is never called."""
    settings = {
        "DATABASE_URL": migrated_url,
        "UPRID_SEAL_KEYS": KEY,
        "UPRID_FINGERPRINT_KEY": "f" * 32,
        "UPRID_MONETA__URL": "http://127.0.0.1:1/services",
        "UPRID_MONETA__USERNAME": "u",
        "UPRID_MONETA__PASSWORD": "p",
        "UPRID_MONETA__ANONYMOUS_GROUP_ID": "1",
        "UPRID_MONETA__FULL_GROUP_ID": "2",
    }
    with worker_parts(monkeypatch, valkey.url, settings) as made:
        yield made


@pytest.fixture
def database(runtime: Runtime) -> Database:
    return runtime.database


def take(runtime: Runtime, task: Task, *args: object, **kwargs: object) -> None:
    """Have a message taken, under an id of its own."""
    TAKERS[task](runtime, Message(str(uuid4()), task.value, args, kwargs))


def act(runtime: Runtime, task: Task, **changes: object) -> None:
    """Have a good on-call message taken, but for some changes; None leaves an argument out."""
    given = {**COMMON, **MORE[task], **changes}
    take(runtime, task, **{name: value for name, value in given.items() if value is not None})


def refusal(database: Database) -> dict[str, Any]:
    """Return what the one refusal says."""
    [event] = [event for event in told(database) if event.type == "uprid.message.refused"]
    return dict(event.data)


def wakeups(valkey: ValkeyServer) -> int:
    """Return how many chunk messages lie in the broker, due or not."""
    with valkey.client() as server:
        return len(enqueued(server, "moneta.chunks"))


# Bad input


#: What else can be wrong with a task's message.
WRONG: dict[Task, dict[str, Any]] = {
    Task.RETRY: {"sealed": "no token"},
    Task.RESUME: {"provider_ref": "3 7"},
    Task.RESOLVE: {"verdict": "polling"},
    Task.CANCEL: {},
}


@pytest.mark.parametrize("task", ACTIONS)
def test_action_is_refused_with_all_that_is_wrong_at_once(
    runtime: Runtime, database: Database, task: Task
) -> None:
    waiting(database, State.POLLING)
    before = operation(database), attempts(database), journal(database)

    take(
        runtime, task, 5,
        reference="no such thing", attempt=True, by=" ", note=7, surprise=1, **WRONG[task],
    )  # fmt: skip

    named = {"(positional)", "reference", "attempt", "by", "note", "surprise", *WRONG[task]}
    said = refusal(database)
    assert set(said["fields"]) == named
    assert len(said["fields"]) == len(named)
    assert (said["task"], said["reference"]) == (task.value, "no such thing")
    for value in ("no token", "3 7"):
        assert value not in said["reason"]["message"]
    assert (operation(database), attempts(database), journal(database)) == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"reference": None}, "reference", id="no reference"),
        pytest.param({"reference": "order-2"}, "reference", id="a reference of nothing"),
        pytest.param({"attempt": None}, "attempt", id="no attempt"),
        pytest.param({"attempt": "1"}, "attempt", id="an attempt as text"),
        pytest.param({"attempt": 2**31}, "attempt", id="an attempt beyond all"),
        pytest.param({"by": None}, "by", id="nobody"),
        pytest.param({"by": "b" * 101}, "by", id="a long name"),
        pytest.param({"by": "a\nb"}, "by", id="a name of two lines"),
        pytest.param({"by": "\ud83d"}, "by", id="half a character for a name"),
        pytest.param({"note": None}, "note", id="no note"),
        pytest.param({"note": "n" * 501}, "note", id="a long note"),
        pytest.param({"note": "a\x00b"}, "note", id="a note that PostgreSQL cannot store"),
        pytest.param({"note": "a\x1b[2J"}, "note", id="a note that clears the screen"),
        pytest.param({"note": "a\ud83d"}, "note", id="half a character in a note"),
        pytest.param({"surprise": 1}, "surprise", id="an unknown argument"),
    ],
)
@on_one_database
def test_action_is_refused_for(
    runtime: Runtime, database: Database, changes: dict[str, object], field: str
) -> None:
    waiting(database, State.POLLING)
    before = operation(database), attempts(database)

    act(runtime, Task.CANCEL, **changes)

    assert refusal(database)["fields"] == [field]
    assert (operation(database), attempts(database)) == before


@pytest.mark.parametrize("task", ACTIONS)
def test_action_is_refused_in_a_state_that_does_not_allow_it(
    runtime: Runtime, database: Database, task: Task
) -> None:
    in_state(database, State.SUCCEEDED)

    act(runtime, task)

    said = refusal(database)
    assert said["fields"] == ["reference"]
    assert "the operation is succeeded" in said["reason"]["message"]


def test_retry_is_refused_with_the_faults_of_its_data_and_all_others(
    runtime: Runtime, database: Database
) -> None:
    in_state(database, State.REJECTED)
    faulty = changed(person(0), profile__inn="773821900099", document__number="12")

    act(runtime, Task.RETRY, attempt=0, sealed=runtime.sealer.seal(faulty))

    assert set(refusal(database)["fields"]) == {"attempt", "profile.inn", "document.number"}


def test_retry_is_refused_when_the_data_of_the_last_attempt_were_erased(
    runtime: Runtime, database: Database
) -> None:
    in_state(database, State.REJECTED)
    with database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(sealed=None, erased_at=NOW))

    act(runtime, Task.RETRY)

    assert refusal(database)["fields"] == ["sealed"]


def test_retry_needs_no_data_where_nothing_was_sealed_that_could_be_erased(
    runtime: Runtime, database: Database
) -> None:
    in_state(database, State.REJECTED)
    bare = runtime.fingerprinter.of("moneta", "identification", {"unit_id": 7}, None)
    with database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(sealed=None, erased_at=NOW, fingerprint=bare))

    act(runtime, Task.RETRY)

    assert (operation(database)["state"], operation(database)["attempt"]) == ("accepted", 2)


def test_resume_is_refused_with_an_id_of_another_operation(
    runtime: Runtime, database: Database
) -> None:
    polling(database, "order-2")
    waiting(database, State.SUBMITTING)

    act(runtime, Task.RESUME, provider_ref="77")

    assert refusal(database)["fields"] == ["provider_ref"]


def test_resume_past_the_deadline_has_the_time_that_its_plugin_gives(
    runtime: Runtime, database: Database
) -> None:
    """MONETA tells the end of a task at any time; what was never sent is tried anew."""
    for reference, origin in (("order-1", State.ACCEPTED), ("order-2", State.POLLING)):
        waiting(database, origin, reference=reference)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(deadline_at=NOW))
    for reference in ("order-1", "order-2"):
        act(runtime, Task.RESUME, reference=reference)

    now = runtime.database.now()
    unsent, polled = operation(database, "order-1"), operation(database, "order-2")
    lasting = runtime.plugin(Provider.MONETA).give_up_after("identification")
    assert (unsent["deadline_at"] - now).total_seconds() == pytest.approx(lasting, abs=600)
    assert (polled["state"], polled["deadline_at"]) == ("polling", NOW)


def test_refusal_is_told_once_and_shown_when_its_message_comes_again(
    runtime: Runtime, database: Database
) -> None:
    in_state(database, State.SUCCEEDED)
    message = Message("m-1", Task.CANCEL.value, (), COMMON)

    for _ in range(3):
        actions.cancel(runtime, message)

    assert types(database).count("message.refused") == 1
    with database.read() as connection:
        story = reading.story(connection, "order-1")
    assert story is not None
    assert [shown.message_id for shown in story.refusals] == ["m-1"]


@pytest.mark.parametrize(
    ("task", "taken"), [(Task.RETRY, False), (Task.RESUME, True), (Task.CANCEL, True)]
)
def test_action_of_a_provider_that_is_off_is_taken_unless_it_needs_him(
    runtime: Runtime, database: Database, task: Task, *, taken: bool
) -> None:
    waiting(database, State.POLLING)

    act(replace(runtime, plugins={}), task)

    assert (operation(database)["state"] != "waiting_for_person") is taken
    if not taken:
        assert "UPRID_MONETA__URL" in refusal(database)["reason"]["message"]


# Good input


@pytest.mark.parametrize(
    ("task", "state", "woken"),
    [
        (Task.RETRY, "accepted", 1),
        (Task.RESUME, "polling", 1),
        (Task.RESOLVE, "rejected", 0),
        (Task.CANCEL, "cancelled", 0),
    ],
)
def test_action_is_done_and_wakes_the_provider_where_there_is_something_to_do(
    runtime: Runtime, database: Database, valkey: ValkeyServer, task: Task, state: str, woken: int
) -> None:
    waiting(database, State.POLLING)

    act(runtime, task)

    assert operation(database)["state"] == state
    assert wakeups(valkey) == woken
    assert "message.refused" not in types(database)


@pytest.mark.parametrize("task", ACTIONS)
def test_action_on_another_attempt_is_a_recorded_no_op_and_no_refusal(
    runtime: Runtime, database: Database, valkey: ValkeyServer, task: Task
) -> None:
    waiting(database, State.POLLING)
    before = operation(database), attempts(database), told(database)

    act(runtime, task, attempt=2)

    assert (operation(database), attempts(database), told(database)) == before
    assert journal(database)[-1]["what"] == "ignored"
    assert wakeups(valkey) == 0


@pytest.mark.parametrize("task", ACTIONS)
def test_action_that_is_delivered_twice_counts_once_and_is_not_refused(
    runtime: Runtime, database: Database, task: Task
) -> None:
    waiting(database, State.POLLING)
    act(runtime, task)
    before = operation(database), attempts(database), told(database)

    act(runtime, task)

    assert (operation(database), attempts(database), told(database)) == before
    assert journal(database)[-1]["what"] == "ignored"


def test_action_is_audited_without_what_is_personal(runtime: Runtime, database: Database) -> None:
    in_state(database, State.POLLING)
    note = "клиент\nпросил,  +7 903 123-45-67, ivan@mail.example"

    act(runtime, Task.CANCEL, by="anna@corp.example", note=note)

    [entry] = [entry for entry in journal(database) if entry["what"] == "person"]
    assert (entry["by"], entry["detail"]) == ("anna", "клиент просил, …, …")


def test_retry_takes_corrected_data_and_seals_them_anew(
    runtime: Runtime, database: Database
) -> None:
    in_state(database, State.REJECTED)
    token = runtime.sealer.seal(person(1))

    act(runtime, Task.RETRY, note="", sealed=token)

    sealed = attempts(database)[1]["sealed"]
    assert sealed != token
    assert runtime.sealer.open(sealed)["document"]["number"] == person(1)["document"]["number"]


@pytest.fixture
def poller(migrated_url: str) -> Iterator[Process]:
    with process(migrated_url, ScriptedPlugin()) as made:
        yield made


def test_retry_delivered_twice_makes_one_attempt_and_one_submit(
    runtime: Runtime, poller: Process
) -> None:
    plugin = poller.plugin
    assert isinstance(plugin, ScriptedPlugin)
    in_state(poller.database, State.EXPIRED)
    with poller.database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(sealed=None))

    for _ in range(2):
        act(runtime, Task.RETRY)
    poller.database.travel(1)
    while poller.work():
        act(runtime, Task.RETRY)

    assert plugin.asked(Call.SUBMIT) == 1
    assert [row["number"] for row in attempts(poller.database)] == [1, 2]
    assert types(poller.database).count("operation.accepted") == 2
    assert "message.refused" not in types(poller.database)


# Callbacks


def callback(runtime: Runtime, **arguments: object) -> None:
    take(runtime, Task.MONETA_CALLBACK, **arguments)


def unknown(database: Database) -> int:
    with database.read() as connection:
        row = overview.providers(connection).get(Provider.MONETA)
    return 0 if row is None else row.unknown_callbacks


def far_away(database: Database, name: str = "order-1") -> None:
    """Have an operation wait for a poll that is a long time off."""
    polling(database, name, now=database.now())
    far = database.now() + timedelta(minutes=5)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(due_at=far))


def test_callback_hastens_the_poll_and_only_that(
    runtime: Runtime, database: Database, valkey: ValkeyServer
) -> None:
    far_away(database)
    before = dict(operation(database)), told(database), journal(database)

    callback(runtime, async_id=77)

    row = dict(operation(database))
    assert row.pop("due_at") <= database.now()
    before[0].pop("due_at")
    assert (row, told(database), journal(database)) == before
    assert wakeups(valkey) == 1


def test_callbacks_that_are_repeated_do_not_multiply_messages(
    runtime: Runtime, database: Database, valkey: ValkeyServer
) -> None:
    far_away(database)

    for _ in range(20):
        callback(runtime, async_id=77)

    # One a slot, and a slot is a second.
    assert 1 <= wakeups(valkey) <= 3
    assert types(database) == ["operation.accepted", "operation.started"]


@on_one_database
@pytest.mark.parametrize("state", sorted(set(State) - {State.POLLING, State.WAITING_FOR_PERSON}))
def test_callback_never_changes_the_state_of_what_is(
    runtime: Runtime, database: Database, state: State
) -> None:
    in_state(database, state)
    with database.begin() as connection:
        far = database.now() + timedelta(minutes=5)
        connection.execute(update(OPERATIONS).values(provider_ref="77", due_at=far))
    before = operation(database), told(database), journal(database)

    callback(runtime, async_id=77)

    assert (operation(database), told(database), journal(database)) == before


def test_callback_with_an_unknown_id_is_counted_and_wakes_nobody(
    runtime: Runtime, database: Database, valkey: ValkeyServer
) -> None:
    far_away(database)
    before = operations(database)

    for _ in range(2):
        callback(runtime, async_id=78)

    assert (unknown(database), wakeups(valkey), operations(database)) == (2, 0, before)
    assert "message.refused" not in types(database)


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        pytest.param({}, ["async_id"], id="missing"),
        pytest.param({"async_id": None}, ["async_id"], id="null"),
        pytest.param({"async_id": "77"}, ["async_id"], id="text"),
        pytest.param({"async_id": 77.0}, ["async_id"], id="a fraction"),
        pytest.param({"async_id": True}, ["async_id"], id="true"),
        pytest.param({"async_id": 0}, ["async_id"], id="zero"),
        pytest.param({"async_id": -77}, ["async_id"], id="negative"),
        pytest.param({"async_id": 2**63}, ["async_id"], id="beyond 64 bits"),
        pytest.param({"async_id": [77]}, ["async_id"], id="a list"),
        pytest.param({"async_id": 77, "status": "ok"}, ["status"], id="a verdict beside it"),
        pytest.param({"id": 77}, ["async_id", "id"], id="another name"),
    ],
)
@on_one_database
def test_callback_is_refused(
    runtime: Runtime, database: Database, arguments: dict[str, object], fields: list[str]
) -> None:
    far_away(database)
    before = operation(database)

    callback(runtime, **arguments)

    assert refusal(database)["fields"] == fields
    assert (operation(database), unknown(database)) == (before, 0)


def test_callback_of_a_provider_that_is_off_is_refused(
    runtime: Runtime, database: Database
) -> None:
    callback(replace(runtime, plugins={}), async_id=77)

    assert "UPRID_MONETA__URL" in refusal(database)["reason"]["message"]
