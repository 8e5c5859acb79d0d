"""The reader of MONETA's JSON: a content or `ReplyUnreadable`, for any reply."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.providers.moneta import envelope, fault, profile, result, ticket
from worker.domain.errors import ReplyUnreadable
from worker.providers.moneta import replies
from worker.providers.moneta.replies import read_json
from worker.providers.moneta.types import Fault, Profile, Result, Ticket, Unlike

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
NAMES = st.sampled_from(
    [
        "Envelope",
        "Body",
        "fault",
        "Fault",
        "detail",
        "faultDetail",
        "AsyncResponse",
        "SimplifiedIdentificationResponse",
        "GetProfileInfoResponse",
        "success",
        "asyncId",
        "attribute",
        "key",
    ]
)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
)


@given(st.binary(max_size=200))
def test_reader_reads_or_refuses_any_bytes(answer: bytes) -> None:
    try:
        read = read_json(answer)
    except ReplyUnreadable:
        return

    assert isinstance(read, Unlike)


@given(DOCUMENTS, DOCUMENTS)
def test_reader_reads_or_refuses_any_document(body: object, task: object) -> None:
    for document in (body, envelope(AsyncResponse=task), envelope(fault={"detail": body})):
        try:
            read = read_json(json.dumps(document).encode())
        except ReplyUnreadable:
            continue
        assert isinstance(read, Fault | Ticket | Result | Profile | Unlike)


@given(st.text(max_size=30))
def test_reader_lets_no_free_text_through_as_a_code(text: str) -> None:
    try:
        read = read_json(json.dumps(fault(text)).encode())
    except ReplyUnreadable:
        return

    assert isinstance(read, Fault)
    assert read.code == "(malformed)" or set(read.code) <= set("0123456789.")


@pytest.mark.parametrize(
    "document",
    [ticket(), result(), profile(1), fault("100")],
    ids=["ticket", "result", "profile", "fault"],
)
def test_reader_shows_nothing_of_the_answer_in_a_repr(document: object) -> None:
    read = read_json(json.dumps(document).encode())

    assert "Проверк" not in repr(read)
    assert "Envelope" not in repr(read)


def test_reader_ignores_members_that_it_does_not_know() -> None:
    document = ticket(newMember={"deep": [1]})
    document["Envelope"]["Trace"] = "x"

    assert isinstance(read_json(json.dumps(document).encode()), Ticket)


def test_reader_makes_nothing_of_a_name_that_stands_twice() -> None:
    answer = (
        b'{"Envelope":{"Body":{"AsyncResponse":{"SimplifiedIdentificationResponse":'
        b'{"success":false,"success":true}}}}}'
    )

    assert read_json(answer) == Unlike("a name is given twice", answer)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"{", id="cut"),
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(b'{"Envelope":{"Body":{"a":NaN}}}', id="NaN"),
        pytest.param(b"\xff\xfe{}", id="no UTF-8"),
    ],
)
def test_reader_refuses_what_is_no_json(answer: bytes) -> None:
    with pytest.raises(ReplyUnreadable):
        read_json(answer)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([], id="a list"),
        pytest.param(ticket(asyncId="37027"), id="asyncId a string"),
        pytest.param(ticket(asyncId=True), id="asyncId a boolean"),
        pytest.param(result(success="true"), id="success a string"),
        pytest.param(result(success=1), id="success a number"),
    ],
)
def test_reader_makes_nothing_of_values_of_another_type(document: object) -> None:
    answer = json.dumps(document).encode()

    assert read_json(answer) == Unlike("wrong types", answer)


@pytest.mark.parametrize("item", [1, "x", {}, [], None], ids=repr)
def test_read_json_gives_up_at_the_first_spoilt_attribute(item: object) -> None:
    # Each fault that is collected costs 300 bytes, and an item of 2 bytes can have one.
    said = {"Envelope": {"Body": {"GetProfileInfoResponse": {"attribute": [item] * 1000}}}}

    with pytest.raises(ValidationError) as caught:
        replies._Reply.model_validate(said)

    assert caught.value.error_count() == 1
