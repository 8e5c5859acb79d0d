"""What each of IntellectMoney's magic numbers does to writes and lists of operations."""

from collections.abc import Iterator

import pytest

from tests.support.providers.sandbox_intellectmoney import DELAY, LIST, Shop, in_short, running_shop
from uprid_sandbox.intellectmoney.objects import OBJECTS
from uprid_sandbox.intellectmoney.schedule import existing_id


@pytest.fixture(scope="module", params=["xml", "json"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    with running_shop(request.param) as running:
        yield running


@pytest.fixture(autouse=True)
def as_new(shop: Shop) -> None:
    """Every test begins with a stand-in that knows nothing, and with a UserToken."""
    shop.admin("reset", {})
    shop.log_in()


def write_course(shop: Shop, number: int) -> str:
    """Create twice, the lists before, between, after and a delay later."""
    object_id = shop.target(number, operations=2)
    words, lists = [], [shop.listed(object_id).word]
    for _ in range(2):
        words.append(shop.write(object_id).word)
        lists.append(shop.listed(object_id).word)
    shop.clock.advance(DELAY)
    lists.append(shop.listed(object_id).word)
    return f"{in_short(words)} | {', '.join(each.removeprefix('done ') for each in lists)}"


TWO = "2, 3, 4, 4"
NONE = "2, 2, 2, 2"
ONE = "2, 2, 3, 3"
LATER = "2, 2, 2, 4"
OBJECT_COURSES = {
    "write": f"2x done 1 | {TWO}",
    "write_in_words": f"2x done true | {TWO}",
    "write_with_warnings": f"2x warned 1 | {TWO}",
    "write_in_the_other_language": f"2x done 1 | {TWO}",
    "write_refused": f"2x done 0 | {NONE}",
    "write_error": f"2x failed | {NONE}",
    "write_unauthenticated_for_ever": f"2x unauthenticated | {NONE}",
    "write_unauthenticated_once": f"unauthenticated, done 1 | {ONE}",
    "write_queued": f"2x queued | {LATER}",
    "write_queued_and_listed": f"2x queued | {TWO}",
    "write_queued_for_ever": f"2x queued | {NONE}",
    "write_queued_then_refused": f"2x queued | {NONE}",
    "write_queued_slowly": f"2x queued | {NONE}",
    "write_queued_without_number": f"2x queued without id | {LATER}",
    "write_queued_then_error": f"2x queued | {NONE}",
    "write_stored_and_dropped": f"dropped, done 1 | {TWO}",
    "write_stored_and_500": f"page 500, done 1 | {TWO}",
    "write_stored_and_hung": f"hung, done 1 | {TWO}",
    "write_stored_and_cut": f"cut, done 1 | {TWO}",
    "write_stored_and_html": f"page 200, done 1 | {TWO}",
    "write_stored_and_truncated": f"garbage, done 1 | {TWO}",
    "write_stored_late_and_dropped": "dropped, done 1 | 2, 2, 3, 4",
    "write_stored_and_unknown_code": f"operation 7, done 1 | {TWO}",
    "write_dropped": f"dropped, done 1 | {ONE}",
    "write_500": f"page 500, done 1 | {ONE}",
    "write_hung": f"hung, done 1 | {ONE}",
    "write_503": f"page 503, done 1 | {ONE}",
    "write_in_company": "dropped, done 1 | 2, 4, 5, 5",
    "write_queued_in_company": "2x queued | 2, 2, 2, 6",
    "list": f"2x done 1 | {TWO}",
    "list_queued": "2x done 1 | queued, queued, queued, 4",
    "list_queued_for_ever": "2x done 1 | queued, queued, queued, queued",
    "list_error": "2x done 1 | failed, failed, failed, failed",
    "list_unauthenticated_for_ever": f"2x done 1 | {', '.join(['unauthenticated'] * 4)}",
    "list_502": "2x done 1 | page 502, page 502, 4, 4",
    "list_hangs": "2x done 1 | hung, 3, 4, 4",
    "list_garbage": "2x done 1 | garbage, 3, 4, 4",
    "list_hostile": "2x done 1 | garbage, 3, 4, 4",
    "list_unauthenticated_once": "2x done 1 | unauthenticated, 3, 4, 4",
    # The neighbour had two as well; each list finds one more.
    "list_with_neighbours": "dropped, done 1 | 5, 7, 9, 10",
    "list_without_id": f"2x done 1 | {TWO}",
    "write_dropped_and_list_queued": "dropped, done 1 | queued, queued, queued, 4",
    "list_huge": "2x done 1 | huge, huge, huge, huge",
    "list_without_list": "2x done 1 | done, done, done, done",
}


@pytest.mark.parametrize("number", OBJECTS, ids=lambda number: OBJECTS[number].name)
def test_object_runs_its_documented_course(shop: Shop, number: int) -> None:
    assert write_course(shop, number) == OBJECT_COURSES[OBJECTS[number].name]


def test_object_without_a_scenario_goes_well(shop: Shop) -> None:
    assert write_course(shop, 999) == OBJECT_COURSES["write"]


@pytest.mark.parametrize(
    ("number", "counted"),
    [
        pytest.param(500, (1, 1, 0), id="done"),
        pytest.param(510, (1, 0, 0), id="refused"),
        pytest.param(530, (1, 1, 0), id="stored-and-dropped"),
        pytest.param(540, (1, 0, 0), id="dropped"),
    ],
)
def test_writes_are_counted_as_they_arrive_and_as_they_have_effect(
    shop: Shop, number: int, counted: tuple[int, int, int]
) -> None:
    object_id = shop.target(number)
    shop.write(object_id)
    shop.listed(object_id)
    found = shop.counted(f"object:{object_id}")
    assert (found["writes"], found["created"], found["edited"]) == counted
    assert (found["lists"], found["listed"]) == (1, 1)


def test_write_creates_each_time_that_it_names_no_operation(shop: Shop) -> None:
    object_id = shop.target(500)
    for _ in range(3):
        shop.write(object_id)
    ids = [row["OperationId"] for row in shop.listed(object_id).rows]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("number", "word", "plan"),
    [
        pytest.param(500, "done 1", "0 0 1 1 * ? *", id="done"),
        pytest.param(510, "done 0", "0 0 12 1 * ? *", id="refused"),
        pytest.param(530, "dropped", "0 0 1 1 * ? *", id="stored-and-dropped"),
        pytest.param(540, "dropped", "0 0 12 1 * ? *", id="dropped"),
        pytest.param(520, "queued", "0 0 12 1 * ? *", id="queued"),
    ],
)
def test_write_edits_the_operation_that_it_names(
    shop: Shop, number: int, word: str, plan: str
) -> None:
    object_id = shop.target(number, operations=1)
    [before] = shop.listed(object_id).rows
    edit = {"Operation": before["OperationId"], "RepeatPlan": "0 0 1 1 * ? *"}
    assert shop.write(object_id, **edit).word == word
    [after] = shop.listed(object_id).rows
    assert (after["OperationId"], after["RepeatPlan"]) == (before["OperationId"], plan)
    shop.clock.advance(DELAY)
    if number == 520:
        assert shop.listed(object_id).rows[0]["RepeatPlan"] == "0 0 1 1 * ? *"


def test_write_to_an_operation_of_nobody_is_not_done(shop: Shop) -> None:
    nobody = "00000000-0000-0000-0000-000000000001"
    object_id = shop.target(500)
    assert shop.write(object_id, Operation=nobody).word == "done 0"
    assert shop.counted(f"object:{object_id}")["edited"] == 0


def test_list_is_paged_and_filtered(shop: Shop) -> None:
    object_id = shop.target(600, operations=25)
    shop.write(object_id, State=1)
    first = shop.listed(object_id, Skip=0, Take=20).rows
    rest = shop.listed(object_id, Skip=20, Take=20).rows
    [off] = shop.listed(object_id, State=1).rows
    [named] = shop.listed(object_id, Operation=first[3]["OperationId"]).rows
    assert (len(first), len(rest)) == (20, 6)
    assert off == rest[-1]
    assert named == first[3]
    assert shop.listed(object_id, DateFrom="05.07.2031").rows == []


def test_list_of_one_operation_is_its_object_s(shop: Shop) -> None:
    object_id = shop.target(603, operations=1)
    shop.write(object_id)
    one = existing_id(object_id, 0)
    assert shop.ask(LIST, Operation=one).word == "failed"
    assert shop.counted(f"object:{object_id}")["lists"] == 1


def test_list_of_no_object_holds_all_that_were_asked_about(shop: Shop) -> None:
    first, second = shop.target(600, operations=2), shop.target(500, operations=1)
    shop.listed(first)
    shop.write(second)
    rows = shop.ask(LIST).rows
    assert [int(row["ObjectId"]) for row in rows] == [first, first, second, second]
