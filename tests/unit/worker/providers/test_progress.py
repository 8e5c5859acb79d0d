"""What an attempt remembers: names and types inside, a JSON object in the database."""

from dataclasses import dataclass, replace

from worker.providers.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Progress):
    times: int = 0
    found: list[str] | None = None


def test_progress_of_nothing_is_the_beginning_and_stores_nothing() -> None:
    assert Counted.of({}) == Counted.of(None) == Counted()
    assert Counted().stored() == {}


def test_progress_comes_back_as_it_was_stored() -> None:
    stored = {"times": 2, "found": []}

    assert Counted.of(stored) == Counted(times=2, found=[])
    assert Counted.of(stored).stored() == stored


def test_progress_does_not_store_what_is_as_at_the_beginning() -> None:
    assert replace(Counted.of({"times": 2}), times=0).stored() == {}


def test_progress_carries_along_what_another_release_remembers() -> None:
    newer = Counted.of({"times": 1, "newer": {"deep": True}})

    assert replace(newer, times=2).stored() == {"times": 2, "newer": {"deep": True}}
