"""Names that a sender made up are shown only where they cannot be a person's number."""

import pytest

from uprid_client.shown_names import UNNAMED, shown_field, shown_task


@pytest.mark.parametrize("name", ["nickname", "unit_id", "notificationId", "line2", "year_2026"])
def test_field_that_is_spelt_as_ours_are_is_shown(name: str) -> None:
    assert shown_field(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "Ольга", "Ivan Ivanov", "olga@example.com", "phone79001234567", "snils_11223344595",
        "p45_10_123456", "n12345", "123456", "", "x" * 41, None, 5,
    ],
    ids=ascii,
)  # fmt: skip
def test_every_other_field_is_unnamed(name: object) -> None:
    assert shown_field(name) == UNNAMED


@pytest.mark.parametrize("name", ["tasks.moneta.start_identification", "celery.map", "v2.tasks"])
def test_task_that_may_be_one_is_shown(name: str) -> None:
    assert shown_task(name) == name


@pytest.mark.parametrize("name", ["tasks.79001234567", "Ольга", "", "a b", None], ids=ascii)
def test_every_other_task_is_unnamed(name: object) -> None:
    assert shown_task(name) == UNNAMED
