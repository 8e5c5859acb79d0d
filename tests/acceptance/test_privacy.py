"""No personal value and no password in the broker, the database, a log, an event or Flower.

Everything that was written anywhere during one eventful run is looked through in every writing.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.support.leaks import scan
from tests.support.leaks.eavesdrop import Eavesdropper
from tests.support.leaks.places import dump, flower_hears, flower_pages, guarded
from tests.support.loopback.server import free_port
from tests.support.messages.malformed import body, message
from tests.support.messages.marketplace import ENDS, WAITING
from tests.support.messages.people import changed, person
from tests.support.processes.child import wait_until
from tests.support.processes.system import FINGERPRINT_KEY, SEAL_KEY, System, system
from tests.support.servers.fresh import valkey_server
from tests.support.servers.outage import locked_out

_PASSWORDS: Final = {
    "broker-password": "Qumranite-broker-4711",
    "database-password": "Xanthippe-database-0815",
    "moneta-password": "Zwieback-moneta-1138",
    "flower-password": "Hyacinth-flower-2319",
    "seal-key": SEAL_KEY,
    "fingerprint-key": FINGERPRINT_KEY,
}
#: Known to be wherever references are: found by the same search, or the search finds nothing.
_CONTROL: Final = "privacy-control-reference"
#: In a message's body this one is behind Base64 and JSON's escapes.
_CYRILLIC: Final = "Заказ-контрольный"
_SCENARIOS: Final = (
    0,
    5,
    103,
    151,
    200,
    201,
    207,
    300,
    306,
    320,
    400,
    401,
    403,
    500,
    502,
    506,
    511,
)
_MISTAKEN: Final = 990
_STUMBLING: Final = 991
_UNREGISTERED: Final = 992
_UNDECODABLE: Final = 993
_HEADERLESS: Final = 994
_CUT_OFF: Final = 995
_REFUSED: Final = range(950, 965)
#: Whose values no sender put anywhere in clear.
_SEALED: Final = (*(800 + n for n in range(len(_SCENARIOS))), *_REFUSED, _STUMBLING, _HEADERLESS,
                  _CUT_OFF)  # fmt: skip
_EVERYBODY: Final = (*_SEALED, _MISTAKEN, _UNREGISTERED, _UNDECODABLE)


def _secrets(people: tuple[int, ...]) -> dict[str, scan.Secret]:
    secrets = {name: scan.text(value) for name, value in _PASSWORDS.items()}
    for number in people:
        secrets |= scan.of_person(f"person-{number}", person(number))
    return secrets


_CONTROLS: Final = {"control": scan.text(_CONTROL), "cyrillic": scan.text(_CYRILLIC)}
#: What a sender puts in clear into the broker by mistake lies there until it is consumed.
_OF_THE_BROKER: Final = scan.Scanner({**_secrets(_SEALED), **_CONTROLS})
_OF_THE_REST: Final = scan.Scanner({**_secrets(_EVERYBODY), **_CONTROLS})


@dataclass
class Run:
    """What one eventful run left behind, everywhere."""

    system: System
    ear: Eavesdropper
    #: The keyspace while a mistaken message lay there.
    mistaken: bytes
    pages: dict[str, str] = field(default_factory=dict)


def _faulty(number: int) -> dict[str, object]:
    """Return a payload with a value that is refused; which one, `number` decides."""
    payload = person(number)
    faults: list[dict[str, object]] = [
        {"profile__snils": payload["profile"]["snils"][:-2] + "??"},
        {"profile__inn": payload["profile"]["inn"][:-2] + "00"},
        {"profile__cell_phone": payload["profile"]["cell_phone"] + "9"},
        {"profile__date_of_birth": payload["profile"]["date_of_birth"] + "T00:00"},
        {"profile__first_name": payload["profile"]["first_name"] + "7"},
        {"document__number": payload["document"]["number"] + "1"},
        {"document__series": payload["document"]["series"] + " 1"},
        {"document__issuer": payload["document"]["issuer"] + "\n"},
        {"document__issued": "31." + payload["document"]["issued"]},
        {"document__department": payload["document"]["department"] + "0"},
        # As the name of a field: it is the sender's own word.
        {f"profile__{payload['profile']['last_name']}": "x"},
    ]
    return changed(payload, **faults[number % len(faults)])


@contextmanager
def _without_a_table(whole: System) -> Iterator[None]:
    """Take a table away from under the workers."""
    whole.execute("ALTER TABLE attempt RENAME TO attempt_away")
    yield
    whole.execute("ALTER TABLE attempt_away RENAME TO attempt")


def _searches() -> list[str]:
    """Return what is looked for in Flower: what is there, and what must not be."""
    surname = quote(person(_MISTAKEN)["profile"]["last_name"])
    return [_CONTROL, f"kwargs:{surname}"]


def _wait_for_log(whole: System, text: str, times: int) -> None:
    wait_until(lambda: whole.log_of("worker").count(text) >= times, 20, text, interval=0.1)


@pytest.fixture(scope="module")
def run(both_urls: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Everything that can happen to a message, with people whose data must stay hidden."""
    directory = tmp_path_factory.mktemp("privacy")
    port = free_port()
    database = both_urls.replace("uprid@", f"uprid:{_PASSWORDS['database-password']}@")
    with valkey_server() as broker:
        settings = {
            "REDIS_URL": guarded(broker, _PASSWORDS["broker-password"]),
            "UPRID_LOG_LEVEL": "DEBUG",
            "UPRID_MONETA__PASSWORD": _PASSWORDS["moneta-password"],
            "UPRID_MONETA__TOTAL_TIMEOUT": "3",
            "UPRID_MONETA__READ_TIMEOUT": "3",
            "UPRID_MONETA__CONNECT_TIMEOUT": "3",
            "FLOWER_PORT": str(port),
            "FLOWER_BASIC_AUTH": f"oncall:{_PASSWORDS['flower-password']}",
        }
        with system(directory, broker, database, settings) as whole:
            whole.start_sandbox(password=_PASSWORDS["moneta-password"])
            whole.start("flower")
            with Eavesdropper(settings["REDIS_URL"]) as ear:
                mistaken = _before_the_workers(whole, ear)
                whole.start("worker", "poller", "beat")
                whole.wait_until_started("worker", "poller")
                password = _PASSWORDS["flower-password"]
                wait_until(
                    lambda: flower_hears(port, password, workers=2), 40, "Flower", interval=0.2
                )
                _live(whole)
                ids = [*whole.marketplace.sent, *_retried(whole)]
                pages = flower_pages(port, _PASSWORDS["flower-password"], ids, _searches())
            yield Run(whole, ear, mistaken, pages)


def _before_the_workers(whole: System, ear: Eavesdropper) -> bytes:
    """Send what lies there in clear by its sender's mistake, and look at it."""
    whole.marketplace.send(reference="early", unit_id=1, payload=person(_MISTAKEN))
    return ear.look()


def _live(whole: System) -> None:
    shop = whole.marketplace
    expected = [_CONTROL, _CYRILLIC, "headerless"]
    for number, scenario in enumerate(_SCENARIOS):
        reference = f"privacy-{scenario:03}"
        shop.start(reference, 9_000_000 + scenario, person(800 + number))
        expected.append(reference)
    shop.start(_CONTROL, 9_100_000)
    # Its name must be found in the body alone: the header is masked by its sender.
    shop.send(reference=_CYRILLIC, unit_id=9_101_000, headers={"argsrepr": "", "kwargsrepr": ""})
    for number in _REFUSED:
        shop.start(f"refused-{number}", 9_200_000 + number, _faulty(number))
    clear = person(_MISTAKEN)
    shop.send(reference="mistaken", unit_id=1, payload=clear)
    shop.send(reference="mistaken-2", unit_id=1, sealed=clear)
    shop.send(reference="mistaken-3", unit_id=1, sealed=json.dumps(clear))
    shop.send(reference="mistaken-4", unit_id=1, **clear["profile"], **clear["document"])
    shop.send(args=(clear, *clear["profile"].values()))
    shop.send("tasks.operations.retry", "operations", reference="x", attempt=1, payload=clear)
    shop.send("tasks.moneta.poll_async_requests", "moneta.chunks", payload=clear)
    shop.send("tasks.moneta.no_such_task", payload=person(_UNREGISTERED))
    clear_text = json.dumps(person(_UNDECODABLE), ensure_ascii=False)
    shop.redis.lpush("moneta", message(clear_text[:-5]))
    shop.redis.lpush("moneta", message(clear_text))
    shop.redis.lpush("moneta", message(clear_text, content_type="application/x-yaml"))
    shop.redis.lpush("moneta", message(f"[[], null, {clear_text}]"))
    headerless = {
        "reference": "headerless", "unit_id": 9_300_000, "sealed": shop.seal(person(_HEADERLESS)),
    }  # fmt: skip
    shop.redis.lpush("moneta", message(body(kwargs=headerless)))
    shop.wait_for(expected, ENDS | {WAITING}, timeout=40)
    with _without_a_table(whole):
        shop.start("stumbling", 9_301_000, person(_STUMBLING))
        _wait_for_log(whole, "message_comes_again", 2)
    # Or its next try meets the other refusal, and Flower shows the last one.
    shop.wait_for(["stumbling"], timeout=40)
    if not whole.database_url.startswith("sqlite"):
        with locked_out(whole.database_url):
            shop.start("cut-off", 9_302_000, person(_CUT_OFF))
            _wait_for_log(whole, "DatabaseRefused", 2)
        shop.wait_for(["cut-off"], timeout=40)


def _retried(whole: System) -> list[str]:
    """Return the ids of messages that the sender does not know of: those without a header."""
    pattern = r"start_identification\[([0-9a-f-]{36})\]"
    return sorted(set(re.findall(pattern, whole.log_of("worker"))))


def test_broker_never_holds_a_secret(run: Run) -> None:
    found = _OF_THE_BROKER.found(run.ear.keyspace)

    assert found - _CONTROLS.keys() == set()
    assert found == _CONTROLS.keys()
    assert run.ear.rounds > 20


def test_broker_is_never_given_a_secret(run: Run) -> None:
    found = _OF_THE_BROKER.found(run.ear.passed)

    assert found - _CONTROLS.keys() == set()
    assert found == _CONTROLS.keys()


def test_search_finds_a_person_in_a_message_who_is_there_in_clear(run: Run) -> None:
    found = _OF_THE_REST.found(run.mistaken)

    fields = {f"person-{_MISTAKEN}.{name}" for block in person(1).values() for name in block}
    assert found == fields


def test_database_holds_no_secret(run: Run) -> None:
    found = _OF_THE_REST.found(dump(run.system))

    assert found - _CONTROLS.keys() == set()
    assert found == _CONTROLS.keys()


def test_logs_hold_no_secret(run: Run) -> None:
    for name, log in run.system.logs().items():
        assert _OF_THE_REST.found(log) - _CONTROLS.keys() == set(), name

    assert "control" in _OF_THE_REST.found("\n".join(run.system.logs().values()))


def test_logs_are_those_of_every_process(run: Run) -> None:
    names = {name.partition("-")[2] for name in run.system.logs()}

    assert names == {"sandbox", "worker", "poller", "beat", "flower"}


def test_flower_shows_no_secret(run: Run) -> None:
    for path, page in run.pages.items():
        asked_for = {f"person-{_MISTAKEN}.last_name"} if "kwargs:" in path else set()
        assert _OF_THE_REST.found(page) - _CONTROLS.keys() - asked_for == set(), path

    assert "control" in _OF_THE_REST.found(run.pages["/api/tasks?limit=10000"])


def test_flower_knows_the_messages_that_it_was_searched_for(run: Run) -> None:
    tasks: dict[str, dict[str, Any]] = json.loads(run.pages["/api/tasks?limit=10000"])

    sent = run.system.marketplace.sent
    assert len(tasks.keys() & set(sent)) >= len(sent) - 2
    assert {"SUCCESS", "FAILURE"} <= {each["state"] for each in tasks.values()}


def test_flower_tells_that_a_message_came_again_and_nothing_of_why(run: Run) -> None:
    tasks: dict[str, dict[str, Any]] = json.loads(run.pages["/api/tasks?limit=10000"])
    [again] = [each for each in tasks.values() if "'stumbling'" in (each["kwargs"] or "")]

    assert again["retries"] >= 1
    assert re.search("OperationalError|ProgrammingError", again["exception"])
    # The database's own words, which quote statements and may quote values.
    assert "attempt" not in again["exception"] + again["traceback"]
    assert "During handling" not in again["traceback"]


def test_events_hold_no_secret(run: Run) -> None:
    events = run.system.marketplace.events()
    told = "\n".join(json.dumps(dict(event.fields)) for event in events)

    assert _OF_THE_REST.found(told) == _CONTROLS.keys()


def test_sealed_answers_hold_the_people_that_nothing_else_holds(run: Run) -> None:
    shop = run.system.marketplace
    [end] = [event for event in shop.of("privacy-000") if event.type in ENDS]

    answer = shop.unseal(end.data["sealed"])

    assert "person-800.last_name" in _OF_THE_REST.found(answer)


def test_command_line_shows_no_secret(run: Run) -> None:
    shown = run.system.uprid("show", "refused-951")

    assert _OF_THE_REST.found(shown) - _CONTROLS.keys() == set()
