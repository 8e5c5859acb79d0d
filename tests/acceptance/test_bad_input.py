"""Bad input: one refusal that names the fields and never the values, and nothing else changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.messages.bad_input import (
    Arguments,
    Bad,
    Make,
    assert_refused,
    foreign,
    plain,
    said_of,
    sealing_bytes,
    send_twice,
    sizes,
    spoilt,
)
from tests.support.messages.malformed import MALFORMED, body, message
from tests.support.messages.marketplace import ACCEPTED, RETRY, START, Marketplace
from tests.support.messages.people import changed, person
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.servers.fresh import ValkeyServer, valkey_server

_UNIT: Final = 8_000_000
_USED: Final = "used-reference"
_TABLES: Final = ("operation", "attempt", "journal")


def _with(person_number: int = 1, **fields: object) -> Make:
    """A good message but for some fields of its payload."""
    return lambda shop: {
        "unit_id": _UNIT,
        "sealed": shop.seal(changed(person(person_number), **fields)),
    }


def _sealing(content: bytes) -> Make:
    return sealing_bytes(content, unit_id=_UNIT)


def _everything(shop: Marketplace) -> Arguments:
    faulty = changed(person(1), profile__snils="187-641-001 99", document__number="12345")
    return {"unit_id": "5", "surprise": 1, "sealed": shop.seal(faulty)}


def _bad(
    bad_id: str,
    make: Make,
    fields: set[str],
    *,
    task: str = START,
    args: tuple[object, ...] = (),
    reference: object = None,
) -> Bad:
    return Bad(bad_id, make, fields, task, args, reference)


_LONG: Final = "r" * 300

_BAD: Final = [
    _bad("reference-missing", plain(unit_id=_UNIT), {"reference"}, reference=""),
    _bad("reference-empty", plain(unit_id=_UNIT, reference=""), {"reference"}, reference=""),
    _bad("reference-of-300", plain(unit_id=_UNIT), {"reference"}, reference=_LONG),
    _bad("reference-number", plain(unit_id=_UNIT), {"reference"}, reference=17),
    _bad("reference-blank", plain(unit_id=_UNIT), {"reference"}, reference="  "),
    _bad("reference-with-nul", plain(unit_id=_UNIT), {"reference"}, reference="nul\x00"),
    _bad("reference-surrogate", plain(unit_id=_UNIT), {"reference"}, reference="half\ud83d"),
    _bad("unit-missing", plain(), {"unit_id"}),
    _bad("unit-null", plain(unit_id=None), {"unit_id"}),
    _bad("unit-zero", plain(unit_id=0), {"unit_id"}),
    _bad("unit-negative", plain(unit_id=-1), {"unit_id"}),
    _bad("unit-text", plain(unit_id="5"), {"unit_id"}),
    _bad("unit-fraction", plain(unit_id=1.5), {"unit_id"}),
    _bad("unit-whole-fraction", plain(unit_id=5.0), {"unit_id"}),
    _bad("unit-true", plain(unit_id=True), {"unit_id"}),
    _bad("unit-beyond-64-bits", plain(unit_id=2**63), {"unit_id"}),
    _bad("unit-list", plain(unit_id=[5]), {"unit_id"}),
    _bad("argument-unknown", plain(unit_id=_UNIT, surprise=1), {"surprise"}),
    _bad("argument-named-self", plain(unit_id=_UNIT, self=1), {"self"}),
    _bad("argument-unnamable", plain(unit_id=_UNIT, **{"Ivan Ivanov": 1}), {"(unnamed)"}),
    _bad("argument-payload-in-clear", plain(unit_id=_UNIT, payload={"a": 1}), {"payload"}),
    _bad("arguments-positional", plain(unit_id=_UNIT), {"(positional)"}, args=(5, 6)),
    _bad("token-number", plain(unit_id=_UNIT, sealed=5), {"sealed"}),
    _bad("token-object", plain(unit_id=_UNIT, sealed={"profile": {}}), {"sealed"}),
    _bad("token-empty", plain(unit_id=_UNIT, sealed=""), {"sealed"}),
    _bad("token-no-token", plain(unit_id=_UNIT, sealed="gAAAAAклад"), {"sealed"}),
    _bad("token-spoilt", spoilt(person(1), unit_id=_UNIT), {"sealed"}),
    _bad("token-of-unknown-key", foreign(person(1), unit_id=_UNIT), {"sealed"}),
    _bad("token-over-no-json", _sealing(b"{"), {"sealed"}),
    _bad("token-over-no-utf8", _sealing(b'{"profile": "\xff"}'), {"sealed"}),
    _bad("token-over-a-list", _sealing(b"[]"), {"sealed"}),
    _bad("token-over-null", _sealing(b"null"), {"sealed"}),
    _bad("token-over-deep-json", _sealing(b"[" * 100_000), {"sealed"}),
    _bad("payload-empty", _sealing(b"{}"), {"profile", "document"}),
    _bad("document-missing", lambda shop: {
        "unit_id": _UNIT, "sealed": shop.seal({"profile": person(1)["profile"]}),
    }, {"document"}),
    _bad("payload-unknown-member", lambda shop: {
        "unit_id": _UNIT, "sealed": shop.seal({**person(1), "comment": "x"}),
    }, {"comment"}),
    _bad("profile-unknown-field", _with(profile__nickname="x"), {"profile.nickname"}),
    _bad("profile-without-phone", _with(profile__cell_phone=None), {"profile.cell_phone"}),
    _bad("name-missing", _with(profile__last_name=None), {"profile.last_name"}),
    _bad("name-number", _with(profile__first_name=7), {"profile.first_name"}),
    _bad("name-with-digits", _with(profile__first_name="R2"), {"profile.first_name"}),
    _bad("name-empty", _with(profile__first_name=""), {"profile.first_name"}),
    _bad("name-with-nul", _with(profile__first_name="A\x00"), {"profile.first_name"}),
    _bad("snils-checksum", _with(profile__snils="187-641-001 99"), {"profile.snils"}),
    _bad("snils-short", _with(profile__snils="1876410010"), {"profile.snils"}),
    _bad("snils-zeros", _with(profile__snils="000-000-000 00"), {"profile.snils"}),
    _bad("snils-arabic-digits", _with(profile__snils="١٢٣٤٥٦٧٨٩٠١"), {"profile.snils"}),
    _bad("inn-check-digits", _with(profile__inn="773821900199"), {"profile.inn"}),
    _bad("inn-of-a-company", _with(profile__inn="7707083893"), {"profile.inn"}),
    _bad("passport-series", _with(document__series="12"), {"document.series"}),
    _bad("passport-number", _with(document__number="86100A"), {"document.number"}),
    _bad("passport-as-number", _with(document__number=861001), {"document.number"}),
    _bad("phone-foreign", _with(profile__cell_phone="+1 202 555 0100"), {"profile.cell_phone"}),
    _bad("phone-landline", _with(profile__cell_phone="+7 495 000-00-00"), {"profile.cell_phone"}),
    _bad("birth-russian", _with(profile__date_of_birth="31.01.1990"), {"profile.date_of_birth"}),
    _bad("birth-no-day", _with(profile__date_of_birth="1990-02-30"), {"profile.date_of_birth"}),
    _bad("birth-future", _with(profile__date_of_birth="2990-01-01"), {"profile.date_of_birth"}),
    _bad("issued-no-day", _with(document__issued="2010-13-01"), {"document.issued"}),
    _bad(
        "all-at-once",
        _everything,
        {"reference", "unit_id", "surprise", "profile.snils", "document.number", "(positional)"},
        args=(1,),
        reference=_LONG,
    ),
    _bad(
        "used-reference-other-unit",
        lambda shop: {"unit_id": _UNIT + 1, "sealed": shop.seal(person(0))},
        {"reference"},
        reference=_USED,
    ),
    _bad(
        "used-reference-other-person",
        lambda shop: {"unit_id": _UNIT, "sealed": shop.seal(person(1))},
        {"reference"},
        reference=_USED,
    ),
    _bad("used-reference-no-payload", plain(unit_id=_UNIT), {"reference"}, reference=_USED),
    _bad("retry-of-nothing", plain(attempt=1, by="me", note=""), {"reference"},
        task=RETRY),
    _bad("retry-without-attempt", plain(by="me", note=""), {"attempt"},
        task=RETRY, reference=_USED),
    _bad("retry-attempt-true", plain(attempt=True, by="me", note=""), {"attempt"},
        task=RETRY, reference=_USED),
    _bad("retry-by-nobody", plain(attempt=1, note=""), {"by"},
        task=RETRY, reference=_USED),
    _bad("retry-note-with-nul", plain(attempt=1, by="me", note="a\x00b"), {"note"},
        task=RETRY, reference=_USED),
    _bad("retry-note-surrogate", plain(attempt=1, by="me", note="a\ud83d"), {"note"},
        task=RETRY, reference=_USED),
    _bad("retry-by-surrogate", plain(attempt=1, by="\ud83d", note=""), {"by"},
        task=RETRY, reference=_USED),
    _bad("retry-unknown-argument", plain(attempt=1, by="me", note="", surprise=1), {"surprise"},
        task=RETRY, reference=_USED),
    _bad("retry-of-a-success", plain(attempt=1, by="me", note=""), {"reference"},
        task=RETRY, reference=_USED),
    _bad("retry-with-faulty-data", lambda shop: {
        "attempt": 1, "by": "me", "note": "",
        "sealed": shop.seal(changed(person(0), profile__inn="773821900099")),
    }, {"profile.inn"}, task=RETRY, reference=_USED),
    _bad("retry-with-all-at-once", lambda shop: {
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
        before = sizes(whole, _TABLES)
        sent = send_twice(shop, _BAD)
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
    assert_refused(run.system.marketplace, bad, run.sent[bad.id])


@pytest.mark.parametrize("bad", _BAD, ids=lambda bad: bad.id)
def test_refusal_quotes_no_value(run: Run, bad: Bad) -> None:
    [refusal] = run.system.marketplace.refusals()[run.sent[bad.id]]

    said = said_of(refusal)
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
    before = sizes(run.system, _TABLES)

    shop.redis.lpush("moneta", *MALFORMED.values())
    shop.start("good-after-malformed", _UNIT + 4)

    shop.wait_for(["good-after-malformed"])
    assert run.system.is_running("worker")
    one = {"operation": 1, "attempt": 1}
    after = sizes(run.system, _TABLES)
    assert {table: after[table] - before[table] for table in one} == one
    # None of them lies in wait for the next worker.
    wait_until(lambda: shop.redis.hlen("unacked") < 5, 5, "malformed messages to be gone")
    assert shop.redis.llen("moneta") == 0


def test_task_that_this_release_does_not_know_is_refused_aloud(run: Run) -> None:
    """A newer release's sender is up before its workers, or an older one is still about."""
    shop = run.system.marketplace

    unknown = shop.send("tasks.moneta.start_full_identification", reference="newer", unit_id=_UNIT)
    unnamable = shop.send("Иванов Иван", reference="newer", args=({"phone": "79161234567"},))
    # Tasks that Celery brings along: one of them would run any of ours.
    celerys = [shop.send(f"celery.{name}", reference="newer") for name in ("map", "chord")]

    data = shop.wait_for_refusal(unknown).data
    assert data["task"] == "tasks.moneta.start_full_identification"
    assert (data["reference"], data["fields"]) == ("newer", [])
    assert "no task of this release" in data["reason"]["message"]
    assert shop.wait_for_refusal(unnamable).data["task"] == "(unnamed)"
    for sent in celerys:
        assert shop.wait_for_refusal(sent).data["reason"]["code"] == "unknown_task"
    assert run.system.show("newer")["state"] is None
    assert run.system.is_running("worker")


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
        assert "UPRID_MONETA__URL" in data["reason"]["message"]
        assert data["reference"] == "off"
        assert whole.count("SELECT COUNT(*) FROM operation WHERE reference = 'off'") == 0
        assert whole.is_running("worker")
