"""Bad input: one refusal that names the fields and never the values, and nothing else changes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.fernet import Fernet

from tests.support.malformed import MALFORMED, body, message
from tests.support.marketplace import ACCEPTED, RETRY, START, Marketplace
from tests.support.people import changed, person
from tests.support.processes import wait_until
from tests.support.servers import ValkeyServer, valkey_server
from tests.support.system import System, system

_UNIT: Final = 8_000_000
_USED: Final = "used-reference"
_TABLES: Final = ("operation", "attempt", "journal")

Arguments = dict[str, Any]
#: What makes a message's arguments; references are given by the test.
Make = Callable[[Marketplace], Arguments]


def _plain(**arguments: object) -> Make:
    return lambda _: arguments


def _with(person_number: int = 1, **fields: object) -> Make:
    """A good message but for some fields of its payload."""
    return lambda shop: {
        "unit_id": _UNIT,
        "sealed": shop.seal(changed(person(person_number), **fields)),
    }


def _sealing(content: bytes) -> Make:
    return lambda shop: {"unit_id": _UNIT, "sealed": shop.seal_bytes(content)}


def _foreign_key(_: Marketplace) -> Arguments:
    token = Fernet(Fernet.generate_key()).encrypt(json.dumps(person(1)).encode()).decode()
    return {"unit_id": _UNIT, "sealed": token}


def _spoilt_token(shop: Marketplace) -> Arguments:
    token = shop.seal(person(1))
    return {"unit_id": _UNIT, "sealed": token[:-8] + "AAAAAAA="}


def _everything(shop: Marketplace) -> Arguments:
    faulty = changed(person(1), profile__snils="187-641-001 99", document__number="12345")
    return {"unit_id": "5", "surprise": 1, "sealed": shop.seal(faulty)}


@dataclass(frozen=True)
class Bad:
    """A message that has to be refused."""

    id: str
    make: Make
    #: Exactly these are named.
    fields: set[str]
    task: str = START
    args: tuple[object, ...] = ()
    #: Given in the place of one made by the test; "" leaves it out.
    reference: object = None


_LONG: Final = "r" * 300

_BAD: Final = [
    Bad("reference-missing", _plain(unit_id=_UNIT), {"reference"}, reference=""),
    Bad("reference-empty", _plain(unit_id=_UNIT, reference=""), {"reference"}, reference=""),
    Bad("reference-of-300", _plain(unit_id=_UNIT), {"reference"}, reference=_LONG),
    Bad("reference-number", _plain(unit_id=_UNIT), {"reference"}, reference=17),
    Bad("reference-blank", _plain(unit_id=_UNIT), {"reference"}, reference="  "),
    Bad("reference-with-nul", _plain(unit_id=_UNIT), {"reference"}, reference="nul\x00"),
    Bad("reference-surrogate", _plain(unit_id=_UNIT), {"reference"}, reference="half\ud83d"),
    Bad("unit-missing", _plain(), {"unit_id"}),
    Bad("unit-null", _plain(unit_id=None), {"unit_id"}),
    Bad("unit-zero", _plain(unit_id=0), {"unit_id"}),
    Bad("unit-negative", _plain(unit_id=-1), {"unit_id"}),
    Bad("unit-text", _plain(unit_id="5"), {"unit_id"}),
    Bad("unit-fraction", _plain(unit_id=1.5), {"unit_id"}),
    Bad("unit-whole-fraction", _plain(unit_id=5.0), {"unit_id"}),
    Bad("unit-true", _plain(unit_id=True), {"unit_id"}),
    Bad("unit-beyond-64-bits", _plain(unit_id=2**63), {"unit_id"}),
    Bad("unit-list", _plain(unit_id=[5]), {"unit_id"}),
    Bad("argument-unknown", _plain(unit_id=_UNIT, surprise=1), {"surprise"}),
    Bad("argument-named-self", _plain(unit_id=_UNIT, self=1), {"self"}),
    Bad("argument-unnamable", _plain(unit_id=_UNIT, **{"Ivan Ivanov": 1}), {"(unnamed)"}),
    Bad("argument-payload-in-clear", _plain(unit_id=_UNIT, payload={"a": 1}), {"payload"}),
    Bad("arguments-positional", _plain(unit_id=_UNIT), {"(positional)"}, args=(5, 6)),
    Bad("token-number", _plain(unit_id=_UNIT, sealed=5), {"sealed"}),
    Bad("token-object", _plain(unit_id=_UNIT, sealed={"profile": {}}), {"sealed"}),
    Bad("token-empty", _plain(unit_id=_UNIT, sealed=""), {"sealed"}),
    Bad("token-no-token", _plain(unit_id=_UNIT, sealed="gAAAAAклад"), {"sealed"}),
    Bad("token-spoilt", _spoilt_token, {"sealed"}),
    Bad("token-of-unknown-key", _foreign_key, {"sealed"}),
    Bad("token-over-no-json", _sealing(b"{"), {"sealed"}),
    Bad("token-over-no-utf8", _sealing(b'{"profile": "\xff"}'), {"sealed"}),
    Bad("token-over-a-list", _sealing(b"[]"), {"sealed"}),
    Bad("token-over-null", _sealing(b"null"), {"sealed"}),
    Bad("token-over-deep-json", _sealing(b"[" * 100_000), {"sealed"}),
    Bad("payload-empty", _sealing(b"{}"), {"profile", "document"}),
    Bad("document-missing", lambda shop: {
        "unit_id": _UNIT, "sealed": shop.seal({"profile": person(1)["profile"]}),
    }, {"document"}),
    Bad("payload-unknown-member", lambda shop: {
        "unit_id": _UNIT, "sealed": shop.seal({**person(1), "comment": "x"}),
    }, {"comment"}),
    Bad("profile-unknown-field", _with(profile__nickname="x"), {"profile.nickname"}),
    Bad("profile-without-phone", _with(profile__cell_phone=None), {"profile.cell_phone"}),
    Bad("name-missing", _with(profile__last_name=None), {"profile.last_name"}),
    Bad("name-number", _with(profile__first_name=7), {"profile.first_name"}),
    Bad("name-with-digits", _with(profile__first_name="R2"), {"profile.first_name"}),
    Bad("name-empty", _with(profile__first_name=""), {"profile.first_name"}),
    Bad("name-with-nul", _with(profile__first_name="A\x00"), {"profile.first_name"}),
    Bad("snils-checksum", _with(profile__snils="187-641-001 99"), {"profile.snils"}),
    Bad("snils-short", _with(profile__snils="1876410010"), {"profile.snils"}),
    Bad("snils-zeros", _with(profile__snils="000-000-000 00"), {"profile.snils"}),
    Bad("snils-arabic-digits", _with(profile__snils="١٢٣٤٥٦٧٨٩٠١"), {"profile.snils"}),
    Bad("inn-check-digits", _with(profile__inn="773821900199"), {"profile.inn"}),
    Bad("inn-of-a-company", _with(profile__inn="7707083893"), {"profile.inn"}),
    Bad("passport-series", _with(document__series="12"), {"document.series"}),
    Bad("passport-number", _with(document__number="86100A"), {"document.number"}),
    Bad("passport-as-number", _with(document__number=861001), {"document.number"}),
    Bad("phone-foreign", _with(profile__cell_phone="+1 202 555 0100"), {"profile.cell_phone"}),
    Bad("phone-landline", _with(profile__cell_phone="+7 495 000-00-00"), {"profile.cell_phone"}),
    Bad("birth-russian", _with(profile__date_of_birth="31.01.1990"), {"profile.date_of_birth"}),
    Bad("birth-no-day", _with(profile__date_of_birth="1990-02-30"), {"profile.date_of_birth"}),
    Bad("birth-future", _with(profile__date_of_birth="2990-01-01"), {"profile.date_of_birth"}),
    Bad("issued-no-day", _with(document__issued="2010-13-01"), {"document.issued"}),
    Bad(
        "all-at-once",
        _everything,
        {"reference", "unit_id", "surprise", "profile.snils", "document.number", "(positional)"},
        args=(1,),
        reference=_LONG,
    ),
    Bad(
        "used-reference-other-unit",
        lambda shop: {"unit_id": _UNIT + 1, "sealed": shop.seal(person(0))},
        {"reference"},
        reference=_USED,
    ),
    Bad(
        "used-reference-other-person",
        lambda shop: {"unit_id": _UNIT, "sealed": shop.seal(person(1))},
        {"reference"},
        reference=_USED,
    ),
    Bad("used-reference-no-payload", _plain(unit_id=_UNIT), {"reference"}, reference=_USED),
    Bad("retry-of-nothing", _plain(attempt=1, by="me", note=""), {"reference"},
        task=RETRY),
    Bad("retry-without-attempt", _plain(by="me", note=""), {"attempt"},
        task=RETRY, reference=_USED),
    Bad("retry-attempt-true", _plain(attempt=True, by="me", note=""), {"attempt"},
        task=RETRY, reference=_USED),
    Bad("retry-by-nobody", _plain(attempt=1, note=""), {"by"},
        task=RETRY, reference=_USED),
    Bad("retry-note-with-nul", _plain(attempt=1, by="me", note="a\x00b"), {"note"},
        task=RETRY, reference=_USED),
    Bad("retry-note-surrogate", _plain(attempt=1, by="me", note="a\ud83d"), {"note"},
        task=RETRY, reference=_USED),
    Bad("retry-by-surrogate", _plain(attempt=1, by="\ud83d", note=""), {"by"},
        task=RETRY, reference=_USED),
    Bad("retry-unknown-argument", _plain(attempt=1, by="me", note="", surprise=1), {"surprise"},
        task=RETRY, reference=_USED),
    Bad("retry-of-a-success", _plain(attempt=1, by="me", note=""), {"reference"},
        task=RETRY, reference=_USED),
    Bad("retry-with-faulty-data", lambda shop: {
        "attempt": 1, "by": "me", "note": "",
        "sealed": shop.seal(changed(person(0), profile__inn="773821900099")),
    }, {"profile.inn"}, task=RETRY, reference=_USED),
    Bad("retry-with-all-at-once", lambda shop: {
        "attempt": 0, "by": "", "note": "", "surprise": 1,
        "sealed": shop.seal(changed(person(0), profile__inn="773821900099")),
    }, {"attempt", "by", "surprise", "profile.inn"},
        task=RETRY, reference=_USED),
]  # fmt: skip


@dataclass(frozen=True)
class Run:
    """The messages were all sent and refused: the tests below only read."""

    system: System
    #: Message ids, by the table's ids.
    sent: dict[str, str]
    before: dict[str, int]
    after: dict[str, int]


def _sizes(whole: System) -> dict[str, int]:
    return {table: whole.count(f"SELECT COUNT(*) FROM {table}") for table in _TABLES}  # noqa: S608


def _send(shop: Marketplace, bad: Bad, message_id: str | None = None) -> str:
    arguments = bad.make(shop)
    if bad.reference != "":
        reference = f"bad-{bad.id}" if bad.reference is None else bad.reference
        arguments = {"reference": reference, **arguments}
    queue = "operations" if bad.task == RETRY else "moneta"
    return shop.send(bad.task, queue, args=bad.args, message_id=message_id, **arguments)


@pytest.fixture(scope="module")
def run(both_urls: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A used reference, then every bad message twice with one id, then a good one."""
    directory = tmp_path_factory.mktemp("bad-input")
    with valkey_server() as broker, system(directory, broker, both_urls) as whole:
        whole.start_sandbox(delay=0)
        whole.start("worker", "poller")
        shop = whole.marketplace
        shop.start(_USED, _UNIT, person(0))
        shop.wait_for([_USED])
        before = _sizes(whole)
        sent = {bad.id: _send(shop, bad) for bad in _BAD}
        for bad in _BAD:
            _send(shop, bad, sent[bad.id])
        shop.start("good-after-all", _UNIT + 2, person(2))
        shop.wait_for(["good-after-all"])
        after = {
            "operation": whole.count(
                "SELECT COUNT(*) FROM operation WHERE reference != 'good-after-all'"
            ),
            **{
                table: whole.count(
                    f"SELECT COUNT(*) FROM {table} JOIN operation ON operation_id = operation.id"  # noqa: S608
                    " WHERE reference != 'good-after-all'"
                )
                for table in _TABLES[1:]
            },
        }
        yield Run(whole, sent, before, after)


@pytest.mark.parametrize("bad", _BAD, ids=lambda bad: bad.id)
def test_bad_message_is_refused_once_and_names_its_fields(run: Run, bad: Bad) -> None:
    message_id = run.sent[bad.id]

    run.system.marketplace.wait_for_refusal(message_id)

    [refusal] = run.system.marketplace.refusals()[message_id]
    data = refusal.data
    assert set(data["fields"]) == bad.fields
    assert len(data["fields"]) == len(bad.fields)
    assert data["task"] == bad.task
    assert data["message_id"] == message_id
    for name in bad.fields - {"(positional)", "(unnamed)"}:
        assert name in data["reason"]


@pytest.mark.parametrize("bad", _BAD, ids=lambda bad: bad.id)
def test_refusal_quotes_no_value(run: Run, bad: Bad) -> None:
    [refusal] = run.system.marketplace.refusals()[run.sent[bad.id]]

    said = json.dumps(refusal.data, ensure_ascii=False)
    for payload in (person(0), person(1)):
        for block in payload.values():
            assert not [value for value in block.values() if value in said]
    for value in ("187-641-001 99", "7738219001", "31.01.1990", "+1 202", "Ivan", "gAAAA"):
        assert value not in said


def test_refusals_change_no_operation(run: Run) -> None:
    assert run.before == run.after


def test_refusals_reach_no_provider(run: Run) -> None:
    units = run.system.calls()["units"]

    assert set(units) == {str(_UNIT), str(_UNIT + 2)}
    assert all(calls["submits"] == 1 for calls in units.values())


def test_refusal_consumes_no_reference(run: Run) -> None:
    shop = run.system.marketplace

    shop.start("bad-unit-zero", _UNIT + 3)

    shop.wait_for(["bad-unit-zero"], [ACCEPTED])


def test_refusal_is_shown_under_its_reference(run: Run) -> None:
    shown = run.system.show("bad-snils-checksum")

    assert shown["state"] is None
    [refused] = shown["timeline"]
    assert refused["what"] == "refused"
    assert refused["fields"] == ["profile.snils"]


def test_malformed_messages_do_not_end_the_worker(run: Run) -> None:
    shop = run.system.marketplace
    before = _sizes(run.system)

    shop.redis.lpush("moneta", *MALFORMED.values())
    shop.start("good-after-malformed", _UNIT + 4)

    shop.wait_for(["good-after-malformed"])
    assert run.system.is_running("worker")
    one = {"operation": 1, "attempt": 1}
    after = _sizes(run.system)
    assert {table: after[table] - before[table] for table in one} == one
    # None of them lies in wait for the next worker.
    wait_until(lambda: shop.redis.hlen("unacked") < 5, 5, "malformed messages to be gone")
    assert shop.redis.llen("moneta") == 0


def test_message_of_another_language_is_taken(run: Run) -> None:
    shop = run.system.marketplace
    arguments = {
        "reference": "from-javascript",
        "unit_id": _UNIT + 5,
        "sealed": shop.seal(person(5)),
    }

    shop.redis.lpush("moneta", message(body(kwargs=arguments)))

    shop.wait_for(["from-javascript"])


def test_no_message_comes_again_for_ever(run: Run) -> None:
    # No telling them apart in a failure: they are the log's own lines.
    again = [line for line in run.system.log_of("worker").splitlines() if "comes_again" in line]
    assert again == []
    assert run.system.broker.client().llen("moneta") == 0


def test_provider_that_is_off_refuses_aloud(
    sqlite_url: str, own_broker: ValkeyServer, tmp_path: Path
) -> None:
    off = dict.fromkeys(
        (
            "UPRID_MONETA__URL", "UPRID_MONETA__USERNAME", "UPRID_MONETA__PASSWORD",
            "UPRID_MONETA__ANONYMOUS_GROUP_ID", "UPRID_MONETA__SIMPLIFIED_GROUP_ID",
            "UPRID_MONETA__FULL_GROUP_ID", "UPRID_MONETA__POLL", "UPRID_MONETA__SETTLE_OVER",
        ),
        "",
    )  # fmt: skip
    with system(tmp_path, own_broker, sqlite_url, off) as whole:
        whole.start("worker")
        shop = whole.marketplace

        message_id = shop.start("off", _UNIT, person(3))

        data = shop.wait_for_refusal(message_id, timeout=30).data
        assert "UPRID_MONETA__URL" in data["reason"]
        assert data["reference"] == "off"
        assert whole.count("SELECT COUNT(*) FROM operation WHERE reference = 'off'") == 0
        assert whole.is_running("worker")
