"""What an earlier release wrote is understood by today's code: messages, events, rows.

The files in tests/golden are never changed. A change of a shape that breaks a test here would
break a rolling upgrade.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import select, update

from tests.support.engine.operations import NOW, in_state, operation, start, told, types
from tests.support.engine.parts import worker_parts
from tests.support.processes.command import uprid
from tests.support.servers.valkey import ValkeyServer
from uprid_client import Client
from uprid_client.contract.events import EventType
from uprid_client.contract.states import State
from uprid_client.names import Provider, Task
from uprid_sandbox.options import SandboxOptions
from worker.domain.outcomes import NeedsPerson
from worker.intake import actions, callbacks, inputs, notifications
from worker.intake.message import Message
from worker.intake.refusals import Taking
from worker.intake.starts import start as starting
from worker.local.defaults import sandbox_providers
from worker.process.runtime import Runtime
from worker.providers.mandarin.codes import CODE
from worker.providers.moneta.callback import CALLBACK
from worker.providers.npd.notification import NOTIFICATION
from worker.providers.protocol import Work
from worker.store import messages as store
from worker.store.database import Database
from worker.store.tables import ATTEMPTS, INPUTS, NOTIFICATIONS, OPERATIONS, OUTBOX, REFUSALS

GOLDEN: Final = Path(__file__).parents[2] / "golden"
RELEASES: Final = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
KEY: Final = "c2l4dGVlbiBieXRlcyBvZiBhIGdvbGRlbiBrZXkhISE="
FINGERPRINT_KEY: Final = "f" * 32
#: What a newer release may add to what it writes, and an older one may be handed.
NEWER: Final = {"from_a_newer_release": {"a": [1]}}
on_one_database = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
Json = dict[str, Any]


def golden(release: str, name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((GOLDEN / release / f"{name}.json").read_text("utf-8"))


def each(name: str) -> list[Any]:
    """Return what all releases wrote, as a test's parameters."""
    return [
        pytest.param(value, id=f"{release}-{key}")
        for release in RELEASES
        for key, value in _items(golden(release, name))
    ]


def _items(found: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON
    if isinstance(found, dict):
        yield from found.items()
        return
    for number, row in enumerate(found):
        yield f"{row['provider']}-{row['kind']}-{row['state']}-{number}", row


@pytest.fixture
def runtime(
    migrated_url: str, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """A worker's parts with every provider on; each of them refuses the connection."""
    settings = {
        "DATABASE_URL": migrated_url,
        "UPRID_SEAL_KEYS": KEY,
        "UPRID_FINGERPRINT_KEY": FINGERPRINT_KEY,
        **sandbox_providers(SandboxOptions(1)),
    }
    with worker_parts(monkeypatch, valkey.url, settings) as made:
        yield made


@pytest.fixture
def database(runtime: Runtime) -> Database:
    return runtime.database


# Messages


@dataclass(frozen=True, slots=True)
class Taken:
    """How a message is taken: by what, from which state of affairs, and what came of it."""

    by: Taking
    done: Callable[[Database], object]
    before: Callable[[Runtime], None] = lambda _runtime: None


def _accepted(reference: str) -> Callable[[Database], object]:
    return lambda database: types(database, reference) == ["operation.accepted"]


def _first(table: Any) -> Callable[[Database], object]:  # noqa: ANN401 - a table
    def found(database: Database) -> object:
        with database.read() as connection:
            return connection.execute(select(table)).first()

    return found


def _is(state: State) -> Callable[[Database], object]:
    return lambda database: operation(database, "golden-waiting")["state"] == state


def _waits(runtime: Runtime) -> None:
    in_state(runtime.database, State.WAITING_FOR_PERSON, "golden-waiting")
    with runtime.database.begin() as connection:
        connection.execute(update(OPERATIONS).values(waiting_from=State.SUBMITTING.value))


def _polled(provider: Provider, **columns: object) -> Callable[[Runtime], None]:
    def store_it(runtime: Runtime) -> None:
        now = runtime.database.now()
        begun = replace(start("golden-waiting"), provider=provider.value)
        begun = replace(begun, give_up_at=now + timedelta(minutes=5))
        with runtime.database.begin() as connection:
            store.accept(connection, begun, now)
            later = {"due_at": now + timedelta(minutes=5), "lane": 1, "provider_ref": "37027"}
            connection.execute(update(OPERATIONS).values(state="polling", **later, **columns))
            connection.execute(update(ATTEMPTS).values(provider_ref="37027"))

    return store_it


def _hastened(database: Database) -> object:
    row = operation(database, "golden-waiting")
    return row["due_at"] <= database.now()


TAKEN: Final[dict[Task, Taken]] = {
    Task.MONETA_START: Taken(
        starting(Provider.MONETA, "identification"), _accepted("golden-moneta")
    ),
    Task.MONETA_CALLBACK: Taken(callbacks.take(CALLBACK), _hastened, _polled(Provider.MONETA)),
    Task.NPD_START: Taken(starting(Provider.NPD, "identification"), _accepted("golden-npd")),
    Task.NPD_NOTIFICATION: Taken(notifications.take(NOTIFICATION), _first(NOTIFICATIONS)),
    Task.MANDARIN_START: Taken(
        starting(Provider.MANDARIN, "identification"), _accepted("golden-mandarin")
    ),
    Task.MANDARIN_CODE: Taken(
        inputs.take(CODE), _first(INPUTS), _polled(Provider.MANDARIN, missing="sms_code")
    ),
    Task.INTELLECTMONEY_INVOICES: Taken(
        starting(Provider.INTELLECTMONEY, "invoices"), _accepted("golden-invoices")
    ),
    Task.INTELLECTMONEY_LIST: Taken(
        starting(Provider.INTELLECTMONEY, "scheduled_operations"), _accepted("golden-list")
    ),
    Task.INTELLECTMONEY_SAVE: Taken(
        starting(Provider.INTELLECTMONEY, "save_scheduled_operation"), _accepted("golden-save")
    ),
    Task.RETRY: Taken(actions.retry, _is(State.ACCEPTED), _waits),
    Task.RESUME: Taken(actions.resume, _is(State.POLLING), _waits),
    Task.RESOLVE: Taken(actions.resolve, _is(State.SUCCEEDED), _waits),
    Task.CANCEL: Taken(actions.cancel, _is(State.CANCELLED), _waits),
}
#: Chunks and upkeep: their whole message is when they are meant for, or nothing.
BARE: Final = frozenset(Task) - TAKEN.keys()


def decoded(message: Json) -> Message:
    """Return a message as the worker's door hands it on."""
    args, kwargs, _ = json.loads(base64.b64decode(message["body"]))
    return Message(message["headers"]["id"], message["headers"]["task"], args, kwargs)


def refusals(database: Database) -> list[Mapping[str, Any]]:
    return [event.data for event in told(database) if event.type == EventType.MESSAGE_REFUSED]


@pytest.mark.parametrize("release", RELEASES)
def test_every_task_and_event_of_a_release_is_kept(release: str) -> None:
    # The first release knew all that there was; a later folder holds what was added or changed.
    if release == RELEASES[0]:
        assert golden(release, "messages").keys() == {task.value for task in Task}
        assert golden(release, "events").keys() == {kind.value for kind in EventType}
    for name in ("messages", "events"):
        kept = {key for each_of in RELEASES for key in golden(each_of, name)}
        assert kept >= {*(Task if name == "messages" else EventType)}


@pytest.mark.parametrize("message", each("messages"))
@on_one_database
def test_message_of_an_earlier_release_is_taken(
    runtime: Runtime, database: Database, message: Json
) -> None:
    task = Task(message["headers"]["task"])
    if task in BARE:
        _, kwargs, _ = json.loads(base64.b64decode(message["body"]))
        assert set(kwargs) <= {"slot"}
        assert all(datetime.fromisoformat(slot).tzinfo for slot in kwargs.values())
        return
    taken = TAKEN[task]
    taken.before(runtime)

    taken.by(runtime, decoded(message))

    assert refusals(database) == []
    assert taken.done(database)


@pytest.mark.parametrize(
    "message", [each_ for each_ in each("messages") if each_.values[0]["headers"]["task"] in TAKEN]
)
@on_one_database
def test_message_with_an_argument_of_a_newer_release_is_refused_aloud_and_changes_nothing(
    runtime: Runtime, database: Database, message: Json
) -> None:
    taken = TAKEN[Task(message["headers"]["task"])]
    taken.before(runtime)
    before = types(database)
    came = decoded(message)

    taken.by(runtime, replace(came, kwargs={**came.kwargs, **NEWER}))

    [refused] = refusals(database)
    assert refused["fields"] == ["from_a_newer_release"]
    assert refused["message_id"] == came.id
    assert types(database) == [*before, "message.refused"]


@pytest.mark.parametrize(
    "message", [each_ for each_ in each("messages") if each_.values[0]["headers"]["task"] in TAKEN]
)
@on_one_database
def test_message_without_what_a_later_release_needs_is_refused_aloud_and_changes_nothing(
    runtime: Runtime, database: Database, message: Json
) -> None:
    taken = TAKEN[Task(message["headers"]["task"])]
    taken.before(runtime)
    before = types(database)

    taken.by(runtime, replace(decoded(message), kwargs={}))

    [refused] = refusals(database)
    assert refused["fields"]
    assert types(database) == [*before, "message.refused"]


# Events


def todays(data: Json) -> Json:
    """Return an event's data in the shape of today: the reason of a refusal was a text in 0.1.0."""
    if isinstance(data.get("reason"), str):
        known = {"code": "invalid_message", "provider_code": None, "retryable": False}
        return {**data, "reason": {**known, "message": data["reason"]}}
    return data


@pytest.mark.parametrize("release", RELEASES)
def test_events_of_an_earlier_release_are_read_by_the_client(
    valkey: ValkeyServer, release: str
) -> None:
    events = golden(release, "events")
    with valkey.client() as server:
        for fields in events.values():
            server.xadd("uprid:events", fields)
    client = Client(valkey.url, [KEY])

    read = list(client.events("golden", "golden", block=0.1, quiet=0.1))
    client.close()

    assert [event.type for event in read] == list(events)
    for event in read:
        was = events[event.type]
        assert (event.id, event.subject) == (was["id"], was["subject"])
        assert event.data == todays(json.loads(was["data"]))
        assert event.open() == (b'{"asyncId": 37027}' if "sealed" in event.data else None)


@pytest.mark.parametrize("fields", each("events"))
@on_one_database
def test_outbox_row_of_an_earlier_release_is_told_by_todays_relay(
    runtime: Runtime, database: Database, valkey: ValkeyServer, fields: dict[str, str]
) -> None:
    row = {"id": fields["id"], "operation_id": None, "attempt": None, "terminal": 0}
    row |= {"type": fields["type"], "subject": fields["subject"], "data": fields["data"]}
    with database.begin() as connection:
        moment = datetime.fromisoformat(fields["time"])
        connection.execute(OUTBOX.insert().values(**row, time=moment))

    assert runtime.relay.run() == 1

    with valkey.client() as server:
        entries: Any = server.xrange("uprid:events")
    # A later release may add to it: what was there keeps its name and meaning.
    assert fields.items() <= entries[0][1].items()


# Rows


def work(row: Json, progress: Json) -> Work:
    """Return an operation in the middle of its course, as its plugin sees it."""
    now = NOW
    return Work(
        id="1", reference="order-1", kind=row["kind"], state=State(row["state"]), attempt=1,
        args=json.loads(row["args"]), payload=None, provider_ref="37027", progress=progress,
        polls=3, consecutive_failures=0, due_at=now, deadline_at=now + timedelta(minutes=5),
        now=now, inputs_sent=1, input_sent_at=now - timedelta(seconds=5),
    )  # fmt: skip


def asked(runtime: Runtime, row: Json, progress: Json) -> None:
    """Have a plugin go on from a row; only the refused connection may keep it from that."""
    plugin = runtime.plugins[Provider(row["provider"])]
    given = work(row, progress)
    for next_attempt in (False, True):
        assert isinstance(
            plugin.carry_over(given.kind, progress, next_attempt=next_attempt), Mapping
        )
    plugin.prepares(given.kind, progress)
    match given.state:
        case State.SUBMITTING:
            outcome = plugin.clear_up(given)
        case State.POLLING:
            outcome = plugin.poll(given)
        case State.SETTLING:
            outcome = plugin.settle(given)
        case _:
            return
    assert not isinstance(outcome, NeedsPerson) or row["state"] != "polling", outcome.note


@pytest.mark.parametrize(
    ("stored", "code"),
    [
        pytest.param("unit_id: is missing", "invalid_message", id="0.1.0"),
        *(
            pytest.param(row, "reference_conflict", id="0.2.0")
            for row in golden("0.2.0", "refusals")
        ),
    ],
)
@on_one_database
def test_refusal_of_an_earlier_release_is_shown(
    database: Database, migrated_url: str, stored: str, code: str
) -> None:
    row = {"message_id": "m-1", "task": Task.MONETA_START.value, "reference": "golden-refused"}
    with database.begin() as connection:
        connection.execute(REFUSALS.insert().values(**row, fields="[]", reason=stored, at=NOW))
    settings = {"DATABASE_URL": migrated_url, "UPRID_SEAL_KEYS": KEY}

    shown = uprid(settings, "show", "golden-refused", "--json")
    [thing] = json.loads(shown.out)["timeline"]
    printed = uprid(settings, "show", "golden-refused")

    assert set(thing["reason"]) == {"code", "provider_code", "retryable", "message"}
    assert thing["reason"]["code"] == code
    assert f"{code}: {thing['reason']['message']}" in " ".join(printed.out.split())


@pytest.mark.parametrize("row", each("operations"))
@pytest.mark.parametrize("more", [{}, NEWER], ids=["as-it-was", "with-more"])
@on_one_database
def test_operation_of_another_release_goes_on_from_what_it_remembers(
    runtime: Runtime, row: Json, more: Json
) -> None:
    progress = json.loads(row["progress"] or "{}")
    nested = {name: {**v, **more} for name, v in progress.items() if isinstance(v, dict)}

    asked(runtime, row, {**progress, **nested, **more})


@pytest.mark.parametrize("row", each("operations"))
@on_one_database
def test_operation_goes_on_although_an_older_release_remembered_less(
    runtime: Runtime, row: Json
) -> None:
    progress = json.loads(row["progress"] or "{}")

    for missing in progress:
        asked(runtime, row, {name: v for name, v in progress.items() if name != missing})
    asked(runtime, row, {})


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("less", [False, True], ids=["as-it-was", "with-less"])
def test_ends_of_an_earlier_release_are_shown(
    runtime: Runtime, database: Database, release: str, less: bool, migrated_url: str
) -> None:
    settings = {"DATABASE_URL": migrated_url, "UPRID_SEAL_KEYS": KEY}
    for state, columns in golden(release, "attempts").items():
        reference = f"golden-{state}"
        in_state(database, State(state), reference)
        reason = json.loads(columns["reason"] or "null")
        if less and reason:
            reason = {"code": reason["code"]}
        with database.begin() as connection:
            mine = select(OPERATIONS.c.id).where(OPERATIONS.c.reference == reference)
            connection.execute(
                update(ATTEMPTS)
                .where(ATTEMPTS.c.operation_id.in_(mine))
                .values(reason=reason and json.dumps(reason), result=columns["result"])
            )

        shown = uprid(settings, "show", reference, "--json")
        assert shown.status == 0, shown.err
        assert json.loads(shown.out)["reason"] == reason
        assert uprid(settings, "show", reference).status == 0
    assert uprid(settings, "list").status == 0
