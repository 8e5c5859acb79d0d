"""docs/events.json describes the events that there are, with the members that they have."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from uprid_client.contract.events import EventType
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.contract.refusal_reasons import reason_of
from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.domain.event_data import Details, operation_event
from worker.domain.outcomes import Reason, Wanted
from worker.domain.snapshot import Snapshot

ROOT = Path(__file__).parents[3]
DESCRIBED: dict[str, Any] = json.loads((ROOT / "docs" / "events.json").read_text("utf-8"))
MESSAGES: dict[str, Any] = DESCRIBED["components"]["messages"]
SCHEMAS: dict[str, Any] = DESCRIBED["components"]["schemas"]
OPERATION = SCHEMAS["operation"]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
STANDS = Snapshot(
    id="1",
    reference="order-1",
    provider=Provider.MANDARIN,
    kind="identification",
    state=State.POLLING,
    attempt=1,
    args={},
    created_at=NOW,
    sequence=1,
)
DETAILS = Details(
    reason=Reason(ReasonCode.DATA_MISMATCH, "Why."),
    answer="gAAAA",
    wants=Wanted("sms_code", 5),
)


def test_description_has_every_event_and_no_other() -> None:
    named = {message["name"] for message in MESSAGES.values()}

    assert named == set(EventType)
    assert set(DESCRIBED["channels"]["results"]["messages"]) == set(MESSAGES)


def test_description_has_the_members_of_an_operation_s_events() -> None:
    data = operation_event(EventType.SUCCEEDED, STANDS, DETAILS, NOW, "id").data

    assert set(data) == set(OPERATION["properties"])
    assert set(data) - {"sealed"} == set(OPERATION["required"])


def test_description_has_what_an_input_is_asked_for_with() -> None:
    asked = operation_event(EventType.INPUT_REQUIRED, STANDS, DETAILS, NOW, "id").data
    more = SCHEMAS["input_required"]["allOf"][1]

    assert set(asked) - set(OPERATION["properties"]) == set(more["properties"])


def test_description_has_the_members_of_a_reason() -> None:
    reason = Reason(ReasonCode.POISON, "Why.").as_json()

    assert set(reason) == set(OPERATION["properties"]["reason"]["properties"])


@pytest.mark.parametrize(
    ("described", "known"),
    [
        pytest.param(
            OPERATION["properties"]["reason"]["properties"]["code"], ReasonCode, id="reason"
        ),
        pytest.param(
            SCHEMAS["refused"]["properties"]["reason"]["properties"]["code"],
            RefusalCode,
            id="refusal",
        ),
        pytest.param(OPERATION["properties"]["state"], State, id="state"),
        pytest.param(OPERATION["properties"]["provider"], Provider, id="provider"),
    ],
)
def test_description_has_every_word(described: dict[str, Any], known: type) -> None:
    assert set(described["enum"]) == {member.value for member in known}  # type: ignore[attr-defined]


def test_description_has_the_members_of_a_refusal_s_reason() -> None:
    reason = reason_of(RefusalCode.INVALID_MESSAGE, "Why.")
    described = SCHEMAS["refused"]["properties"]["reason"]

    assert set(reason) == set(described["properties"]) == set(described["required"])


def test_description_and_page_name_the_version_of_the_contract() -> None:
    page = (ROOT / "docs" / "integration.md").read_text("utf-8")

    assert f"version {DESCRIBED['info']['version']} of the contract" in page
    assert DESCRIBED["info"]["version"] == "0.2.0"


@pytest.mark.parametrize("codes", [ReasonCode, RefusalCode])
def test_integration_page_has_every_reason(codes: type[StrEnum]) -> None:
    page = (ROOT / "docs" / "integration.md").read_text("utf-8")

    assert {code for code in codes if f"`{code}`" not in page} == set()
