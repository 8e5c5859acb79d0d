"""Many sessions, their codes in any order and twice, and a poller that dies in between."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.engine.schema import bring_to_newest
from tests.support.messages.marketplace import (
    ACCEPTED,
    CODE,
    ENDS,
    INPUT_REQUIRED,
    MANDARIN,
    STARTED,
    Event,
)
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.servers.fresh import PostgresServer, SqliteFiles, valkey_server

#: Sessions: those of the quick run are enough for every order of right and wrong codes.
_SOME: Final = 100
_MANY: Final = 500
#: What a session takes, by the provider's page.
_CODES: Final = 5
#: Calls that a poller may be in the middle of when it dies.
_THREADS: Final = 8
_SETTINGS: Final = {
    "UPRID_MANDARIN__RATE_PER_SECOND": "300",
    "UPRID_MANDARIN__THREADS": str(_THREADS),
    # No answer may be missed because the machine is busy: that would be another test.
    "UPRID_MANDARIN__TOTAL_TIMEOUT": "30",
    "UPRID_MANDARIN__READ_TIMEOUT": "30",
    "UPRID_MANDARIN__POLL": json.dumps(
        {"first_after": 0.4, "steps": [[20, 0.5]], "then": 3, "jitter": 0.1}
    ),
}
_FIRST: Final = 9_000_000


@pytest.fixture
def whole(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[System]:
    """Mandarin's stand-in, a worker and two pollers."""
    databases: SqliteFiles | PostgresServer = request.getfixturevalue(kind)
    url = databases.create_database(bring_to_newest)
    with (
        valkey_server() as broker,
        system(tmp_path, broker, url, _SETTINGS, every_provider=True) as made,
    ):
        made.start_sandbox(delay=0.5)
        made.start("worker", "poller", "poller-2")
        made.wait_until_started("worker", "poller", "poller-2")
        yield made
    databases.drop_database(url)


def digits(number: int) -> str:
    """Return the last seven digits of an operation's phone; the last three of them succeed."""
    return f"{_FIRST // 1000 + number:04}000"


def right_code(number: int) -> str:
    """Return the code that the stand-in takes for right: the phone's last four digits."""
    return digits(number)[-4:]


def person(number: int) -> dict[str, str]:
    """Return an invented person."""
    return {
        "first_name": "Выдумка",
        "patronymic": "Понарошковна",
        "last_name": "Кодова",
        "passport_series": "0003",
        "passport_number": f"{number:06}",
        "snils": "112-233-445 95",
        "phone": f"+7900{digits(number)}",
    }


def codes_of(number: int, draw: random.Random) -> list[str]:
    """Return up to six wrong codes and the right one, in any order."""
    wrong = [f"{n:05}" for n in range(number % 7)]
    codes = [*wrong, right_code(number)]
    draw.shuffle(codes)
    return codes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "sessions"),
    [
        pytest.param("postgres", _SOME, marks=pytest.mark.postgres),
        pytest.param("postgres", _MANY, marks=[pytest.mark.postgres, pytest.mark.exhaustive]),
        pytest.param("sqlite", _MANY, marks=pytest.mark.exhaustive),
    ],
)
def test_codes_in_any_order_and_twice_are_each_sent_once_though_a_poller_dies(
    whole: System, sessions: int
) -> None:
    draw = random.Random(20_260_101)  # noqa: S311 - a test that can be repeated
    shop = whole.marketplace
    references = {f"code-{number}": number for number in range(sessions)}
    codes = {reference: codes_of(number, draw) for reference, number in references.items()}
    for reference, number in references.items():
        shop.send(MANDARIN, "mandarin", reference=reference, sealed=shop.seal(person(number)))
    shop.wait_for(references, [INPUT_REQUIRED], timeout=90)

    messages = [(reference, code) for reference, given in codes.items() for code in given] * 2
    draw.shuffle(messages)
    half = len(messages) // 2
    for reference, code in messages[:half]:
        shop.send(CODE, "mandarin", reference=reference, sealed=shop.seal({"sms_code": code}))
    wait_until(lambda: whole.calls_of("mandarin")["requests"].get("code", 0) > 50, 30, "codes")
    whole.kill9("poller")
    for reference, code in messages[half:]:
        shop.send(CODE, "mandarin", reference=reference, sealed=shop.seal({"sms_code": code}))
    whole.start("poller")

    ended = "SELECT COUNT(*) FROM operation WHERE finished_at IS NOT NULL"
    wait_until(lambda: whole.count(ended) >= sessions - 2 * _THREADS, 200, "nearly all to end")
    # A code that was under way with its poller counts as sent and is never sent again: where it
    # was the right one, only a person can go on.
    lost = _stuck(whole)
    for reference in lost:
        _cancel(whole, reference)
    last = shop.wait_for(references, ENDS, timeout=60)
    time.sleep(2)  # anything published twice would be there by now
    told: dict[str, list[Event]] = {}
    for event in shop.events():
        told.setdefault(event.subject, []).append(event)
    subjects = whole.calls_of("mandarin")["subjects"]
    for reference, number in references.items():
        _assert_each_code_once(subjects[digits(number)], reference)
        _assert_told_once(told[reference], reference)
    assert len(lost) <= 2 * _THREADS
    for reference, number in references.items():
        details = subjects[digits(number)]["details"].get("codes", {})
        end = last[reference][0]
        if end.type == "uprid.operation.succeeded":
            assert right_code(number) in details, reference
        elif end.type == "uprid.operation.rejected":
            assert end.data["reason"]["code"] == "codes_exhausted", reference
            assert number % 7 >= _CODES, reference


def _cancel(whole: System, reference: str) -> None:
    try:
        whole.uprid("cancel", reference, "--note", "its code was lost with its poller")
    except AssertionError:
        # On a busy machine it may have ended meanwhile by itself.
        ended = "SELECT COUNT(*) FROM operation WHERE reference = :it AND finished_at IS NOT NULL"
        assert whole.count(ended, it=reference) == 1, reference


def _stuck(whole: System) -> list[str]:
    """Return what does not end, once nothing has moved for a while."""
    live = "SELECT reference FROM operation WHERE finished_at IS NULL ORDER BY reference"
    queued = "SELECT COUNT(*) FROM operation WHERE finished_at IS NULL AND inputs_waiting > 0"

    def nothing_moves() -> bool:
        before = [reference for (reference,) in whole.rows(live)]
        time.sleep(8)
        after = [reference for (reference,) in whole.rows(live)]
        return before == after and whole.count(queued) == 0

    wait_until(nothing_moves, 120, "the last codes to be judged")
    return [reference for (reference,) in whole.rows(live)]


def _assert_each_code_once(counted: dict[str, Any], reference: str) -> None:
    assert counted["submits"] == counted["taken"] == 1, reference
    assert counted["codes"] <= _CODES, reference
    assert set(counted["details"].get("codes", {}).values()) <= {1}, reference


def _assert_told_once(events: list[Event], reference: str) -> None:
    types = [event.type for event in events if event.data.get("sequence")]
    assert types[:3] == [ACCEPTED, STARTED, INPUT_REQUIRED], reference
    assert len([each for each in types if each in ENDS]) == 1, reference
    sequence = [event.data["sequence"] for event in events if event.data.get("sequence")]
    assert sequence == list(range(1, len(sequence) + 1)), reference
    left = [event.data["attempts_left"] for event in events if event.type == INPUT_REQUIRED]
    assert left[0] == _CODES
    assert left == sorted(left, reverse=True), reference
