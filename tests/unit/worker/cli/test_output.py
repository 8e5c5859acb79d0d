from datetime import timedelta

import pytest

from worker.cli.output import lasting, say_table


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0123, "12 ms"),
        (-5, "5.0 s"),
        (61, "1 min 1 s"),
        (119.7, "2 min 0 s"),
        (3600, "1 h 0 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_duration_is_told_in_the_two_units_that_matter(seconds: float, said: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == said


def test_table_shows_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("[A]", "B"), [("[red]order[/red]", "x"), ("short", "")])

    assert capsys.readouterr().out.splitlines() == [
        "[A]               B",
        "[red]order[/red]  x",
        "short",
    ]
