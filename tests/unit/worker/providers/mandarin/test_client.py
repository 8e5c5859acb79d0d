"""How a request proves who asks."""

import pytest
from pydantic import SecretStr

from tests.support.providers.mandarin import SECRET, settings
from worker.providers.mandarin.client import MandarinClient, x_auth
from worker.providers.transport.sessions import session_of


@pytest.mark.parametrize(
    ("request_id", "header"),
    [
        pytest.param(
            "1700000000000",
            "42-9202251b15ffce1f14254e1682e020aa56a3a9d2f8c60f459b5a22279df08781-1700000000000",
            id="the vector",
        )
    ],
)
def test_x_auth_signs_merchant_request_and_secret(request_id: str, header: str) -> None:
    assert x_auth("42", "secret", request_id) == header


def test_client_shows_no_secret() -> None:
    session = session_of(settings("http://127.0.0.1:9"))
    try:
        client = MandarinClient(session, "42", SecretStr(SECRET))
        assert SECRET not in f"{client!r} {vars(client)!r}"
    finally:
        session.close()
