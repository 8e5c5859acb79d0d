"""MONETA's settings that only this provider has."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from config.providers import MonetaSettings
from tests.support.providers.moneta import settings

URL = "http://127.0.0.1:9/services"


def test_transport_is_json_where_nothing_is_said() -> None:
    assert settings(URL).transport == "json"
    assert set(get_args(MonetaSettings.model_fields["transport"].annotation)) == {"json", "soap"}


@pytest.mark.parametrize("transport", ["SOAP", "xml", ""])
def test_transport_is_one_of_the_two(transport: str) -> None:
    with pytest.raises(ValidationError, match="transport"):
        settings(URL, transport=transport)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("username", "us\x01er", id="username"),
        pytest.param("password", "hush\nhush", id="password"),
        pytest.param("password", "hush\udcff", id="password of no text"),
        pytest.param("callback_url", "https://shop.example/\x01", id="callback"),
    ],
)
def test_settings_refuse_what_no_message_could_carry(name: str, value: str) -> None:
    changes: dict[str, Any] = {name: value}

    with pytest.raises(ValidationError, match="control characters") as caught:
        settings(URL, **changes)

    assert "hush" not in str(caught.value)


def test_settings_take_every_printable_password() -> None:
    assert settings(URL, password="п'а\"р<о>л&ь ]]> 🔑").password.get_secret_value().startswith("п")
