"""The commands that act on operations and providers, on both databases; no worker runs."""

import json
from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet

from tests.support.engine.operations import (
    accepted,
    claim,
    ended,
    in_state,
    journal,
    operations,
    told,
    types,
    waiting,
    write,
)
from tests.support.messages.enqueued import arguments, enqueued
from tests.support.processes.command import Ended, on_a_terminal, uprid
from tests.support.servers.valkey import ValkeyServer
from uprid_client import Client
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import TERMINAL, State
from uprid_client.sealing import Sealer
from worker.domain.outcomes import Reason
from worker.domain.states import LIVE, RETRYABLE
from worker.store import callbacks, overview, provider_pauses
from worker.store.database import Database

KEY = Fernet.generate_key().decode()
UNKNOWN = Reason(ReasonCode.UNKNOWN_ANSWER, "Nobody knows this answer.")
UNSURE = Reason(ReasonCode.DOUBTFUL_SUBMIT, "Nobody can tell.")
NOTE = ["--note", "looked at it"]
Settings = dict[str, str]
Sent = list[tuple[str, dict[str, object]]]


@pytest.fixture
def settings(database: Database, migrated_url: str, valkey: ValkeyServer) -> Settings:
    return {
        "DATABASE_URL": migrated_url,
        "REDIS_URL": valkey.url,
        "UPRID_SEAL_KEYS": KEY,
        "UPRID_FINGERPRINT_KEY": "f" * 32,
    }


@pytest.fixture
def client(valkey: ValkeyServer) -> Iterator[Client]:
    made = Client(valkey.url, [KEY])
    yield made
    made.close()


def sent(valkey: ValkeyServer) -> Sent:
    """Return what the workers were asked to do: task and arguments."""
    with valkey.client() as server:
        return [
            (message["headers"]["task"].removeprefix("tasks.operations."), arguments(message))
            for message in enqueued(server, "operations")
        ]


def references(database: Database, state: State, *names: str) -> None:
    for name in names:
        if state is State.WAITING_FOR_PERSON:
            waiting(database, State.POLLING, UNKNOWN, name)
        else:
            in_state(database, state, name)


#: What a command is given between its name and its options, for references.
COMMANDS = {"retry": [], "resume": [], "resolve": ["rejected"], "cancel": []}
FROM = {
    "retry": RETRYABLE,
    "resume": {State.WAITING_FOR_PERSON},
    "resolve": {State.WAITING_FOR_PERSON},
    "cancel": LIVE,
}
#: For what never gets as far as the database.
on_one_database = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
by_command = pytest.mark.parametrize("command", COMMANDS)


def act(settings: Settings, command: str, *names: str, options: list[str] = NOTE) -> Ended:
    return uprid(settings, command, *names, *COMMANDS[command], *options)


@by_command
def test_action_is_asked_for_once_for_each_of_several_references(
    settings: Settings, database: Database, valkey: ValkeyServer, command: str
) -> None:
    references(database, State.WAITING_FOR_PERSON, "a", "b c")

    run = act(settings, command, "a", "b c", "a", options=[*NOTE, "--by", "olga"])

    assert (run.status, run.err) == (0, "")
    assert [line.partition(": asked to ")[0] for line in run.out.splitlines()] == ["a", "b c"]
    verdict = {"verdict": "rejected"} if command == "resolve" else {}
    assert sent(valkey) == [
        (
            command,
            {"reference": name, "attempt": 1, "by": "olga", "note": "looked at it", **verdict},
        )
        for name in ("a", "b c")
    ]


@by_command
def test_action_is_asked_for_only_from_the_states_that_allow_it(
    settings: Settings, database: Database, valkey: ValkeyServer, command: str
) -> None:
    states = list(reversed(State))  # so that none is claimed on another one's way to its state
    for state in states:
        references(database, state, state.value)

    run = act(settings, command, *states)

    refused = [state for state in states if state not in FROM[command]]
    assert run.status == 1
    assert [line.partition(": is ")[0] for line in run.lines] == refused
    assert {given["reference"] for _, given in sent(valkey)} == set(FROM[command])


def not_retryable(database: Database, *names: str) -> None:
    reason = Reason(ReasonCode.NOT_ELIGIBLE, "Not this way.", retryable=False)
    for name in names:
        accepted(database, name)
        write(database, [ended(each, State.REJECTED, reason=reason) for each in claim(database)])


def test_retry_of_what_is_not_retryable_wants_yes_where_there_is_no_terminal(
    settings: Settings, database: Database, valkey: ValkeyServer
) -> None:
    not_retryable(database, "a")
    references(database, State.REJECTED, "b")

    for more in ([], ["--dry-run"]):
        run = uprid(settings, "retry", "a", "b", *NOTE, *more)

        assert run.status == 1
        [line] = run.lines
        assert line.startswith("a: ended as not_eligible, ")
        assert line.endswith("add --yes to begin attempt 2 all the same")
        assert run.out.splitlines()[0].startswith("b: ")
    assert [given["reference"] for _, given in sent(valkey)] == ["b"]

    run = uprid(settings, "retry", "a", *NOTE, "--yes")
    assert (run.status, run.err) == (0, "")
    assert [given["reference"] for _, given in sent(valkey)] == ["b", "a"]


@on_one_database
@pytest.mark.parametrize("typed", ["y", "n", "\x04"], ids=["yes", "no", "end-of-input"])
def test_retry_of_what_is_not_retryable_asks_on_a_terminal(
    settings: Settings, database: Database, valkey: ValkeyServer, typed: str
) -> None:
    not_retryable(database, "a")

    status, shown = on_a_terminal(settings, f"{typed}\n", "retry", "a", *NOTE)

    assert "a: ended as not_eligible" in shown
    assert "Begin attempt 2 all the same?" in shown
    assert "Traceback" not in shown
    assert status == (0 if typed == "y" else 1)
    assert len(sent(valkey)) == (typed == "y")


@by_command
def test_dry_run_says_what_would_be_done_and_sends_nothing(
    settings: Settings, database: Database, valkey: ValkeyServer, command: str
) -> None:
    references(database, State.WAITING_FOR_PERSON, "a")
    before = operations(database), journal(database, "a"), told(database)

    run = act(settings, command, "a", "ghost", options=[*NOTE, "--dry-run"])

    assert (run.status, run.lines) == (1, ["ghost: no operation has this reference"])
    assert run.out.startswith("a: would ")
    assert sent(valkey) == []
    assert (operations(database), journal(database, "a"), told(database)) == before


@on_one_database
@by_command
def test_action_needs_a_note(settings: Settings, command: str) -> None:
    run = act(settings, command, "a", options=[])

    assert (run.status, run.out) == (2, "")
    assert "--note" in run.err


@on_one_database
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--note", " "], id="an empty note"),
        pytest.param(["--note", "…"], id="a command copied as it was shown"),
        pytest.param(["--note", "n" * 501], id="a long note"),
        pytest.param(["--note", "bell\x07"], id="a note that rings"),
        pytest.param(["--note", "клиент 8 903 123-45-67"], id="a phone in the note"),
        pytest.param(["--note", "see ivan@mail.ru"], id="an address in the note"),
        pytest.param(["--by", "o" * 101, *NOTE], id="a long name"),
        pytest.param(["--by", "o\x1b[2J", *NOTE], id="a name that clears the screen"),
        pytest.param(["--attempt", "0", *NOTE], id="no attempt"),
    ],
)
def test_action_is_refused_as_usage(
    settings: Settings, valkey: ValkeyServer, options: list[str]
) -> None:
    run = act(settings, "cancel", "a", options=options)

    assert (run.status, run.out) == (2, "")
    assert options[0] in run.err
    assert "903" not in run.err
    assert "ivan" not in run.err
    assert sent(valkey) == []


@on_one_database
@by_command
def test_action_on_one_attempt_goes_with_one_reference(settings: Settings, command: str) -> None:
    run = act(settings, command, "a", "b", options=[*NOTE, "--attempt", "1"])

    assert (run.status, run.lines) == (2, ["--attempt: goes with one REFERENCE only"])


@by_command
def test_action_on_an_attempt_that_is_not_current_is_not_sent(
    settings: Settings, database: Database, valkey: ValkeyServer, command: str
) -> None:
    references(database, State.WAITING_FOR_PERSON, "a")

    run = act(settings, command, "a", options=[*NOTE, "--attempt", "2"])

    assert run.status == 1
    assert run.lines == ["a: attempt 1 is current, not 2: look at it first (uprid show)"]
    assert sent(valkey) == []


@pytest.mark.parametrize("command", ["retry", "resolve"])
def test_action_takes_the_references_that_a_list_prints(
    settings: Settings, database: Database, valkey: ValkeyServer, command: str
) -> None:
    references(database, State.WAITING_FOR_PERSON, "a", "b c")
    waiting(database, State.SUBMITTING, UNSURE, "d")
    listed = uprid(settings, "list", "--reason", "unknown_answer", "--plain")
    assert (listed.status, listed.out) == (0, "b c\na\n")

    run = uprid(settings, command, "-", *COMMANDS[command], *NOTE, stdin=listed.out)

    assert (run.status, run.err) == (0, "")
    assert [given["reference"] for _, given in sent(valkey)] == ["b c", "a"]


def test_action_on_nothing_from_a_pipe_does_nothing(
    settings: Settings, valkey: ValkeyServer
) -> None:
    run = uprid(settings, "cancel", "-", *NOTE, stdin="")

    assert (run.status, run.out, run.err) == (0, "", "")
    assert sent(valkey) == []


def test_action_is_of_the_login_name_when_nobody_is_named(
    settings: Settings, database: Database, valkey: ValkeyServer
) -> None:
    references(database, State.WAITING_FOR_PERSON, "a")

    act(settings | {"LOGNAME": "olga@corp.example"}, "cancel", "a")

    assert [given["by"] for _, given in sent(valkey)] == ["olga"]


def test_action_says_that_the_broker_is_away(settings: Settings, database: Database) -> None:
    references(database, State.WAITING_FOR_PERSON, "a")

    run = act(settings | {"REDIS_URL": "redis://127.0.0.1:1/0"}, "cancel", "a")

    assert (run.status, run.out, len(run.lines)) == (1, "", 1)
    assert "REDIS_URL" in run.err


@on_one_database
def test_action_needs_the_workers_settings(settings: Settings) -> None:
    run = act(settings | {"UPRID_SEAL_KEYS": "nonsense"}, "cancel", "a")

    assert run.status == 2


@on_one_database
@pytest.mark.parametrize("verdict", sorted(TERMINAL))
def test_resolve_takes_the_verdict(
    settings: Settings, database: Database, valkey: ValkeyServer, verdict: State
) -> None:
    references(database, State.WAITING_FOR_PERSON, "a")

    run = uprid(settings, "resolve", "a", verdict, *NOTE)

    assert run.out == f"a: asked to end attempt 1 as {verdict}\n"
    assert [given["verdict"] for _, given in sent(valkey)] == [verdict]


@on_one_database
@pytest.mark.parametrize("verdict", ["yes", "polling", "waiting_for_person", "VERDICT"])
def test_resolve_knows_no_other_verdict(
    settings: Settings, valkey: ValkeyServer, verdict: str
) -> None:
    run = uprid(settings, "resolve", "a", verdict, *NOTE)

    assert (run.status, len(run.lines)) == (2, 1)
    assert "succeeded" in run.err
    assert sent(valkey) == []


def test_resume_passes_on_the_providers_id(
    settings: Settings, database: Database, valkey: ValkeyServer
) -> None:
    references(database, State.WAITING_FOR_PERSON, "a")

    run = uprid(settings, "resume", "a", "--provider-ref", "37027", *NOTE)

    assert run.out == "a: asked to go on with attempt 1\n"
    assert [given["provider_ref"] for _, given in sent(valkey)] == ["37027"]


@on_one_database
@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(["a", "--provider-ref", "…"], "must be", id="copied as it was shown"),
        pytest.param(["a", "--provider-ref", "3 7"], "must be", id="two words"),
        pytest.param(["a", "b", "--provider-ref", "37"], "one REFERENCE", id="one id of two"),
        pytest.param(["-", "--provider-ref", "37"], "one REFERENCE", id="one id for a pipe"),
    ],
)
def test_resume_refuses_what_is_no_id(settings: Settings, given: list[str], said: str) -> None:
    run = uprid(settings, "resume", *given, *NOTE)

    assert (run.status, len(run.lines)) == (2, 1)
    assert said in run.err


@on_one_database
def test_resume_names_everything_that_is_wrong_at_once(settings: Settings) -> None:
    given = ["a", "b", "--attempt", "1", "--provider-ref", "…", "--note", "…", "--by", "\x07"]

    run = uprid(settings, "resume", *given)

    assert run.status == 2
    assert [line.partition(":")[0] for line in run.lines] == [
        "--note",
        "--provider-ref",
        "--provider-ref",
        "--attempt",
        "--by",
    ]


# Providers


def paused_by(database: Database) -> str | None:
    with database.read() as connection:
        row = overview.providers(connection).get("moneta")
    return None if row is None else row.paused_by


def test_pause_and_unpause_are_done_and_told(settings: Settings, database: Database) -> None:
    paused = uprid(settings, "pause", "moneta", "--by", "olga", "--note", "работы у провайдера")
    assert (paused.status, paused.out) == (0, "moneta: all calls have stopped\n")
    assert paused_by(database) == "olga"

    unpaused = uprid(settings, "unpause", "moneta")

    assert (unpaused.status, unpaused.out) == (0, "moneta: calls go on\n")
    assert paused_by(database) is None
    assert types(database) == ["provider.paused", "provider.unpaused"]
    assert told(database)[0].data["note"] == "работы у провайдера"


@pytest.mark.parametrize("extra", [[], ["--dry-run"]], ids=["done", "dry run"])
def test_pause_of_what_is_paused_and_unpause_of_what_is_not_fail(
    settings: Settings, database: Database, extra: list[str]
) -> None:
    idle = uprid(settings, "unpause", "moneta", *extra)
    assert (idle.status, idle.lines) == (1, ["moneta: is not paused"])
    with database.begin() as connection:
        provider_pauses.pause(connection, "moneta", "uprid-worker", "wrong login", database.now())

    again = uprid(settings, "pause", "moneta", *extra)

    assert (again.status, again.lines) == (1, ["moneta: is paused already"])
    assert paused_by(database) == "uprid-worker"


def test_pause_does_nothing_on_a_dry_run(settings: Settings, database: Database) -> None:
    run = uprid(settings, "pause", "moneta", "--dry-run")

    assert (run.status, run.out) == (0, "moneta: would stop all calls\n")
    assert (paused_by(database), told(database)) == (None, [])


def test_unpause_does_nothing_on_a_dry_run(settings: Settings, database: Database) -> None:
    uprid(settings, "pause", "moneta", "--by", "olga")

    run = uprid(settings, "unpause", "moneta", "--dry-run")

    assert (run.status, run.out) == (0, "moneta: would let calls go on\n")
    assert paused_by(database) == "olga"


@on_one_database
@pytest.mark.parametrize(
    "given",
    [
        pytest.param(["nobody"], id="an unknown provider"),
        pytest.param([], id="no provider"),
        pytest.param(["moneta", "--note", "8 903 123-45-67"], id="a phone in the note"),
        pytest.param(["moneta", "--by", "o" * 101], id="a long name"),
    ],
)
@pytest.mark.parametrize("command", ["pause", "unpause"])
def test_pause_is_refused_as_usage(
    settings: Settings, database: Database, command: str, given: list[str]
) -> None:
    run = uprid(settings, command, *given)

    assert run.status == 2
    assert "903" not in run.err
    assert told(database) == []


def test_pause_works_when_the_broker_is_away(settings: Settings, database: Database) -> None:
    away = settings | {"REDIS_URL": "redis://127.0.0.1:1/0"}

    assert uprid(away, "pause", "moneta", "--by", "olga").status == 0
    assert paused_by(database) == "olga"


# Looking


def test_show_ends_with_what_to_type_for_what_waits(settings: Settings, database: Database) -> None:
    token = Sealer([KEY]).seal_bytes("Ответ о Небывале".encode())
    waiting(database, State.POLLING, UNKNOWN, "a b", answer=token)

    out = uprid(settings, "show", "a b").out

    assert out.splitlines()[-4:] == [
        "waiting_for_person: waits for a person: moneta gave an undocumented answer",
        "next, to read the answer: uprid answer 'a b' --note '…'",
        "next, if moneta said yes: uprid resolve 'a b' succeeded --note '…'",
        "next, if it said no: uprid resolve 'a b' rejected --note '…'",
    ]
    assert "Небывал" not in out
    assert token not in out


def test_show_of_what_waits_fits_one_screen(settings: Settings, database: Database) -> None:
    waiting(database, State.POLLING, UNKNOWN, "a")

    lines = uprid(settings, "show", "a").out.splitlines()

    assert len(lines) <= 24
    assert max(map(len, lines)) <= 120


def test_answer_is_printed_and_the_journal_says_who_looked(
    settings: Settings, database: Database
) -> None:
    token = Sealer([KEY]).seal_bytes("Ответ\x1b[2J о Небывале".encode())
    waiting(database, State.POLLING, UNKNOWN, "a", answer=token)

    run = uprid(settings, "answer", "a", "--by", "olga", *NOTE)

    assert (run.status, run.out) == (0, "Ответ\ufffd[2J о Небывале\n")
    looked = journal(database, "a")[-1]
    assert (looked["what"], looked["note"], looked["by"], looked["detail"]) == (
        "person",
        "looked at the provider's answer",
        "olga",
        "looked at it",
    )
    timeline = json.loads(uprid(settings, "show", "a", "--json").out)["timeline"]
    assert timeline[-1]["by"] == "olga"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param(["a", *NOTE], 1, id="no answer"),
        pytest.param(["b", *NOTE, "--attempt", "2"], 1, id="no such attempt"),
        pytest.param(["ghost", *NOTE], 1, id="no such operation"),
        pytest.param(["c", *NOTE], 1, id="a key that is gone"),
        pytest.param(["b"], 2, id="no note"),
        pytest.param(["b", "--note", "…"], 2, id="an empty note"),
    ],
)
def test_answer_that_cannot_be_shown_leaves_no_trace(
    settings: Settings, database: Database, given: list[str], status: int
) -> None:
    waiting(database, State.POLLING, UNKNOWN, "a")
    foreign = Sealer([Fernet.generate_key().decode()]).seal_bytes(b"x")
    for name, token in (("b", Sealer([KEY]).seal_bytes(b"x")), ("c", foreign)):
        waiting(database, State.POLLING, UNKNOWN, name, answer=token)

    run = uprid(settings, "answer", *given)

    assert (run.status, run.out) == (status, "")
    for name in ("a", "b", "c"):
        assert "person" not in {entry["what"] for entry in journal(database, name)}


def test_list_narrows_down_to_what_waits_and_what_is_overdue(
    settings: Settings, database: Database
) -> None:
    references(database, State.WAITING_FOR_PERSON, "waits")
    references(database, State.SUCCEEDED, "ended")
    in_state(database, State.POLLING, "late")

    def listed(*options: str) -> list[str]:
        rows = json.loads(uprid(settings, "list", *options, "--json").out)
        return [row["reference"] for row in rows]

    assert listed("--state", "waiting_for_person") == ["waits"]
    assert listed("--overdue") == ["late"]
    assert listed("--provider", "moneta", "--limit", "2") == ["late", "ended"]
    assert uprid(settings, "list", "--provider", "nobody").status == 2
    assert uprid(settings, "list", "--state", "lost").status == 2


def test_doctor_says_how_many_callbacks_named_nobody(
    settings: Settings, database: Database
) -> None:
    before = uprid(settings, "doctor").out
    with database.begin() as connection:
        for _ in range(3):
            callbacks.hasten(connection, "moneta", "1", database.now())

    said = [line for line in uprid(settings, "doctor").out.splitlines() if "callbacks" in line]

    assert "callbacks" not in before
    assert said == [
        "ok       moneta callbacks: 3 so far named an id that no operation has: no harm done"
    ]
