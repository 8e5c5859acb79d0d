"""What `uprid doctor` finds."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.support.loopback.http_stub import HttpStub
from tests.support.providers.intellectmoney_asking import Maker


def test_check_looks_at_the_host_and_its_clock_without_the_login(
    make: Maker, stub: HttpStub
) -> None:
    plugin = make(stub.url)

    findings = plugin.check()

    assert [finding.ok for finding in findings] == [True, True]
    assert "the login is not tried" in findings[0].detail
    assert [(asked.method, asked.body) for asked in stub.asked] == [("GET", b"")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state_signed_after": "Nothing"}, "STATE_SIGNED_AFTER"),
        ({"deadline": timedelta(seconds=30)}, "DEADLINE"),
        ({"result_path": "a?b={operation_id}"}, "RESULT_PATH"),
    ],
    ids=["no signed value", "too slow", "no path"],
)
def test_check_says_what_does_not_fit(
    make: Maker, stub: HttpStub, changes: Mapping[str, Any], said: str
) -> None:
    finding = make(stub.url, **changes).check()[0]

    assert (finding.ok, said in finding.detail) == (False, True)
