"""Flower through the Procfile's line: behind its password, blind to people, and a way to retry."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
import requests

from tests.support.loopback.server import free_port
from tests.support.messages.marketplace import ACCEPTED, RETRY, STARTED, Marketplace
from tests.support.messages.people import Payload, changed, person
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.servers.fresh import ValkeyServer

pytestmark = pytest.mark.slow

_LOGIN: Final = ("olga", "flower's own password")
_REJECTED: Final = "uprid.operation.rejected"
_SUCCEEDED: Final = "uprid.operation.succeeded"
#: Rejected at first; the next attempt succeeds.
_REFERENCE: Final = "flower-1"
_UNIT: Final = 9_000_150
_PERSON: Final = person(81)
_CORRECTED: Final = changed(_PERSON, document__number="864209")
#: What is never to be sent in clear, and is sent so here.
_EXPOSED: Final = person(82)

_PAGES: Final = ("/", "/workers", "/tasks", "/broker")
_TABLE: Final = (
    "/tasks/datatable?draw=1&start=0&length=100&order[0][column]=0&columns[0][data]=name"
)
_APIS: Final = ("/api/tasks", "/api/workers?refresh=1", "/api/task/types", "/api/queues/length")
_DEEDS: Final = (f"/api/task/send-task/{RETRY}", f"/api/task/async-apply/{RETRY}")


class Flower:
    """The page as a person with a browser or `curl` sees it."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def get(self, path: str, login: tuple[str, str] | None = _LOGIN) -> requests.Response:
        return requests.get(self._url + path, auth=login, timeout=20)

    def post(
        self, path: str, content: object, login: tuple[str, str] | None = _LOGIN
    ) -> requests.Response:
        return requests.post(self._url + path, json=content, auth=login, timeout=20)

    def tasks(self, **asked: str) -> dict[str, Any]:
        """Return what the API tells of messages, by their ids."""
        answer = requests.get(f"{self._url}/api/tasks", params=asked, auth=_LOGIN, timeout=20)
        found: dict[str, Any] = answer.json()
        return found

    def is_up(self) -> bool:
        try:
            return self.get("/", None).status_code == 401
        except requests.ConnectionError:
            return False


@dataclass(frozen=True)
class Run:
    """A system whose messages Flower has seen."""

    system: System
    flower: Flower
    #: The messages that were sent.
    sent: Mapping[str, str]

    @property
    def shop(self) -> Marketplace:
        return self.system.marketplace

    def retry(self, **kwargs: str) -> str:
        """Ask in Flower for the attempt after the first one; return the message's id."""
        asked = {"queue": "operations", "kwargs": {"reference": _REFERENCE, "attempt": 1, **kwargs}}
        answer = self.flower.post(f"/api/task/send-task/{RETRY}", asked)
        assert answer.status_code == 200, answer.text
        message_id: str = answer.json()["task-id"]
        return message_id


@dataclass(frozen=True)
class Retried:
    """A retry that was asked for in Flower."""

    id: str
    sealed: str


def _values(payload: Payload) -> list[str]:
    return [value for block in payload.values() for value in block.values()]


def _forms(value: str) -> set[str]:
    """Return a value as text, and as JSON and HTML write it."""
    return {value, json.dumps(value)[1:-1], value.replace("+", "&#43;")}


def _personal() -> list[str]:
    people = (_PERSON, _CORRECTED, _EXPOSED)
    # The department's and the series' few digits may stand anywhere by chance.
    return [
        form
        for payload in people
        for value in _values(payload)
        if len(value) > 5
        for form in _forms(value)
    ]


def _send(shop: Marketplace) -> dict[str, str]:
    """Send a good message, and two by a sender who does not seal."""
    exposed = repr(_EXPOSED)
    return {
        "sealed": shop.start(_REFERENCE, _UNIT, _PERSON),
        "clear": shop.send(
            reference="flower-clear", unit_id=_UNIT, payload=_EXPOSED,
            headers={"kwargsrepr": exposed, "argsrepr": exposed},
        ),
        "positional": shop.send(args=("flower-positional", _UNIT, _EXPOSED)),
    }  # fmt: skip


def _is_heard(whole: System, flower: Flower) -> bool:
    canary = whole.marketplace.send(reference="flower-canary", unit_id=0)
    whole.marketplace.wait_for_refusal(canary)
    return any(task["received"] for task in flower.tasks().values())


@pytest.fixture(scope="module")
def run(
    sqlite_url: str, broker: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """Flower beside a worker and a poller, and messages that it has shown already."""
    port = free_port()
    settings = {"FLOWER_PORT": str(port), "FLOWER_BASIC_AUTH": ":".join(_LOGIN)}
    directory = tmp_path_factory.mktemp("flower")
    with system(directory, broker, sqlite_url, settings) as whole:
        flower = Flower(port)
        whole.start_sandbox(delay=0)
        whole.start("worker", "poller", "flower")
        wait_until(flower.is_up, 40, lambda: whole.process("flower").tail(), interval=0.2)
        whole.wait_until_started("worker", "poller")
        # It answers before it listens: what is sent too early it never sees the beginning of.
        wait_until(lambda: _is_heard(whole, flower), 40, "Flower to listen", interval=0.5)
        sent = _send(whole.marketplace)
        whole.marketplace.wait_for([_REFERENCE], [_REJECTED])
        for message_id in (sent["clear"], sent["positional"]):
            whole.marketplace.wait_for_refusal(message_id)
        wait_until(
            lambda: flower.tasks().keys() >= set(sent.values()), 20, "the messages", interval=0.2
        )
        yield Run(whole, flower, sent)


@pytest.mark.parametrize("path", [*_PAGES, _TABLE, *_APIS])
@pytest.mark.parametrize(
    "login", [None, ("olga", "guessed"), ("olga", "")], ids=["nobody", "guesser", "empty"]
)
def test_flower_shows_nothing_without_its_password(
    run: Run, path: str, login: tuple[str, str] | None
) -> None:
    answer = run.flower.get(path, login)

    assert answer.status_code == 401
    assert "tasks.moneta" not in answer.text


@pytest.mark.parametrize("path", _DEEDS)
def test_flower_does_nothing_without_its_password(run: Run, path: str) -> None:
    asked = {"kwargs": {"reference": _REFERENCE, "attempt": 1, "by": "nobody", "note": "no"}}

    assert run.flower.post(path, asked, None).status_code == 401
    assert run.flower.post(path, asked, ("olga", "guessed")).status_code == 401
    assert run.system.rows("SELECT id FROM journal WHERE note = 'no'") == []


@pytest.mark.parametrize("path", [*_PAGES, _TABLE, *_APIS])
def test_flower_shows_no_personal_value(run: Run, path: str) -> None:
    answer = run.flower.get(path)

    assert answer.status_code == 200
    assert [value for value in _personal() if value in answer.text] == []
    assert "gAAAA" not in answer.text


@pytest.mark.parametrize("name", ["sealed", "clear", "positional"])
@pytest.mark.parametrize("path", ["/task/{}", "/api/task/info/{}"])
def test_flower_shows_no_personal_value_of_a_message(run: Run, name: str, path: str) -> None:
    answer = run.flower.get(path.format(run.sent[name]))

    assert answer.status_code == 200
    # It shows the message, and nothing of the person in it.
    assert run.sent[name] in answer.text
    assert "tasks.moneta.start_identification" in answer.text
    assert [value for value in _personal() if value in answer.text] == []
    assert "gAAAA" not in answer.text


@pytest.mark.parametrize("field", ["", "kwargs:", "args:"], ids=["anywhere", "kwargs", "args"])
def test_flower_finds_nobody_by_a_personal_value(run: Run, field: str) -> None:
    found = {value for value in _personal() if run.flower.tasks(search=f'{field}"{value}"')}

    assert found == set()


def test_flower_finds_a_message_by_its_reference(run: Run) -> None:
    assert run.sent["sealed"] in run.flower.tasks(search=_REFERENCE)


@pytest.fixture(scope="module")
def retried(run: Run) -> Retried:
    """The next attempt, asked for in Flower and ended."""
    sealed = run.shop.seal(_CORRECTED)
    kwargs = {"by": "olga", "note": "the number was misread", "sealed": sealed}
    message_id = run.retry(**kwargs)
    run.shop.wait_for([_REFERENCE], [_SUCCEEDED])
    return Retried(message_id, sealed)


def test_retry_by_flower_begins_the_next_attempt(run: Run, retried: Retried) -> None:
    assert [(event.type, event.data["attempt"]) for event in run.shop.of(_REFERENCE)] == [
        (ACCEPTED, 1), (STARTED, 1), (_REJECTED, 1), (ACCEPTED, 2), (STARTED, 2), (_SUCCEEDED, 2),
    ]  # fmt: skip
    assert run.system.unit(_UNIT)["taken"] == 2


def test_retry_by_flower_is_audited(run: Run, retried: Retried) -> None:
    timeline = run.system.show(_REFERENCE)["timeline"]

    [audited, *_] = [each for each in timeline if each["what"] == "person"]
    assert audited["by"] == "olga"
    assert "the number was misread" in json.dumps(audited)


def test_retry_by_flower_is_shown_without_a_personal_value(run: Run, retried: Retried) -> None:
    wait_until(lambda: retried.id in run.flower.tasks(), 20, "the retry", interval=0.2)

    for path in (f"/task/{retried.id}", "/api/tasks", _TABLE):
        shown = run.flower.get(path).text
        assert retried.id in shown
        assert [value for value in _personal() if value in shown] == []
        assert retried.sealed not in shown


def test_retry_by_flower_twice_is_one_attempt(run: Run, retried: Retried) -> None:
    again = run.retry(by="olga", note="again")

    wait_until(
        lambda: run.flower.tasks().get(again, {}).get("state") == "SUCCESS",
        20,
        "the retry",
        interval=0.2,
    )
    assert run.system.unit(_UNIT)["taken"] == 2
    assert run.system.show(_REFERENCE)["attempt"] == 2
