"""A share: so many chunks are worked on, and so many more are waited for."""

import pytest

from worker.engine.bulkhead import Place, Share


def entered(share: Share) -> Place:
    place = share.enter()
    assert place is not None
    return place


def test_share_turns_away_who_finds_no_place() -> None:
    share = Share(2, 3)
    entered(share)
    entered(share)

    assert share.enter() is None


def test_leaving_makes_room_and_tells_of_who_was_turned_away_once() -> None:
    share = Share(1, 0)
    first = entered(share)
    assert share.enter() is None

    assert first.leave()
    assert not entered(share).leave()


def test_stepping_aside_makes_room_and_tells_of_who_was_turned_away_once() -> None:
    share = Share(1, 1)
    first = entered(share)
    assert share.enter() is None

    assert first.step_aside()
    assert not first.step_aside()
    second = entered(share)
    assert not first.leave()
    assert not second.leave()


@pytest.mark.parametrize("side_places", [0, 1, 3])
def test_no_more_chunks_are_inside_than_there_are_places(side_places: int) -> None:
    share = Share(2, side_places)
    first, second = entered(share), entered(share)
    first.step_aside()
    second.step_aside()
    inside = 2
    while (place := share.enter()) is not None:
        place.step_aside()
        inside += 1

    assert inside == 2 + side_places
    # Room for one more, and not for two.
    assert first.leave()
    entered(share)
    assert share.enter() is None


def test_who_steps_aside_tells_nobody_to_come_where_there_is_no_room() -> None:
    share = Share(1, 0)
    only = entered(share)
    assert share.enter() is None

    assert not only.step_aside()
    assert only.leave()


def test_chunk_that_stepped_aside_frees_no_second_place_when_it_leaves() -> None:
    share = Share(1, 5)
    first = entered(share)
    first.step_aside()
    entered(share)
    first.leave()

    assert share.enter() is None
