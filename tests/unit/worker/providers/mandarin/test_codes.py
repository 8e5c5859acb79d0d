"""What is taken for an SMS code."""

import pytest

from uprid_client.errors import Refused
from worker.providers.mandarin.codes import read_code


@pytest.mark.parametrize("code", ["1", "0042", "123456", "9" * 20])
def test_code_is_digits_of_any_usual_number(code: str) -> None:
    assert read_code({"sms_code": code}) == code


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        pytest.param({"sms_code": ""}, ("sms_code",), id="empty"),
        pytest.param({"sms_code": "9" * 21}, ("sms_code",), id="too long"),
        pytest.param({"sms_code": "12345a"}, ("sms_code",), id="a letter"),
        pytest.param({"sms_code": "12 345"}, ("sms_code",), id="a space between"),
        pytest.param({"sms_code": "١٢٣٤"}, ("sms_code",), id="another script's digits"),
        pytest.param({"sms_code": 123456}, ("sms_code",), id="a number"),
        pytest.param({"sms_code": None}, ("sms_code",), id="null"),
        pytest.param({}, ("sms_code",), id="missing"),
        pytest.param({"sms_code": "1", "phone": "2"}, ("phone",), id="more than the code"),
        pytest.param(["123456"], ("payload",), id="a list"),
        pytest.param(None, ("payload",), id="nothing"),
    ],
)
def test_code_is_refused_by_name_and_without_its_value(
    payload: object, fields: tuple[str, ...]
) -> None:
    with pytest.raises(Refused) as caught:
        read_code(payload)

    assert caught.value.fields == fields
    assert "12345" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
