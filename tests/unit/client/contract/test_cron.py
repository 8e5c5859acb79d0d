"""Quartz cron expressions of seven fields."""

import re

import pytest

from uprid_client.contract.cron import read_cron

SOUND = [
    "0 0 12 1/1 * ? *",
    "0 0/5 * 1/1 * ? *",
    "0 0 12 ? * MON-FRI *",
    "0 0 12 ? * 2,4,6 2026-2030",
    "59 59 23 31 12 ? 2099",
    "0,30 10-20/5 */2 L JAN,JUN ? *",
    "0 0 0 LW * ? *",
    "0 0 0 L-3 * ? *",
    "0 0 0 L-30W * ? *",
    "0 0 0 15W * ? *",
    "0 0 0 ? * L *",
    "0 0 0 ? * 6L *",
    "0 0 0 ? * FRIL *",
    "0 0 0 ? * 6#3 *",
    "0 0 0 ? * FRI#1 *",
    "0 0 22-2 ? NOV-FEB FRI-MON *",
    "/15 * * * * ? *",
    "05 00 09 1 1 ? 1970",
]


@pytest.mark.parametrize("text", SOUND)
def test_read_cron_takes_what_quartz_takes(text: str) -> None:
    assert read_cron(text) == text


def test_read_cron_writes_an_expression_in_one_way() -> None:
    assert read_cron("  0 0  12 ? * mon-fri * ") == "0 0 12 ? * MON-FRI *"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "7 fields"),
        ("0 0 12 1/1 * ?", "7 fields"),
        ("0 0 12 1/1 * ? * *", "7 fields"),
        ("60 0 12 1 * ? *", "seconds"),
        ("0 60 12 1 * ? *", "minutes"),
        ("0 0 24 1 * ? *", "hours"),
        ("0 0 12 0 * ? *", "day of the month"),
        ("0 0 12 32 * ? *", "day of the month"),
        ("0 0 12 1 13 ? *", "month"),
        ("0 0 12 1 0 ? *", "month"),
        ("0 0 12 ? * 8 *", "day of the week"),
        ("0 0 12 ? * 0 *", "day of the week"),
        ("0 0 12 1 * ? 1969", "year"),
        ("0 0 12 1 * ? 2100", "year"),
        ("0 0 12 1 * ? 2030-2026", "year"),
        ("0 0 12 1 MON ? *", "month"),
        ("0 0 12 ? * JAN *", "day of the week"),
        ("0 */0 12 1 * ? *", "minutes"),
        ("0 */60 12 1 * ? *", "minutes"),
        ("0 0 12 1/32 * ? *", "day of the month"),
        ("0 1, 12 1 * ? *", "minutes"),
        ("0 1--2 12 1 * ? *", "minutes"),
        ("0 1-2-3 12 1 * ? *", "minutes"),
        ("0 -1 12 1 * ? *", "minutes"),
        ("0 1/ 12 1 * ? *", "minutes"),
        ("? 0 12 1 * ? *", "seconds"),
        ("0 0 12 1 ? * *", "month"),
        ("L 0 12 1 * ? *", "seconds"),
        ("0 0 12 L,1 * ? *", "day of the month"),
        ("0 0 12 L-31 * ? *", "day of the month"),
        ("0 0 12 L-0 * ? *", "day of the month"),
        ("0 0 12 W * ? *", "day of the month"),
        ("0 0 12 32W * ? *", "day of the month"),
        ("0 0 12 1-5W * ? *", "day of the month"),
        ("0 0 12 1#2 * ? *", "day of the month"),
        ("0 0 12 ? * 6#6 *", "day of the week"),
        ("0 0 12 ? * 6#0 *", "day of the week"),
        ("0 0 12 ? * 8L *", "day of the week"),
        ("0 0 12 ? * 15W *", "day of the week"),
        ("0 0 12 ? * MON-FRI#2 *", "day of the week"),
        ("0 0 12 ? * ? *", "must have ?"),
        ("0 0 12 1 * 2 *", "must have ?"),
        ("0 0 12 * * * *", "must have ?"),
        ("٣ 0 12 1 * ? *", "seconds"),
        ("0 0 12 ?,1 * 2 *", "day of the month"),
    ],
)
def test_read_cron_refuses_what_quartz_would(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        read_cron(text)


def test_read_cron_names_every_faulty_field() -> None:
    with pytest.raises(ValueError, match="seconds, hours, year"):
        read_cron("99 0 99 1 * ? 99")
