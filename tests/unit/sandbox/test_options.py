"""Options as a command line writes them."""

import pytest

from uprid_sandbox.options import SandboxOptions, read_settings


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("mandarin_secret=a=b", {"mandarin_secret": "a=b"}, id="text"),
        pytest.param("full_group_id=7", {"full_group_id": 7}, id="whole-number"),
        pytest.param("delay=0.5", {"delay": 0.5}, id="number"),
        pytest.param("npd_printed_formula=true", {"npd_printed_formula": True}, id="choice"),
        pytest.param("notify_url=http://127.0.0.1:1/", {"notify_url": "http://127.0.0.1:1/"},
                     id="optional"),
        pytest.param("intellectmoney_bearer_token=", {"intellectmoney_bearer_token": None},
                     id="none"),
        pytest.param("npd_secret_key=", {"npd_secret_key": ""}, id="empty-text"),
    ],
)  # fmt: skip
def test_setting_is_read_as_its_option_has_it(written: str, expected: dict[str, object]) -> None:
    assert read_settings([written]) == expected


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("delay", "NAME=VALUE", id="no-value"),
        pytest.param("dealy=1", "mandarin_secret", id="unknown"),
        pytest.param("delay=geheim", "--set delay", id="no-number"),
        pytest.param("callbacks=geheim", "--set callbacks", id="no-choice"),
    ],
)
def test_setting_is_refused_without_its_value_when_it_cannot_be_read(
    written: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        read_settings([written])
    assert "geheim" not in str(refused.value)


def test_options_never_show_a_credential() -> None:
    names = [
        "password",
        "mandarin_secret",
        "npd_security_key",
        "npd_secret_key",
        "intellectmoney_password",
        "intellectmoney_bearer_token",
        "intellectmoney_sign_secret_key",
    ]
    shown = repr(SandboxOptions(**read_settings(f"{name}=geheim" for name in names)))
    assert "geheim" not in shown
