from datetime import UTC, datetime, timedelta

import pytest

from worker.cli.ages import since

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("10m", NOW - timedelta(minutes=10)),
        ("2h", NOW - timedelta(hours=2)),
        ("1d", NOW - timedelta(days=1)),
        ("2026-03-01T00:00:00Z", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T03:00:00.5+03:00", datetime(2026, 3, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_since_takes_ages_and_times(text: str, time: datetime) -> None:
    assert since(text, NOW) == time


@pytest.mark.parametrize(
    "text",
    ["", "10", "m", "-10m", "10w", "yesterday", "2026-03-01", "2026-03-01T00:00:00", "9" * 9 + "d"],
)
def test_since_refuses_what_is_no_point_in_time(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        since(text, NOW)
