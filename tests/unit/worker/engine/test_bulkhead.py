"""A share: so many chunks are worked on, and so many more are waited for."""

import pytest

from worker.engine.bulkhead import Bulkhead, Permit


def entered(bulkhead: Bulkhead) -> Permit:
    permit = bulkhead.enter()
    assert permit is not None
    return permit


def test_share_turns_away_who_finds_no_place() -> None:
    bulkhead = Bulkhead(2, 3)
    entered(bulkhead)
    entered(bulkhead)

    assert bulkhead.enter() is None


def test_leaving_makes_room_and_tells_of_who_was_turned_away_once() -> None:
    bulkhead = Bulkhead(1, 0)
    first = entered(bulkhead)
    assert bulkhead.enter() is None

    assert first.leave()
    assert not entered(bulkhead).leave()


def test_stepping_aside_makes_room_and_tells_of_who_was_turned_away_once() -> None:
    bulkhead = Bulkhead(1, 1)
    first = entered(bulkhead)
    assert bulkhead.enter() is None

    assert first.step_aside()
    assert not first.step_aside()
    second = entered(bulkhead)
    assert not first.leave()
    assert not second.leave()


@pytest.mark.parametrize("max_ending_chunks", [0, 1, 3])
def test_no_more_chunks_are_inside_than_there_are_places(max_ending_chunks: int) -> None:
    bulkhead = Bulkhead(2, max_ending_chunks)
    first, second = entered(bulkhead), entered(bulkhead)
    first.step_aside()
    second.step_aside()
    inside = 2
    while (permit := bulkhead.enter()) is not None:
        permit.step_aside()
        inside += 1

    assert inside == 2 + max_ending_chunks
    # Room for one more, and not for two.
    assert first.leave()
    entered(bulkhead)
    assert bulkhead.enter() is None


def test_who_steps_aside_tells_nobody_to_come_where_there_is_no_room() -> None:
    bulkhead = Bulkhead(1, 0)
    only = entered(bulkhead)
    assert bulkhead.enter() is None

    assert not only.step_aside()
    assert only.leave()


def test_chunk_that_stepped_aside_frees_no_second_place_when_it_leaves() -> None:
    bulkhead = Bulkhead(1, 5)
    first = entered(bulkhead)
    first.step_aside()
    entered(bulkhead)
    first.leave()

    assert bulkhead.enter() is None
