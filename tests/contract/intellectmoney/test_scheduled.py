"""The list of scheduled operations."""

from tests.support.loopback.http_stub import HttpStub
from tests.support.providers.intellectmoney import (
    ACCESS_TOKEN,
    FAILED,
    FIRST,
    QUEUED,
    SECOND,
    Language,
    form,
    listed,
    scheduled,
)
from tests.support.providers.intellectmoney_asking import (
    LIST,
    LIST_PATH,
    ask,
    paths,
    pending,
    short,
)
from worker.domain.outcomes import Finished, Started
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin


def test_scheduled_operations_are_told_whole(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(listed(scheduled(FIRST), scheduled(SECOND, State=True))))
    filters = {"operation_id": FIRST, "object_id": 7, "state": 1, "date_from": "2026-01-31"}

    outcome = ask(plugin, "prepare", kind=LIST, args={"filters": filters})

    assert isinstance(outcome, Finished)
    assert outcome.result == {
        "operations": 2,
        "by_state": {"active": 1, "off": 1},
        "pages": 1,
    }
    assert outcome.answer is not None
    assert FIRST.encode() in outcome.answer
    assert paths(stub) == [LIST_PATH]
    assert form(stub.asked[0]) == {
        "UserToken": ACCESS_TOKEN,
        "Skip": "0",
        "Take": "100",
        "Operation": FIRST,
        "ObjectId": "7",
        "State": "1",
        "DateFrom": "01.31.2026",
    }


def test_scheduled_operations_are_carried_from_page_to_page(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    many = [scheduled(f"{n:08}-0000-4000-8000-000000000000") for n in range(1, 101)]
    stub.answer(*map(language.said, (listed(*many), QUEUED, listed(scheduled(FIRST)))))

    first = ask(plugin, "prepare", kind=LIST)
    assert isinstance(first, Started)
    second = pending(ask(plugin, "poll", kind=LIST, progress=first.progress))
    third = ask(plugin, "poll", kind=LIST, progress=second.progress)

    assert isinstance(third, Finished)
    assert third.result["operations"] == 101
    assert [form(asked)["Skip"] for asked in stub.asked] == ["0", "100", "100"]


def test_an_error_of_the_list_is_told_with_the_reply(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(FAILED))

    outcome = ask(plugin, "poll", kind=LIST)

    assert isinstance(outcome, Finished)
    assert short(outcome) == "failed provider_error retryable"
    assert outcome.answer == language.written(FAILED)


def test_a_list_without_an_end_ends_before_a_person(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    full = [scheduled(f"{n:08}-0000-4000-8000-000000000000") for n in range(1, 101)]
    stub.answer(language.said(listed(*full)))
    place = {"skip": 9_800, "pages": 98, "last": "another page's"}

    more = pending(ask(plugin, "poll", kind=LIST, progress={"place": place}))
    place = {**(more.progress or {})["place"], "last": "another page's"}
    enough = ask(plugin, "poll", kind=LIST, progress={"place": place})

    assert short(enough) == "person unknown_answer"
