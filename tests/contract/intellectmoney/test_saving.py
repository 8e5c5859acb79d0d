"""A scheduled operation is written once, and confirmed by the list."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.support.loopback.http_stub import Answer, HttpStub
from tests.support.loopback.server import free_port
from tests.support.providers.intellectmoney import (
    ACCESS_TOKEN,
    CHANGE,
    FAILED,
    FIRST,
    HTML,
    NOW,
    OBJECT_ID,
    QUEUED,
    REFUSED,
    SECOND,
    Language,
    form,
    listed,
    response,
    saved,
    scheduled,
    token,
)
from tests.support.providers.intellectmoney_asking import (
    ACCESS_TOKEN_PATH,
    LIST_PATH,
    SAVE,
    SAVE_PATH,
    Maker,
    ask,
    current,
    paths,
    pending,
    short,
    until_the_end,
)
from tests.support.providers.limits import limits_of
from worker.domain.outcomes import Finished, Misconfigured, NotSent, Prepared
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin

READY = {"ready": True, "before": [FIRST]}
EDIT = {"operation": {**CHANGE, "operation_id": FIRST}}


def test_a_create_lists_what_there_is_before_it(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    many = [scheduled(f"{n:08}-0000-4000-8000-000000000000") for n in range(1, 101)]
    stranger = scheduled(SECOND, ObjectId=78)
    stub.answer(*map(language.said, (listed(*many), QUEUED, listed(scheduled(FIRST), stranger))))

    assert plugin.prepares(SAVE, {})
    first = ask(plugin, "prepare", kind=SAVE)
    assert isinstance(first, Prepared)
    second = pending(ask(plugin, "prepare", kind=SAVE, progress=first.progress))
    third = ask(plugin, "prepare", kind=SAVE, progress=second.progress)

    assert (second.note, second.as_after) == ("list is queued", 0)
    assert isinstance(third, Prepared)
    assert len(third.progress["before"]) == 101
    assert FIRST in third.progress["before"]
    assert not plugin.prepares(SAVE, third.progress)
    assert set(paths(stub)) == {LIST_PATH}
    assert form(stub.asked[0])["ObjectId"] == str(OBJECT_ID)


def test_a_create_that_was_not_sent_lists_anew_before_it_is(
    make: Maker, stub: HttpStub, language: Language
) -> None:
    unsent = ask(make(f"http://127.0.0.1:{free_port()}"), "submit", kind=SAVE, progress=READY)
    assert isinstance(unsent, NotSent)
    assert unsent.progress == {}

    stub.answer(language.said(REFUSED))
    refused = ask(make(stub.url), "submit", kind=SAVE, progress=READY)
    assert isinstance(refused, NotSent | Misconfigured)
    assert refused.progress == {}


def test_a_create_is_not_sent_by_a_list_of_long_ago(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(listed()), language.said(saved(1)))
    prepared = ask(plugin, "prepare", kind=SAVE)
    assert isinstance(prepared, Prepared)

    late = ask(
        plugin, "submit", kind=SAVE, progress=prepared.progress, now=NOW + timedelta(minutes=11)
    )

    assert isinstance(late, NotSent)
    assert (late.progress, late.calls) == ({}, 0)
    assert SAVE_PATH not in paths(stub)
    assert short(ask(plugin, "submit", kind=SAVE, progress=prepared.progress)) == "succeeded"


def test_an_edit_has_a_token_before_it_and_lists_nothing(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, shelf: StoredAccessTokens
) -> None:
    shelf.drop(current(shelf))
    stub.answer(language.said(token()))

    outcome = ask(plugin, "prepare", kind=SAVE, args=EDIT)

    assert outcome == Prepared("token at hand", {"ready": True}, calls=1)
    assert paths(stub) == [ACCESS_TOKEN_PATH]


def test_a_list_that_fails_before_a_create_ends_it_with_nothing_sent(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(FAILED))

    assert until_the_end(plugin, "prepare", kind=SAVE)[-1] == "failed provider_error retryable"
    assert set(paths(stub)) == {LIST_PATH}


def test_a_write_sends_what_was_given_by_the_requests_names(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(saved(1)))
    change = {
        **CHANGE,
        "operation_id": FIRST,
        "retry_on_fail_plan": '{"every": 1}',
        "retry_on_fail_count": 3,
        "fire_on_skip": 1,
        "end_exec_date": "2026-12-31",
    }

    ask(plugin, "submit", kind=SAVE, args={"operation": change})

    assert paths(stub) == [SAVE_PATH]
    assert form(stub.asked[0]) == {
        "UserToken": ACCESS_TOKEN,
        "Operation": FIRST,
        "ObjectId": str(OBJECT_ID),
        "ObjectTypeVal": "1",
        "ParamsJson": '{"Amount":15}',
        "RepeatPlan": "0 0 12 1/1 * ? *",
        "RetryOnFailPlan": '{"every": 1}',
        "RetryOnFailCount": "3",
        "IsSingle": "0",
        "FireOnSkip": "1",
        "State": "0",
        "EndExecDate": "12.31.2026",
    }


#: What comes to the one write: the outcome.
WRITES: dict[str, tuple[Answer | Mapping[str, Any], str]] = {
    "1": (saved(1), "succeeded"),
    "true": (saved(flag=True), "succeeded"),
    "warnings": (saved(1, state=1), "succeeded"),
    "0": (saved(0), "failed provider_error"),
    "false": (saved(flag=False), "failed provider_error"),
    "error": (FAILED, "failed provider_error"),
    "queued": (QUEUED, "started"),
    "queued without a number": (response(code=1, operation_id=None), "doubtful unknown"),
    "unknown code": (saved(1, code=7), "doubtful unknown"),
    "unknown state": (saved(1, state=9), "doubtful unknown"),
    "no flag": (response({}), "doubtful unknown"),
    "a strange flag": (saved("maybe"), "doubtful unknown"),
    "http 500": (Answer(status=500), "doubtful transport"),
    "http 503": (Answer(status=503), "doubtful unavailable"),
    "http 404": (Answer(status=404), "doubtful transport"),
    "http 429": (Answer(status=429), "notsent unavailable"),
    "html": (HTML, "doubtful transport"),
    "cut": (Answer(cut=True), "doubtful transport"),
    "hung": (Answer(wait=10), "doubtful transport"),
    "too large": (Answer(b"x" * 2_000), "doubtful transport"),
}


@pytest.mark.parametrize(
    ("said", "expected"), [pytest.param(*row, id=name) for name, row in WRITES.items()]
)
def test_a_write_is_sent_once_whatever_comes(
    make: Maker,
    stub: HttpStub,
    language: Language,
    said: Answer | Mapping[str, Any],
    expected: str,
    request: pytest.FixtureRequest,
) -> None:
    stub.answer(said if isinstance(said, Answer) else language.said(said))

    plugin = make(stub.url, reply_limit=1_500, **limits_of(request))
    outcome = ask(plugin, "submit", kind=SAVE, progress=READY)

    assert short(outcome) == expected
    assert paths(stub) == [SAVE_PATH]
    assert outcome.calls == 1


@pytest.mark.parametrize(
    ("change", "result"),
    [
        pytest.param(CHANGE, {"confirmed_by": "reply"}, id="create"),
        pytest.param(
            EDIT["operation"],
            {"scheduled_operation_id": FIRST, "confirmed_by": "reply"},
            id="edit",
        ),
    ],
)
def test_a_write_tells_the_id_where_it_is_known(
    plugin: IntellectMoneyPlugin,
    stub: HttpStub,
    language: Language,
    change: Mapping[str, Any],
    result: Mapping[str, Any],
) -> None:
    stub.answer(language.said(saved(1)))

    outcome = ask(plugin, "submit", kind=SAVE, args={"operation": change}, progress=READY)

    assert isinstance(outcome, Finished)
    # The reply's own OperationId is the request's: an edit by it would change nothing.
    assert outcome.result == result
    assert outcome.answer == language.written(saved(1))


def test_a_write_that_could_not_be_sent_is_sent_again(make: Maker) -> None:
    plugin = make(f"http://127.0.0.1:{free_port()}/services")

    assert short(ask(plugin, "submit", kind=SAVE, progress=READY)) == "notsent transport"


def test_a_write_that_was_not_authenticated_was_not_done(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(*map(language.said, (REFUSED, token("fresh"), saved(1))))

    outcome = ask(plugin, "submit", kind=SAVE, progress=READY)

    assert (short(outcome), outcome.calls) == ("succeeded", 3)
    assert paths(stub) == [SAVE_PATH, ACCESS_TOKEN_PATH, SAVE_PATH]


def test_a_write_that_a_fresh_token_does_not_help_pauses_the_provider(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(*map(language.said, (REFUSED, token("fresh"), REFUSED)))

    assert short(ask(plugin, "submit", kind=SAVE, progress=READY)) == "pause"


def test_a_write_whose_token_is_gone_fetches_one_and_is_not_sent_where_there_is_none(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, shelf: StoredAccessTokens
) -> None:
    shelf.drop(current(shelf))
    stub.answer(Answer(status=502), language.said(QUEUED))

    assert short(ask(plugin, "submit", kind=SAVE, progress=READY)) == "notsent transport"
    assert short(ask(plugin, "submit", kind=SAVE, progress=READY)) == "notsent dependency"
    assert set(paths(stub)) == {ACCESS_TOKEN_PATH}


def test_a_write_without_a_token_that_nobody_understands_is_left_to_a_person(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, shelf: StoredAccessTokens
) -> None:
    shelf.drop(current(shelf))
    stub.answer(language.said(response({})))

    outcome = ask(plugin, "submit", kind=SAVE, progress={**READY, "unknown": 3})

    assert short(outcome) == "person unknown_answer"
    assert paths(stub) == [ACCESS_TOKEN_PATH]
