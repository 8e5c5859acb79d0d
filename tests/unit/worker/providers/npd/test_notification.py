"""NPD's URL notification as it is handed on."""

import json
from typing import Any

import pytest

from tests.support.providers.npd import ASYNC_ID, PHONE, notification
from uprid_client.errors import Refused
from worker.providers.npd.notification import read_notification, whole

CONTENT = {
    "notification_id": 7,
    "async_id": ASYNC_ID,
    "status": "SUCCESS",
    "account": "10203040",
    "phone": PHONE,
}


def test_notification_names_the_task_and_the_person() -> None:
    read = read_notification(notification())

    assert (read.provider_ref, read.subject) == (str(ASYNC_ID), PHONE)
    assert read.content == CONTENT


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"upridAsyncId": str(ASYNC_ID), "notificationId": "7"}, id="digits"),
        pytest.param({"mntAccountId": 10203040}, id="account a number"),
        pytest.param({"userPhone": int(PHONE)}, id="phone a number"),
        pytest.param({"userPhone": "+7 (900) 123-45-67"}, id="phone as people write it"),
        pytest.param({"more": {"than": ["the", "page"]}}, id="unknown members"),
    ],
)
def test_notification_is_the_same_however_it_is_written(changes: dict[str, Any]) -> None:
    read = read_notification(notification(**changes))

    assert read.content == CONTENT
    assert read.key == read_notification(notification()).key


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"notificationId": 8}, id="id"),
        pytest.param({"upridAsyncId": 1}, id="asyncId"),
        pytest.param({"upridAsyncStatus": "EXPIRED"}, id="status"),
        pytest.param({"userPhone": "79001234568"}, id="phone"),
    ],
)
def test_notification_has_another_key_when_it_says_something_else(changes: dict[str, Any]) -> None:
    one, other = read_notification(notification()), read_notification(notification(**changes))

    assert one.key != other.key
    assert len(one.key) == len(other.key) == 64


@pytest.mark.parametrize("account", [None, "", "10203040"], ids=repr)
def test_notification_needs_no_account_when_it_tells_the_expiry(account: str | None) -> None:
    read = read_notification(notification("EXPIRED", mntAccountId=account))

    assert read.content["status"] == "EXPIRED"
    assert read.content["account"] == (account or None)


@pytest.mark.parametrize("big", [2**63, 2**64 - 1])
def test_notification_takes_every_big_int(big: int) -> None:
    assert read_notification(notification(upridAsyncId=big)).provider_ref == str(big)


#: No "BigInt 20".
NO_IDS: list[Any] = [True, 0, -1, 1.0, 2**64, "9" * 21, "", "x", None, [1], " 1", "٣"]
NO_STATUS: list[Any] = ["success", "CREATED", "", None, 1]
NO_PHONES: list[Any] = ["74951234567", "", None, 5, True, "7900123456٧"]
NO_ACCOUNTS: list[Any] = ["", None, 1.5, True, "x" * 65, "1\n2", -1]
#: changes, faulty fields.
BAD: list[Any] = [
    *(
        pytest.param({"upridAsyncId": value}, ["upridAsyncId"], id=f"asyncId {value!r}")
        for value in NO_IDS
    ),
    *(
        pytest.param({"notificationId": value}, ["notificationId"], id=f"id {value!r}")
        for value in NO_IDS
    ),
    *(
        pytest.param({"upridAsyncStatus": value}, ["upridAsyncStatus"], id=f"status {value!r}")
        for value in NO_STATUS
    ),
    *(
        pytest.param({"userPhone": value}, ["userPhone"], id=f"phone {value!r}")
        for value in NO_PHONES
    ),
    *(
        pytest.param({"mntAccountId": value}, ["mntAccountId"], id=f"account {value!r}")
        for value in NO_ACCOUNTS
    ),
    pytest.param({"notificationName": "other"}, ["notificationName"], id="another notification"),
    pytest.param(
        {"userPhone": "Проверкин", "upridAsyncId": 0}, ["upridAsyncId", "userPhone"], id="several"
    ),
]


@pytest.mark.parametrize(("changes", "fields"), BAD)
def test_notification_is_refused_with_its_faulty_fields(
    changes: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(Refused) as refused:
        read_notification(notification(**changes))

    assert list(refused.value.fields) == fields
    assert "Проверкин" not in str(refused.value)
    assert refused.value.__context__ is None


@pytest.mark.parametrize(
    "name",
    [
        "notificationId",
        "notificationName",
        "upridAsyncId",
        "upridAsyncStatus",
        "userPhone",
        "mntAccountId",
    ],
)
def test_notification_is_refused_when_a_member_is_missing(name: str) -> None:
    said = notification()
    del said[name]

    with pytest.raises(Refused) as refused:
        read_notification(said)

    assert list(refused.value.fields) == [name]


def test_notification_shows_nobody() -> None:
    shown = repr(read_notification(notification()))

    assert PHONE not in shown
    assert "10203040" not in shown


def test_whole_is_the_notification_as_npd_wrote_it() -> None:
    assert json.loads(whole(read_notification(notification()).content)) == notification()
    expired = notification("EXPIRED")
    assert json.loads(whole(read_notification(expired).content)) == expired


def test_whole_needs_no_more_than_status_and_task() -> None:
    said = json.loads(whole({"status": "EXPIRED", "async_id": 5}))

    assert said["upridAsyncId"] == 5
