"""The scan that the privacy tests rely on: it must be able to find."""

import base64
import json
from urllib.parse import quote

import pytest

from tests.support.leaks import scan
from tests.support.leaks.eavesdrop import Eavesdropper
from tests.support.messages.people import person
from tests.support.processes.child import wait_until
from tests.support.servers.fresh import ValkeyServer

_PERSON = person(123)
_SCANNER = scan.Scanner(scan.of_person("p", _PERSON))
_JSON = json.dumps(_PERSON, ensure_ascii=False)
_ESCAPED = json.dumps(_PERSON)
_ALL = {f"p.{name}" for block in _PERSON.values() for name in block}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_WRITINGS = {
    "json": _JSON,
    "json-escaped": _ESCAPED,
    "json-in-json": json.dumps(_ESCAPED),
    "json-in-json-in-json": json.dumps(json.dumps(_ESCAPED)),
    "repr": repr(_PERSON),
    "repr-of-bytes": repr(_JSON.encode()),
    "ascii": ascii(_PERSON),
    "upper-case": _JSON.upper(),
    "base64": _base64(_ESCAPED),
    "base64-in-a-message": json.dumps({"body": _base64(_ESCAPED), "headers": {}}),
    "base64-in-base64": _base64(json.dumps({"body": _base64(_JSON)})),
    "base64-for-urls": base64.urlsafe_b64encode(_JSON.encode()).decode().rstrip("="),
    "form": quote(_JSON),
    "html": _JSON.replace('"', "&quot;"),
}


@pytest.mark.parametrize("content", _WRITINGS.values(), ids=_WRITINGS)
def test_scan_finds_every_field_in_every_writing(content: str) -> None:
    assert _SCANNER.found(f"before {content} after") == _ALL
    assert _SCANNER.found(f"before {content} after".encode()) == _ALL


@pytest.mark.parametrize(
    "content",
    ["8 (947) 123-68-13", "+79471236813", "tel:9471236813"],
)
def test_scan_finds_a_phone_however_it_is_grouped(content: str) -> None:
    assert _SCANNER.found(content) == {"p.cell_phone"}


@pytest.mark.parametrize("content", ["18764112347", "187-641-123 47", "187 641 123 47"])
def test_scan_finds_a_snils_however_it_is_grouped(content: str) -> None:
    scanner = scan.Scanner({"snils": scan.number("187-641-123 47")})

    assert scanner.found(content) == {"snils"}


def test_scan_finds_nothing_where_there_is_nothing() -> None:
    other = json.dumps(person(124), ensure_ascii=False)

    assert _SCANNER.found(other) == set()


def test_eavesdropper_hears_what_lay_in_every_kind_of_key(valkey: ValkeyServer) -> None:
    with valkey.client() as client, Eavesdropper(valkey.url) as ear:
        client.set("string", "in a string")
        client.rpush("list", "in a list")
        client.sadd("set", "in a set")
        client.zadd("zset", {"in a zset": 1})
        client.hset("hash", "in a field", "in a hash")
        client.xadd("stream", {"field": "in a stream"})
        wait_until(lambda: b"in a stream" in ear.keyspace, 5, "the stream")
        client.flushall()
        client.set("short", "for a moment")
        client.delete("short")
        wait_until(lambda: b"for a moment" in ear.passed, 5, "the command")

    for value in (b"string", b"list", b"set", b"zset", b"field", b"hash", b"stream"):
        assert b"in a " + value in ear.keyspace
