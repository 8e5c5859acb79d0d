from pathlib import Path

import pytest

from tests.support.processes.child import wait_until
from worker.local.follow import Follower


def test_follower_prints_each_line_with_its_writers_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "worker-1.log", tmp_path / "beat.log"
    first.write_text("one\ntw")
    second.write_text("")
    shown: list[str] = []

    def has(text: str) -> bool:
        shown.append(capsys.readouterr().out)
        return text in "".join(shown)

    follower = Follower()
    follower.start([first, second])
    wait_until(lambda: has("one"), 10, "the first line")
    with first.open("a") as log:
        log.write("o\n")
    second.write_text("tick\n")
    wait_until(lambda: has("tick") and has("two"), 10, "the rest")
    first.open("a").close()
    follower.stop()
    assert sorted("".join(shown).splitlines()) == [
        "beat     | tick",
        "worker-1 | one",
        "worker-1 | two",
    ]


def test_follower_prints_what_is_left_when_it_is_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "beat.log"
    log.write_text("")
    follower = Follower()
    follower.start([log])
    log.write_text("".join(f"line {n}\n" for n in range(10_000)))
    follower.stop()
    assert len(capsys.readouterr().out.splitlines()) == 10_000


def test_follower_can_be_stopped_when_it_never_began() -> None:
    Follower().stop()
