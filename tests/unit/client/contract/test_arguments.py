"""Arguments of task messages: everything that is wrong at once, in words, and never a value."""

from typing import Any

import pytest
from pydantic import ValidationError

from uprid_client.contract.arguments import Arguments, Start, errors_in
from uprid_client.contract.mandarin import SubmitSmsCode
from uprid_client.contract.moneta import ReceiveCallback, StartIdentification
from uprid_client.contract.operations import Cancel, Resolve, Resume, Retry

GOOD = {"reference": "order-1", "attempt": 1, "by": "olga", "note": "why"}
_ATTEMPT = "attempt: must be the number of the attempt that is acted on"
_BY = "by: must say who, in 1 to 100 printable characters"
_NOTE = "note: must be a text of at most 500 printable characters"
_REFERENCE = "reference: must be 1 to 255 printable characters, without spaces around"
_VERDICT = "verdict: must be one of cancelled, expired, failed, rejected, succeeded"


def errors(model: type[Arguments], given: dict[str, Any]) -> list[str]:
    """Return what a refusal says."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    return [str(error) for error in errors_in(caught.value, model)]


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        pytest.param(Cancel, {}, ["reference: is missing", _ATTEMPT, _BY, "note: is missing"]),
        pytest.param(Cancel, {**GOOD, "reference": ""}, [_REFERENCE]),
        pytest.param(Cancel, {**GOOD, "reference": " a"}, [_REFERENCE]),
        pytest.param(Cancel, {**GOOD, "reference": "a" * 256}, [_REFERENCE]),
        pytest.param(Cancel, {**GOOD, "reference": 5}, [_REFERENCE]),
        pytest.param(Cancel, {**GOOD, "reference": "\ud800"}, [_REFERENCE]),
        pytest.param(Cancel, {**GOOD, "attempt": 0}, [_ATTEMPT]),
        pytest.param(Cancel, {**GOOD, "attempt": True}, [_ATTEMPT]),
        pytest.param(Cancel, {**GOOD, "attempt": 1.0}, [_ATTEMPT]),
        pytest.param(Cancel, {**GOOD, "attempt": "1"}, [_ATTEMPT]),
        pytest.param(Cancel, {**GOOD, "attempt": 2**31}, [_ATTEMPT]),
        pytest.param(Cancel, {**GOOD, "by": " "}, [_BY]),
        pytest.param(Cancel, {**GOOD, "note": "a" * 501}, [_NOTE]),
        pytest.param(Cancel, {**GOOD, "note": 5}, [_NOTE]),
        pytest.param(
            Cancel, {**GOOD, "sealed": "x"}, ["sealed: is no argument of this task"], id="extra"
        ),
        pytest.param(
            Cancel,
            {**GOOD, "+79001234567": 1},
            ["(unnamed): is no argument of this task"],
            id="a-phone-for-a-name",
        ),
        pytest.param(
            Cancel,
            {**GOOD, "attempt": 0, "\ud800": 1},
            [_ATTEMPT, "(unnamed): is no argument of this task"],
            id="half-a-character-in-a-name",
        ),
        pytest.param(Resolve, GOOD, [_VERDICT]),
        pytest.param(Resolve, {**GOOD, "verdict": "polling"}, [_VERDICT]),
        pytest.param(Resolve, {**GOOD, "verdict": 1}, [_VERDICT]),
        pytest.param(
            Resume,
            {**GOOD, "provider_ref": "a b"},
            ["provider_ref: must be the provider's id as text"],
        ),
        pytest.param(
            Resume,
            {**GOOD, "provider_ref": 5},
            ["provider_ref: must be the provider's id as text"],
        ),
        pytest.param(Retry, {**GOOD, "sealed": 5}, ["sealed: must be a Fernet token"]),
        pytest.param(SubmitSmsCode, {"reference": "a"}, ["sealed: is missing"]),
        pytest.param(ReceiveCallback, {}, ["async_id: must be a positive integer"]),
        pytest.param(
            ReceiveCallback, {"async_id": 2**63}, ["async_id: must be a positive integer"]
        ),
        pytest.param(
            Start, {"sealed": ["x"]}, ["reference: is missing", "sealed: must be a Fernet token"]
        ),
    ],
)
def test_everything_that_is_wrong_is_said(
    model: type[Arguments], given: dict[str, Any], said: list[str]
) -> None:
    assert errors(model, given) == said


def test_what_is_right_is_written_as_it_is_stored() -> None:
    read = Resume.model_validate({**GOOD, "by": "olga@shop.example", "note": " two\n words "})

    assert (read.by, read.note, read.provider_ref) == ("olga", "two words", None)


def test_words_are_read_however_they_were_typed() -> None:
    assert Resolve.model_validate({**GOOD, "verdict": "\u00a0succeeded"}).verdict == "succeeded"
    assert Resume.model_validate({**GOOD, "provider_ref": " 17\u200b"}).provider_ref == "17"
    assert Resume.model_validate({**GOOD, "provider_ref": "  "}).provider_ref is None


def test_whole_start_message_is_one_model() -> None:
    read = StartIdentification.model_validate({"reference": "an order", "unit_id": 7})

    assert (read.reference, read.unit_id, read.sealed) == ("an order", 7, None)
