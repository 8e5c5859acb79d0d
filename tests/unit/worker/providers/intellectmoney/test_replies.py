"""How much it costs to find out that a reply is spoilt."""

from typing import Any

import pytest
from pydantic import ValidationError

from worker.providers.intellectmoney.replies import LONGEST_LIST, read_response

INVOICES = "InvoicesHistoryList"
SCHEDULED = "GetScheduledOperationData"
INVOICE = {"Id": 1, "State": "Paid"}


def response(name: str, items: list[Any]) -> dict[str, Any]:
    return {"OperationState": {"Code": 0}, "Result": {"State": {"Code": 0}, name: items}}


@pytest.mark.parametrize(
    ("name", "item"),
    [
        pytest.param(INVOICES, 1, id="numbers"),
        pytest.param(SCHEDULED, "x", id="words"),
        pytest.param(INVOICES, {**INVOICE, "HistoryList": [1, 2, 3]}, id="transactions"),
    ],
)
def test_read_response_gives_up_at_the_first_spoilt_item_of_a_list(name: str, item: object) -> None:
    # Each fault that is collected costs 300 bytes, and an item of 2 bytes can have one.
    with pytest.raises(ValidationError) as caught:
        read_response(response(name, [item] * 1000))

    assert caught.value.error_count() == 1


@pytest.mark.parametrize(("more", "is_read"), [(0, True), (1, False)], ids=["longest", "longer"])
def test_read_response_takes_no_list_that_nobody_asked_for(more: int, *, is_read: bool) -> None:
    document = response(INVOICES, [INVOICE] * (LONGEST_LIST + more))

    if is_read:
        assert len(read_response(document).result.invoices_history_list or ()) == LONGEST_LIST  # type: ignore[union-attr]
    else:
        with pytest.raises(ValidationError):
            read_response(document)
