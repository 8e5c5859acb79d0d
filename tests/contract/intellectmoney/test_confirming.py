"""What became of a write that is queued or in doubt: its result, or the list, tells."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from tests.support.loopback.http_stub import Answer, HttpStub
from tests.support.providers.intellectmoney import (
    CHANGE,
    FAILED,
    FIRST,
    OPERATION,
    QUEUED,
    SECOND,
    THIRD,
    Language,
    form,
    listed,
    response,
    saved,
    scheduled,
    settings,
)
from tests.support.providers.intellectmoney_asking import (
    AFTER,
    LIST_PATH,
    RESULT_PATH,
    SAVE,
    SAVE_PATH,
    Maker,
    ask,
    current,
    paths,
    short,
    until_the_end,
)
from worker.domain.outcomes import Finished, Prepared
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin

READY = {"ready": True, "before": [FIRST]}
EDIT = {"operation": {**CHANGE, "operation_id": FIRST}}

READY = {"ready": True, "before": [FIRST]}
EDIT = {"operation": {**CHANGE, "operation_id": FIRST}}


CONFIRMED = [
    pytest.param([FIRST], [], "none", id="nothing new"),
    pytest.param([FIRST, SECOND], [SECOND], "succeeded", id="one new"),
    pytest.param([FIRST, SECOND, THIRD], [SECOND, THIRD], "person doubtful_submit", id="two new"),
    pytest.param([SECOND], [SECOND], "succeeded", id="one new, one gone"),
]
#: What makes a new operation another's than the one that was sent.
OTHERS: Mapping[str, Mapping[str, Any]] = {
    "other params": {"Params": '{"Amount": 16}'},
    "params not shown": {"Params": None},
    "another plan": {"RepeatPlan": "0 0 13 1/1 * ? *"},
    "a plan that is not shown": {"RepeatPlan": None},
    "another flag": {"IsSingle": 1},
    "off": {"State": 1},
    "a state that is not shown": {"State": None},
    "another type": {"ObjectTypeVal": 2},
    "an object that is not shown": {"ObjectId": None},
}


@pytest.mark.parametrize(("ids", "new", "expected"), CONFIRMED)
@pytest.mark.parametrize("question", ["clear_up", "poll", "settle"])
def test_a_create_is_confirmed_by_exactly_one_new_operation(
    plugin: IntellectMoneyPlugin,
    stub: HttpStub,
    language: Language,
    ids: list[str],
    new: list[str],
    expected: str,
    question: str,
) -> None:
    stub.answer(language.said(listed(*map(scheduled, ids), scheduled(OPERATION, ObjectId=78))))

    outcome = ask(plugin, question, kind=SAVE, progress=READY)

    waits = {
        "clear_up": "doubtful unknown",
        "poll": "pending",
        "settle": "person doubtful_submit",
    }
    assert short(outcome) == (waits[question] if expected == "none" else expected)
    if isinstance(outcome, Finished):
        assert outcome.result == {"scheduled_operation_id": new[0], "confirmed_by": "list"}
    assert paths(stub) == [LIST_PATH]


@pytest.mark.parametrize("shown", OTHERS.values(), ids=OTHERS)
def test_a_create_is_not_confirmed_by_another_s_new_operation(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, shown: Mapping[str, Any]
) -> None:
    stub.answer(language.said(listed(scheduled(FIRST), scheduled(SECOND, **shown))))

    outcomes = until_the_end(plugin, "clear_up", kind=SAVE, progress=READY)

    assert outcomes == ["doubtful unknown"] * 3 + ["person doubtful_submit"]


def test_a_create_is_told_from_another_s_beside_it(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    others = [scheduled(THIRD, **shown) for shown in OTHERS.values()]
    stub.answer(language.said(listed(scheduled(SECOND), *others)))

    outcome = ask(plugin, "clear_up", kind=SAVE, progress=READY)

    assert isinstance(outcome, Finished)
    assert outcome.result["scheduled_operation_id"] == SECOND


@pytest.mark.parametrize("question", ["clear_up", "poll"])
@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(CHANGE, "person doubtful_submit", id="the same"),
        pytest.param({**CHANGE, "params": '{ "Amount": 16 }'}, "succeeded", id="other params"),
        pytest.param(
            {**CHANGE, "end_exec_date": "2027-01-01"},
            "person doubtful_submit",
            id="another in what is not shown",
        ),
        pytest.param({**CHANGE, "object_id": 78}, "succeeded", id="another object"),
        pytest.param({**CHANGE, "operation_id": FIRST}, "succeeded", id="an edit"),
    ],
)
def test_a_create_that_another_save_of_ours_may_have_made_is_a_person_s(
    stub: HttpStub,
    language: Language,
    shelf: StoredAccessTokens,
    other: Mapping[str, Any],
    expected: str,
    question: str,
) -> None:
    class Siblings:
        def of(self, operation_id: str) -> Sequence[Mapping[str, Any]]:
            assert operation_id == "1"
            return [{"operation": other}]

    stub.answer(language.said(listed(scheduled(FIRST), scheduled(SECOND))))
    plugin = IntellectMoneyPlugin(settings(stub.url, format=language.name), shelf, Siblings())
    with closing(plugin):
        assert short(ask(plugin, question, kind=SAVE, progress=READY)) == expected


def test_a_doubtful_create_is_looked_for_a_few_times_then_left_to_a_person(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(listed(scheduled(FIRST))))

    outcomes = until_the_end(plugin, "clear_up", kind=SAVE, progress=READY)

    assert outcomes == ["doubtful unknown"] * 3 + ["person doubtful_submit"]
    assert SAVE_PATH not in paths(stub)


def test_a_doubtful_create_is_looked_for_over_all_pages_and_queues(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    many = [scheduled(f"{n:08}-0000-4000-8000-000000000000") for n in range(1, 101)]
    before = {"ready": True, "before": [each["OperationId"].lower() for each in many]}
    stub.answer(*map(language.said, (QUEUED, listed(*many), listed(scheduled(SECOND)))))

    outcomes = until_the_end(plugin, "clear_up", kind=SAVE, progress=before)

    assert outcomes == ["pending", "pending", "succeeded"]


def test_a_doubt_is_left_to_a_person_once_its_time_is_over(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(Answer(status=502))
    assert short(ask(plugin, "clear_up", kind=SAVE, progress=READY)) == "pending transport"

    late = ask(plugin, "clear_up", kind=SAVE, progress=READY, now=AFTER)

    assert short(late) == "person doubtful_submit"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param({}, "succeeded", id="as sent"),
        pytest.param({"RepeatPlan": "0 0 12  1/1 * ? *"}, "succeeded", id="other blanks"),
        pytest.param({"Params": '{"Amount": 16}'}, "pending", id="other params"),
        pytest.param({"Params": None}, "pending", id="params not shown"),
        pytest.param({"IsSingle": 1}, "pending", id="another flag"),
        pytest.param({"State": 1}, "pending", id="off"),
        pytest.param({"RepeatPlan": "0 0 13 1/1 * ? *"}, "pending", id="another plan"),
        pytest.param({"ObjectId": 78}, "pending", id="another object"),
        pytest.param({"RetryOnFailCount": "4"}, "succeeded", id="what was not sent"),
    ],
)
def test_an_edit_is_confirmed_by_what_is_listed(
    plugin: IntellectMoneyPlugin,
    stub: HttpStub,
    language: Language,
    shown: Mapping[str, Any],
    expected: str,
) -> None:
    stub.answer(language.said(listed(scheduled(FIRST, **shown))))

    outcome = ask(plugin, "poll", kind=SAVE, args=EDIT, progress={"ready": True})

    assert short(outcome) == expected
    asked = form(stub.asked[0])
    assert (asked["Operation"], "ObjectId" in asked) == (FIRST, False)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(saved(1), "succeeded", id="1"),
        pytest.param(saved(0), "failed provider_error", id="0"),
        pytest.param(FAILED, "failed provider_error", id="error"),
        pytest.param(QUEUED, "pending", id="still queued"),
        pytest.param(response({}, code=7), "pending unknown", id="unknown"),
        *(
            pytest.param({**said, "OperationId": FIRST}, "pending unknown", id=f"another's {name}")
            for name, said in {"1": saved(1), "error": FAILED, "queued": QUEUED}.items()
        ),
    ],
)
def test_a_queued_write_is_told_by_its_result_where_its_path_is_set(
    make: Maker, stub: HttpStub, language: Language, said: Mapping[str, Any], expected: str
) -> None:
    stub.answer(language.said(said))

    outcome = ask(make(stub.url, result_path=RESULT_PATH), "poll", kind=SAVE, progress=READY)

    assert short(outcome) == expected
    assert paths(stub) == [f"/services/operation/{OPERATION}/result"]


def test_a_queued_write_without_an_end_is_left_to_a_person_at_its_deadline(
    make: Maker, stub: HttpStub, language: Language, shelf: StoredAccessTokens
) -> None:
    plugin = make(stub.url, result_path=RESULT_PATH)
    stub.answer(language.said(QUEUED))
    assert short(ask(plugin, "settle", kind=SAVE)) == "person doubtful_submit"

    # A token that is being fetched just then is worth waiting for, but not without end.
    shelf.drop(current(shelf))
    assert shelf.hold(30) == 0.0
    assert short(ask(plugin, "settle", kind=SAVE, now=AFTER)) == "pending"
    much_later = AFTER + timedelta(hours=1)
    assert short(ask(plugin, "settle", kind=SAVE, now=much_later)) == "person doubtful_submit"
    shelf.release()


def test_saving_keeps_what_was_listed_before_the_write_when_it_is_resumed(
    plugin: IntellectMoneyPlugin,
) -> None:
    progress = {**READY, "doubts": 3, "found": [SECOND], "place": {"skip": 1}}

    kept = plugin.carry_over(SAVE, progress, next_attempt=False)

    assert kept == {"before": [FIRST]}
    assert plugin.prepares(SAVE, kept)
    assert plugin.carry_over(SAVE, progress, next_attempt=True) == {}


def test_an_unwritten_create_is_listed_anew_when_it_is_resumed(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(listed(scheduled(FIRST), scheduled(SECOND))))

    outcome = ask(plugin, "prepare", kind=SAVE, progress={"before": [FIRST]})

    assert isinstance(outcome, Prepared)
    assert {**outcome.progress, "listed_at": 0} == {
        "ready": True,
        "before": [FIRST, SECOND],
        "listed_at": 0,
    }


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        pytest.param(FAILED, "person unknown_answer", id="error"),
        pytest.param(response({}), "person unknown_answer", id="no list"),
        pytest.param(Answer(status=502), "pending transport", id="down"),
        pytest.param(QUEUED, "pending", id="queued"),
    ],
)
@pytest.mark.parametrize("question", ["clear_up", "poll"])
def test_a_list_that_does_not_come_says_nothing_of_the_write(
    plugin: IntellectMoneyPlugin,
    stub: HttpStub,
    language: Language,
    odd: Answer | Mapping[str, Any],
    expected: str,
    question: str,
) -> None:
    stub.answer(odd if isinstance(odd, Answer) else language.said(odd))

    assert until_the_end(plugin, question, kind=SAVE, progress=READY)[-1] == expected
    assert set(paths(stub)) == {LIST_PATH}


@pytest.mark.parametrize("question", ["prepare", "clear_up"])
def test_a_list_without_an_end_is_left_to_a_person(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, question: str
) -> None:
    many = [scheduled(f"{n:08}-0000-4000-8000-000000000000") for n in range(1, 101)]
    stub.answer(language.said(listed(*many)))

    place = {"skip": 9_900, "pages": 99, "last": "others"}
    outcome = ask(plugin, question, kind=SAVE, progress={"place": place})

    assert (short(outcome), outcome.note) == ("person unknown_answer", "too many pages")
