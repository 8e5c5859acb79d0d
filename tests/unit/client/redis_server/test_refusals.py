"""What a server's refusal is taken for; what needs a real server is in the integration tests."""

import pytest
from kombu.exceptions import OperationalError
from redis import exceptions

from uprid_client.redis_server.refusals import explained


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (exceptions.BusyLoadingError("Redis is loading"), "still reads its data"),
        (exceptions.MasterDownError("Link with MASTER is down"), "is a replica"),
        (exceptions.ResponseError("MISCONF Redis is configured to save"), "write to its disk"),
        (exceptions.InvalidResponse("Protocol Error: b'HTTP/1.1'"), "speaks no Redis"),
        (exceptions.ResponseError("BUSY Redis is busy running a script"), "it answered BUSY"),
        (
            exceptions.ResponseError("Command # 1 (LLEN Secret) of pipeline caused error: BUSY x"),
            "it answered BUSY",
        ),
        (exceptions.ResponseError("Secret of a sort"), "it answered an error"),
        (exceptions.MovedError("1 h:1"), "is a Redis Cluster"),
        (exceptions.ClusterDownError("Hash slot not served"), "is a Redis Cluster"),
        (AttributeError("NoneType"), "no connection"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else None,
)
def test_refusal_is_explained(error: Exception, said: str) -> None:
    assert said in explained(error)
    assert "Secret" not in explained(error)


def test_what_kombu_wraps_is_explained_all_the_same() -> None:
    wrapped = OperationalError("Error")
    wrapped.__cause__ = exceptions.OutOfMemoryError("command not allowed")

    assert "no memory left" in explained(wrapped)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("this user has no permissions to run the 'xadd' command", "ACL SETUSER NAME +xadd"),
        ("User w has no permissions to run the 'xinfo|stream' command", "w +xinfo|stream"),
        ("User w has no permissions to access the 'moneta' key", "ACL SETUSER w ~moneta"),
        ("User w has no permissions to access the '/0.celeryev/x' channel", "w &/0.celeryev/x"),
    ],
)
def test_missing_right_comes_with_the_rule_to_type(text: str, rule: str) -> None:
    assert rule in explained(exceptions.NoPermissionError(text))
