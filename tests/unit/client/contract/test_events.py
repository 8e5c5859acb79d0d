"""The models of events read what every release wrote, and name what the workers write today."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from uprid_client.contract.events import (
    DATA,
    EventType,
    InputData,
    OperationData,
    ProviderData,
    RefusedData,
    read_data,
)
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.contract.states import State

ROOT: Final = Path(__file__).parents[4]
DESCRIBED: Final[dict[str, Any]] = json.loads((ROOT / "docs/events.json").read_text("utf-8"))


def golden() -> list[Any]:
    """Return every event that a release wrote."""
    return [
        pytest.param(kind, json.loads(event["data"]), id=f"{release.parent.name}-{kind}")
        for release in sorted((ROOT / "tests/golden").glob("*/events.json"))
        for kind, event in json.loads(release.read_text("utf-8")).items()
    ]


@pytest.mark.parametrize(("kind", "data"), golden())
def test_event_of_every_release_is_read_as_its_model(kind: str, data: dict[str, Any]) -> None:
    read = read_data(kind, data)

    assert isinstance(read, DATA[EventType(kind)])
    # Nothing that was written is unknown to the model.
    assert read.model_extra == {}


def test_every_type_of_event_has_a_model() -> None:
    assert DATA.keys() == set(EventType)


def test_event_of_a_newer_release_is_no_fault() -> None:
    assert read_data("uprid.operation.page", {}) is None


def test_text_of_0_1_0_is_read_as_the_reason_of_a_refusal() -> None:
    written: dict[str, Any] = {
        "reference": None,
        "task": "t",
        "message_id": "1",
        "fields": [],
        "reason": "why",
    }

    read = RefusedData.model_validate(written)

    assert (read.reason.code, read.reason.message) == (RefusalCode.INVALID_MESSAGE, "why")


def test_reason_of_a_newer_release_is_kept_as_it_is() -> None:
    [_, data] = next(each.values for each in golden() if each.values[0] == EventType.REJECTED)
    assert isinstance(data, dict)
    newer = {**data, "reason": {**data["reason"], "code": "brand_new"}, "added": 1}

    read = OperationData.model_validate(newer)

    assert read.reason is not None
    assert read.reason.code == "brand_new"
    assert read.model_extra == {"added": 1}


@pytest.mark.parametrize(
    ("schema", "model"),
    [
        pytest.param("operation", OperationData, id="operation"),
        pytest.param("refused", RefusedData, id="refused"),
    ],
)
def test_description_of_the_stream_has_the_members_of_the_model(
    schema: str, model: type[OperationData | RefusedData]
) -> None:
    described = DESCRIBED["components"]["schemas"][schema]

    assert set(described["properties"]) == set(model.model_fields)


def test_models_hold_the_words_of_the_contract() -> None:
    assert InputData.model_fields.keys() - OperationData.model_fields.keys() == {
        "missing",
        "attempts_left",
    }
    assert {"provider", "by", "note", "reason"} <= ProviderData.model_fields.keys()
    assert State.WAITING_FOR_PERSON in set(State)
    assert ReasonCode.BY_PERSON in set(ReasonCode)
