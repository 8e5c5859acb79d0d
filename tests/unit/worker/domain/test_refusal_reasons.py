"""The reason of a refused message, in both shapes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.contract.refusal_reasons import as_read, reason_of
from worker.domain.refusal_reasons import as_row, from_row


def test_reason_has_the_members_of_an_operation_s() -> None:
    assert reason_of(RefusalCode.PROVIDER_OFF, "set the URL") == {
        "code": "provider_off",
        "provider_code": None,
        "retryable": True,
        "message": "set the URL",
    }


@pytest.mark.parametrize(
    "code", [code for code in RefusalCode if code is not RefusalCode.PROVIDER_OFF]
)
def test_message_that_is_at_fault_itself_is_not_retryable(code: RefusalCode) -> None:
    assert reason_of(code, "no")["retryable"] is False


@given(st.sampled_from(RefusalCode), st.text(max_size=2_000))
def test_row_holds_the_reason_and_no_more_than_it_may(code: RefusalCode, message: str) -> None:
    text = as_row(reason_of(code, message), 500)

    assert len(text) <= 500
    found = from_row(text)
    assert found == {**reason_of(code, message), "message": found["message"]}
    assert message.startswith(found["message"])
    assert found["message"] == message or len(text) > 480


@pytest.mark.parametrize("text", ["unit_id: is missing", "", "[]", "{}", '{"code": 5}', "null"])
def test_row_of_0_1_0_holds_the_message_alone(text: str) -> None:
    assert from_row(text) == reason_of(RefusalCode.INVALID_MESSAGE, text)


def test_row_of_a_newer_release_is_read_by_its_code() -> None:
    found = from_row(json.dumps({"code": "unsigned", "more": 1}))

    assert (found["code"], found["retryable"], found["message"]) == ("unsigned", False, None)


def test_text_of_0_1_0_is_read_as_an_object() -> None:
    assert as_read("no") == reason_of(RefusalCode.INVALID_MESSAGE, "no")
    assert as_read(None) is None
    assert as_read({"code": "x"}) == {"code": "x"}
