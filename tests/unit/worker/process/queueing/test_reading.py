"""What of a queue's entry goes on to Celery, and what is said of the rest."""

import base64
import bz2
import gzip
import hashlib
import json
import lzma
import pickle
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from kombu.utils.json import loads

from tests.support.messages.malformed import body, message
from uprid_client.names import LARGEST_MESSAGE
from worker.process.queueing.bodies import LARGEST_BODY
from worker.process.queueing.reading import UNREADABLE, read, standing_in
from worker.process.queueing.unreadable import Cause, Unreadable

LONGEST = timedelta(minutes=10)
PASSPORT = "4509 861001"


def sound(raw: str | bytes, queue: str = "moneta") -> dict[str, Any]:
    found = read(raw.encode() if isinstance(raw, str) else raw, queue, LONGEST)
    assert not isinstance(found, Unreadable), found
    return found


def unreadable(raw: str | bytes, queue: str = "moneta") -> Unreadable:
    found = read(raw.encode() if isinstance(raw, str) else raw, queue, LONGEST)
    assert isinstance(found, Unreadable), found
    return found


def content(entry: dict[str, Any]) -> Any:  # noqa: ANN401 - what JSON holds
    return loads(base64.b64decode(entry["body"]))


def packed(content: bytes, compression: object) -> str:
    whole = json.loads(message("", headers={"compression": compression}))
    whole["body"] = base64.b64encode(content).decode()
    return json.dumps(whole)


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


NO_MESSAGES = {
    "bare-word": (b"x", Cause.NOT_JSON),
    "empty": (b"", Cause.NOT_JSON),
    "null": (b"null", Cause.NO_OBJECT),
    "list": (b"[]", Cause.NO_OBJECT),
    "number": (b"1", Cause.NO_OBJECT),
    "text": (b'"text"', Cause.NO_OBJECT),
    "not-utf8": (b'{"a": "\xff"}', Cause.NOT_UTF8),
    "utf16": ('{"a": 1}'.encode("utf-16"), Cause.NOT_UTF8),
    "byte-order-mark": (b'\xef\xbb\xbf{"a": 1}', Cause.NOT_JSON),
    "nan": (b'{"properties": NaN}', Cause.NOT_JSON),
    "infinite": (b'{"properties": -Infinity}', Cause.NOT_JSON),
    "endless-number": (b'{"properties": ' + b"9" * 5000 + b"}", Cause.NOT_JSON),
    "deep": (b"[" * 100_000, Cause.NOT_JSON),
    "deep-object": (b'{"a":' * 100_000, Cause.NOT_JSON),
    "object-empty": (b"{}", Cause.PROPERTIES),
    "properties-null": (b'{"properties": null}', Cause.PROPERTIES),
    "properties-list": (b'{"properties": []}', Cause.PROPERTIES),
    "headers-missing": (b'{"properties": {}}', Cause.HEADERS),
    "headers-list": (b'{"properties": {}, "headers": [1]}', Cause.HEADERS),
    "body-missing": (b'{"properties": {}, "headers": {}}', Cause.BODY_ENCODING),
}
NO_TASKS = {
    "body-null": (message("", body=None), Cause.BODY_ENCODING),
    "body-object": (message("").replace('"body": ""', '"body": {"a": 1}'), Cause.BODY_ENCODING),
    "body-no-base64": (message("").replace('"body": ""', '"body": "a"'), Cause.BODY_ENCODING),
    "body-half-surrogate": (
        message("", properties={"body_encoding": None}).replace(
            '"body": ""', '"body": "\\ud83d"'
        ),
        Cause.BODY_ENCODING,
    ),
    "encoding-unknown": (message(body(), properties={"body_encoding": "rot13"}),
                         Cause.BODY_ENCODING),
    "encoding-number": (message(body(), properties={"body_encoding": 64}), Cause.BODY_ENCODING),
    "type-missing": (message(body(), content_type=None), Cause.CONTENT_TYPE),
    "type-pickle": (message(body(), content_type="application/x-python-serialize"),
                    Cause.CONTENT_TYPE),
    "type-yaml": (message(body(), content_type="application/x-yaml"), Cause.CONTENT_TYPE),
    "type-msgpack": (message(body(), content_type="application/x-msgpack"), Cause.CONTENT_TYPE),
    "type-data": (message(body(), content_type="application/data"), Cause.CONTENT_TYPE),
    "type-list": (message(body(), content_type=["application/json"]), Cause.CONTENT_TYPE),
    "charset-unknown": (message(body(), content_encoding="klingon"), Cause.CONTENT_ENCODING),
    "charset-other": (message(body(), content_encoding="windows-1251"), Cause.CONTENT_ENCODING),
    "charset-number": (message(body(), content_encoding=8), Cause.CONTENT_ENCODING),
    "charset-list": (message(body(), content_encoding=["utf-8"]), Cause.CONTENT_ENCODING),
    "compression-unknown": (packed(b"x", "brotli"), Cause.COMPRESSION),
    "compression-list": (packed(b"x", ["zlib"]), Cause.COMPRESSION),
    "compression-spoilt": (packed(b"x", "zlib"), Cause.COMPRESSION),
    "compression-cut": (packed(zlib.compress(body().encode())[:-5], "gzip"), Cause.COMPRESSION),
    "bomb-gzip": (packed(gzip.compress(bytes(5_000_000)), "gzip"), Cause.TOO_LARGE),
    "bomb-zlib": (packed(zlib.compress(bytes(5_000_000)), "zlib"), Cause.TOO_LARGE),
    "bomb-bzip2": (packed(bz2.compress(bytes(5_000_000)), "bzip2"), Cause.TOO_LARGE),
    "bomb-lzma": (packed(lzma.compress(bytes(5_000_000)), "xz"), Cause.TOO_LARGE),
    "content-no-json": (message("{"), Cause.BODY_NOT_JSON),
    "content-deep": (message("[" * 100_000), Cause.BODY_NOT_JSON),
    "content-rather-deep": (message("[" * 300 + "]" * 300), Cause.BODY_NOT_JSON),
    "content-endless-number": (message(f"[[], {{}}, {'9' * 5000}]"), Cause.BODY_NOT_JSON),
    "content-of-an-unknown-type": (
        message('[[], {"a": {"__type__": "x", "__value__": 1}}, {}]'), Cause.BODY_NOT_JSON,
    ),
    "content-of-no-decimal": (
        message('[[], {"a": {"__type__": "decimal", "__value__": "x"}}, {}]'),
        Cause.BODY_NOT_JSON,
    ),
    "content-number": (message("5"), Cause.BODY_SHAPE),
    "content-of-two": (message("[[], {}]"), Cause.BODY_SHAPE),
    "content-of-four": (message("[[], {}, {}, {}]"), Cause.BODY_SHAPE),
    "content-no-task": (message('{"a": 1}'), Cause.BODY_SHAPE),
    "arguments-text": (message('["x", {}, {}]'), Cause.BODY_SHAPE),
    "keywords-list": (message("[[], [], {}]"), Cause.BODY_SHAPE),
    "chained-text": (message('[[], {}, "x"]'), Cause.BODY_SHAPE),
    "id-missing": (message(body(), headers={"id": None}), Cause.ID),
    "id-number": (message(body(), headers={"id": 5}), Cause.ID),
    "id-empty": (message(body(), headers={"id": ""}), Cause.ID),
    "task-missing": (message(body(), task=None), Cause.TASK),
    "task-list": (message(body(), task=[1]), Cause.TASK),
    "eta-garbage": (message(body(), headers={"eta": "soon"}), Cause.ETA),
    "eta-number": (message(body(), headers={"eta": 5}), Cause.ETA),
    "eta-far": (message(body(), headers={"eta": in_seconds(3600)}), Cause.ETA),
    "eta-at-the-end-of-time": (
        message(body(), headers={"eta": "9999-12-31T23:59:59-12:00"}), Cause.ETA,
    ),
    "expires-garbage": (message(body(), headers={"expires": "soon"}), Cause.EXPIRES),
    "expires-number": (message(body(), headers={"expires": 60}), Cause.EXPIRES),
    "callbacks": (message(body(embed={"callbacks": [{"task": "x"}]})), Cause.CHAINED),
    "errbacks": (message(body(embed={"errbacks": [{"task": "x"}]})), Cause.CHAINED),
    "chain": (message(body(embed={"chain": [{"task": "x"}]})), Cause.CHAINED),
    "chord": (message(body(embed={"chord": {"task": "x"}})), Cause.CHAINED),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "cause"), NO_MESSAGES.values(), ids=NO_MESSAGES)
def test_entry_that_is_no_message_is_described_and_never_kept(raw: bytes, cause: Cause) -> None:
    found = unreadable(raw)

    assert (found.cause, found.queue, found.size) == (cause, "moneta", len(raw))
    assert found.sha256 == hashlib.sha256(raw).hexdigest()
    assert found.name == f"sha256:{found.sha256}"


@pytest.mark.parametrize(("raw", "cause"), NO_TASKS.values(), ids=NO_TASKS)
def test_message_that_cannot_be_read_says_why(raw: str, cause: Cause) -> None:
    found = unreadable(raw)

    assert found.cause is cause
    if cause is not Cause.ID:
        assert found.message_id == json.loads(raw)["headers"]["id"]


def test_what_is_kept_of_an_entry_has_nothing_of_its_content() -> None:
    for raw in (
        PASSPORT,
        message(PASSPORT),
        message(body(kwargs={PASSPORT: PASSPORT}), headers={"eta": PASSPORT, "shadow": PASSPORT}),
        message(body(), task=PASSPORT, content_type=PASSPORT),
        message(body(), properties={"body_encoding": PASSPORT}),
    ):
        assert PASSPORT not in json.dumps(unreadable(raw).as_json())


def test_entry_of_one_byte_too_many_is_not_parsed() -> None:
    whole = message(body())
    fits = whole + " " * (LARGEST_MESSAGE - len(whole))

    assert sound(fits)
    assert unreadable(fits + " ").cause is Cause.TOO_LARGE


def test_entry_that_is_too_large_is_known_by_its_id_where_that_stands_at_its_end() -> None:
    message_id = str(uuid4())
    headers = {"id": message_id, "root_id": message_id}

    found = unreadable(message("x" * 2_000_000, headers=headers))

    assert (found.message_id, found.task) == (message_id, "tasks.moneta.start_identification")


@pytest.mark.parametrize(
    "end",
    ['"id": "4509 861001"', f'"id": "{uuid4()}", "id": "{uuid4()}"', ""],
    ids=["no-uuid", "two", "none"],
)
def test_entry_that_is_too_large_has_its_hash_for_a_name_otherwise(end: str) -> None:
    found = unreadable("x" * LARGEST_MESSAGE + end)

    assert found.name == f"sha256:{found.sha256}"
    assert found.task == "(unnamed)"


def test_message_without_properties_is_known_by_its_id() -> None:
    raw = json.loads(message(body()))

    found = unreadable(json.dumps({**raw, "properties": None}))

    assert found.cause is Cause.PROPERTIES
    assert (found.name, found.task) == (raw["headers"]["id"], raw["headers"]["task"])


def test_reference_is_told_where_it_can_be_read() -> None:
    raw = message(body(kwargs={"reference": "order-1"}, embed={"chain": [{}]}))

    assert unreadable(raw).reference == "order-1"


def test_message_comes_back_to_the_queue_that_it_lay_in() -> None:
    entry = sound(message(body()), "operations")

    assert entry["properties"]["delivery_info"] == {"exchange": "", "routing_key": "operations"}


def test_same_entry_twice_is_held_as_two_messages() -> None:
    raw = message(body())

    tags = {sound(raw)["properties"]["delivery_tag"] for _ in range(2)}

    assert len(tags) == 2


@pytest.mark.parametrize("tag", [None, 5, [1], {"a": 1}, ""], ids=str)
def test_delivery_tag_of_the_senders_does_not_matter(tag: object) -> None:
    assert sound(message(body(), properties={"delivery_tag": tag}))


@pytest.mark.parametrize(
    ("given", "priority"),
    [(3, 3), (0, 0), ("3", 0), (None, 0), (-1, 0), (10, 0), (1.5, 0), (True, 0), ([1], 0)],
)
def test_priority_is_one_of_ten(given: object, priority: int) -> None:
    entry = sound(message(body(), properties={"priority": given}))

    assert entry["properties"]["priority"] == priority


def test_headers_that_would_be_shown_do_not_go_on() -> None:
    shown = dict.fromkeys(
        ("shadow", "origin", "lang", "argsrepr", "kwargsrepr", "meth", "group", "stamps"), PASSPORT
    )
    more = {
        "stamped_headers": [PASSPORT], "timelimit": [PASSPORT, 1], "retries": PASSPORT,
        "root_id": [PASSPORT], "parent_id": {PASSPORT: 1}, "reply_to": PASSPORT,
    }  # fmt: skip

    entry = sound(message(body(), headers={**shown, **more}, properties={"reply_to": PASSPORT}))

    assert PASSPORT not in json.dumps(entry)
    assert (entry["headers"]["retries"], entry["headers"]["timelimit"]) == (0, [None, None])


def test_what_is_embedded_in_a_body_does_not_go_on() -> None:
    entry = sound(message(body(kwargs={"a": 1}, embed={"is_eager": True, "callbacks": []})))

    assert content(entry) == [[], {"a": 1}, {}]


def test_wait_and_expiry_within_reason_go_on() -> None:
    eta, expires = in_seconds(60), in_seconds(-60)

    headers = sound(message(body(), headers={"eta": eta, "expires": expires}))["headers"]

    assert (headers["eta"], headers["expires"]) == (eta, expires)


@pytest.mark.parametrize("eta", ["0001-01-01T00:00:00", "2020-01-01", None])
def test_message_whose_time_has_come_does_not_wait(eta: str | None) -> None:
    assert sound(message(body(), headers={"eta": eta}))["headers"]["eta"] is None


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("gzip", zlib.compress),
        ("gzip", gzip.compress),
        ("application/x-gzip", gzip.compress),
        ("application/x-gzip", zlib.compress),
        ("zlib", zlib.compress),
        ("bzip2", bz2.compress),
        ("application/x-bz2", bz2.compress),
        ("application/x-lzma", lzma.compress),
    ],
)
def test_compressed_message_is_opened(name: str, pack: Callable[[bytes], bytes]) -> None:
    entry = sound(packed(pack(body(kwargs={"a": 1}).encode()), name))

    assert content(entry) == [[], {"a": 1}, {}]
    assert "compression" not in entry["headers"]


def test_compressed_message_that_just_fits_can_be_sent_once_more() -> None:
    filled = body(kwargs={"a": "x" * (LARGEST_BODY - 20)}).encode()
    assert len(filled) <= LARGEST_BODY

    assert len(json.dumps(sound(packed(zlib.compress(filled), "zlib")))) < LARGEST_MESSAGE


def test_message_in_plain_text_is_read() -> None:
    raw = message("", properties={"body_encoding": None}).replace(
        '"body": ""', '"body": "[[], {}, {}]"'
    )

    assert content(sound(raw)) == [[], {}, {}]


def test_message_of_the_first_protocol_becomes_one_of_the_second() -> None:
    old = {"task": "tasks.moneta.start_identification", "id": "i", "args": [],
           "kwargs": {"unit_id": 1}, "retries": 2, "eta": None, "expires": None, "utc": True,
           "callbacks": None, "errbacks": None, "timelimit": [None, None], "taskset": None,
           "chord": None}  # fmt: skip
    raw = message(json.dumps(old), task=None, headers={"id": None, "lang": None})

    entry = sound(raw)

    assert content(entry) == [[], {"unit_id": 1}, {}]
    headers = entry["headers"]
    assert (headers["task"], headers["id"], headers["retries"]) == (old["task"], "i", 2)
    chained = message(json.dumps({**old, "callbacks": [{"task": "x"}]}), task=None)
    assert unreadable(chained).cause is Cause.CHAINED


def test_pickled_message_is_not_unpickled() -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return pytest.fail, ("it was unpickled",)

    whole = json.loads(message("", content_type="application/x-python-serialize"))
    whole["body"] = base64.b64encode(pickle.dumps(Trap())).decode()

    assert unreadable(json.dumps(whole)).cause is Cause.CONTENT_TYPE


def test_stand_in_is_read_as_itself_however_often_it_comes() -> None:
    first = unreadable("x")

    again = sound(json.dumps(sound(json.dumps(standing_in(first, "npd")))))

    assert Unreadable.from_json(again["properties"][UNREADABLE]) == first
    assert (again["body"], again["headers"]) == ("", {})
    assert again["properties"]["delivery_info"]["routing_key"] == "moneta"


@pytest.mark.parametrize(
    "change",
    [
        {"cause": "x"}, {"size": "1"}, {"sha256": PASSPORT}, {"queue": 1}, {"message_id": 1},
        {"task": "x" * 300}, {"more": 1}, {"cause": []}, {"at": None},
    ],
    ids=str,
)  # fmt: skip
def test_stand_in_that_somebody_made_up_is_none(change: dict[str, Any]) -> None:
    made_up = standing_in(unreadable("x"), "moneta")
    made_up["properties"][UNREADABLE] |= change

    assert unreadable(json.dumps(made_up)).sha256 != hashlib.sha256(b"x").hexdigest()


def test_property_of_a_sound_message_makes_it_no_stand_in() -> None:
    entry = sound(message(body(), properties={UNREADABLE: {"cause": "x"}, "more": 1}))

    assert UNREADABLE not in entry["properties"]
    assert entry["headers"]["task"]
