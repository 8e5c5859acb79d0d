"""JSON is read by the letter."""

import pytest

from uprid_sandbox.json_reading import JsonNode, read_json
from uprid_sandbox.strict import LONG_MAX, Member, Violation


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="unfinished"),
        pytest.param(b'{"a":1} x', id="trailing-text"),
        pytest.param(b'{"a":1,"a":1}', id="doubled-member"),
        pytest.param(b'{"b":{"a":1,"a":2}}', id="doubled-member-deep"),
        pytest.param(b'{"a":NaN}', id="nan"),
        pytest.param(b'{"a":-Infinity}', id="infinity"),
        pytest.param('{"a":"ж"}'.encode("cp1251"), id="not-utf-8"),
        pytest.param('{"a":1}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="byte-order-mark"),
        pytest.param(b"[" * 100_000, id="too-deep"),
        pytest.param(b"1" * 5_000, id="number-too-long"),
    ],
)
def test_document_is_refused_when_it_is_not_plain_json_in_utf_8(body: bytes) -> None:
    with pytest.raises(Violation):
        read_json(body)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(True, id="boolean"),
        pytest.param("1", id="string"),
        pytest.param(1.0, id="float"),
        pytest.param(None, id="null"),
        pytest.param(0, id="zero"),
        pytest.param(-1, id="negative"),
        pytest.param(LONG_MAX + 1, id="longer-than-64-bits"),
    ],
)
def test_identifier_is_refused_when_it_is_no_positive_long(value: object) -> None:
    with pytest.raises(Violation):
        JsonNode(value, "$").identifier()


def test_identifier_is_taken_up_to_64_bits() -> None:
    assert JsonNode(LONG_MAX, "$").identifier() == LONG_MAX


def test_violation_names_the_path_and_never_quotes_what_was_sent() -> None:
    node = read_json('{"a": {"Секрет": "тайна"}}'.encode()).members("a")["a"]
    with pytest.raises(Violation) as caught:
        node.members("known?")
    assert str(caught.value) == "$.a: holds an unknown member; known: known"


@pytest.mark.parametrize(
    ("particle", "name", "kinds"),
    [
        pytest.param("key", "key", {"required"}, id="required"),
        pytest.param("unitId?", "unitId", set(), id="optional"),
        pytest.param("attribute*", "attribute", {"repeated"}, id="repeated"),
        pytest.param("@version?", "version", {"attribute"}, id="attribute"),
    ],
)
def test_member_is_read_from_its_particle(particle: str, name: str, kinds: set[str]) -> None:
    member = Member.read(particle)
    assert member.name == name
    assert {
        kind for kind in ("required", "repeated", "attribute") if getattr(member, kind)
    } == kinds
