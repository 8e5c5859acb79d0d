"""What NPD's replies are read as where they say more than one thing."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from worker.providers.npd.replies import content_of
from worker.providers.npd.types import Document, Method, Refusal, Task, Unlike, Updated
from worker.providers.transport.failures import BadStatus
from worker.providers.transport.http import Reply

MODELS: dict[Method, type[BaseModel]] = {
    Method.PROFILE: Updated,
    Method.DOCUMENT: Document,
    Method.START: Task,
}


def read(method: Method, status: int, **members: Any) -> BaseModel | Refusal | Unlike:
    body = json.dumps(members).encode()
    return content_of(Reply(status, None, None, None, body), method, MODELS[method])


SPOILT = pytest.mark.parametrize(
    ("method", "members"),
    [
        pytest.param(Method.PROFILE, {"updated": "true"}, id="updated as text"),
        pytest.param(Method.DOCUMENT, {"docId": 123}, id="half a document"),
        pytest.param(Method.DOCUMENT, {"unitId": "x", "docId": 1}, id="a unit that is none"),
        pytest.param(Method.START, {"asyncId": "37027 "}, id="an asyncId with a blank"),
        pytest.param(Method.START, {"asyncId": 37027.0}, id="an asyncId with a point"),
        pytest.param(Method.START, {"asyncId": [37027]}, id="an asyncId in a list"),
    ],
)


@SPOILT
def test_error_beside_a_spoilt_answer_is_no_refusal(
    method: Method, members: dict[str, Any]
) -> None:
    said = read(method, 200, error="no user found", **members)

    assert isinstance(said, Unlike)
    assert said.what == "an answer and an error"


@SPOILT
def test_error_beside_a_spoilt_answer_with_another_status_is_a_failed_call(
    method: Method, members: dict[str, Any]
) -> None:
    with pytest.raises(BadStatus):
        read(method, 400, error="no user found", **members)


@pytest.mark.parametrize(
    ("method", "members"),
    [
        pytest.param(Method.PROFILE, {"updated": False}, id="not updated"),
        pytest.param(Method.PROFILE, {"updated": None}, id="updated null"),
        pytest.param(Method.DOCUMENT, {"unitId": 0, "docId": 0}, id="ids of nothing"),
        pytest.param(Method.START, {"asyncId": "", "asyncStatus": "FAILED"}, id="no asyncId"),
    ],
)
def test_error_beside_an_answer_of_nothing_is_a_refusal(
    method: Method, members: dict[str, Any]
) -> None:
    assert isinstance(read(method, 200, error="no user found", **members), Refusal)
