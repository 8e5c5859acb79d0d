"""The Mandarin plugin against a strict server on loopback, call by call."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.support.loopback.http_stub import Answer, Asked, HttpStub, said
from tests.support.loopback.server import free_port
from tests.support.providers import mandarin
from tests.support.providers.limits import limits_of
from tests.support.providers.mandarin import (
    BY_INN,
    BY_SNILS,
    MERCHANT,
    NOW,
    SECRET,
    SESSION,
    status,
    submitted,
    supplied,
    work,
)
from uprid_client.contract.states import State
from worker.domain.outcomes import (
    PAST_ALL_STEPS,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Started,
    Trouble,
    Wanted,
)
from worker.providers.mandarin.plugin import MandarinPlugin
from worker.providers.protocol import Plugin, Work

Maker = Callable[..., MandarinPlugin]

PATH: Final = "/services/api/personidentification"
OPEN: Final = (False, None)
YES: Final = (True, True)
NO: Final = (True, False)
INVALID: Final = said({"error": "Invalid request"}, 400)
#: Not one of them says whether the request was taken.
BROKEN: Final[dict[str, Answer]] = {
    "cut": Answer(cut=True),
    "slow": Answer(wait=5),
    "500": Answer(status=500),
    "502 with an id": said({"id": SESSION}, 502),
    "503": Answer(status=503),
    "403": Answer(status=403),
    "404": said({"error": "Invalid request"}, 404),
    "201": said({"id": SESSION}, 201),
    "302": Answer(status=302, headers={"Location": "/"}),
    "a page": Answer(b"<html>Welcome</html>"),
    "a page with 400": Answer(b"<html>Bad Request</html>", 400),
    "nothing": Answer(),
    "half": Answer(b'{"id": "794d'),
    "deep": Answer(b"[" * 100_000),
    "too large": Answer(b" " * (1024 * 1024 + 1)),
    "not HTTP": Answer(raw=b"\x00\x01\x02\r\n\r\n", close=True),
}
#: JSON, and not what the page promises.
STRANGE: Final[dict[str, Answer]] = {
    "a list": said([]),
    "a number": said(5),
    "an error with 200": said({"error": "Invalid request"}),
    "another error with 400": said({"error": 5}, 400),
    "an error and an id": said({"error": "Invalid request", "id": SESSION}, 400),
    "named twice": Answer(b'{"id": "a", "id": "b"}'),
    "named twice with 400": Answer(b'{"error": "a", "error": "b"}', 400),
}
#: Ids that must not get into a path.
UNSAFE: Final[dict[str, object]] = {
    "a number": 5,
    "null": None,
    "empty": "",
    "a way up": "../../merchants",
    "a query": "a?b=c",
    "a new line": f"{SESSION}\n",
    "too long": "a" * 65,
    "Cyrillic": "Проверкин",
}


def ids(answers: dict[str, Any]) -> Any:  # noqa: ANN401 -- pytest's own
    return pytest.mark.parametrize(
        "answer", [pytest.param(answer, id=name) for name, answer in answers.items()]
    )


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with HttpStub() as server:
        yield server


@pytest.fixture
def make() -> Iterator[Maker]:
    with ExitStack() as stack:

        def made(url: str, **changes: Any) -> MandarinPlugin:
            plugin = MandarinPlugin(mandarin.settings(url, **changes))
            stack.callback(plugin.close)
            return plugin

        yield made


@pytest.fixture
def plugin(make: Maker, stub: HttpStub, request: pytest.FixtureRequest) -> MandarinPlugin:
    return make(stub.url, **limits_of(request))


@pytest.fixture
def away(make: Maker) -> MandarinPlugin:
    """A plugin whose provider cannot be reached."""
    return make(f"http://127.0.0.1:{free_port()}")


def short(outcome: Outcome) -> str:
    """Write an outcome as the tables below do."""
    match outcome:
        case Finished(state=State.SUCCEEDED):
            return "succeeded"
        case Finished(state=state, reason=reason) if reason is not None:
            return f"{state} {reason.code}{' retryable' if reason.retryable else ''}"
        case NeedsPerson(reason=reason):
            return f"person {reason.code}{' retryable' if reason.retryable else ''}"
        case Pending(trouble=trouble) | NotSent(trouble=trouble):
            return f"{type(outcome).__name__.lower()} {trouble}"
        case _:
            return type(outcome).__name__.lower()


def pending(outcome: Outcome) -> Pending:
    assert isinstance(outcome, Pending)
    return outcome


def signed_by(asked: Asked) -> str:
    """Return the id of a request, once its signature is checked."""
    merchant, signature, request_id = asked.headers["x-auth"].split("-")
    expected = hashlib.sha256(f"{MERCHANT}-{request_id}-{SECRET}".encode()).hexdigest()
    assert (merchant, signature) == (MERCHANT, expected)
    return request_id


# Submit.


@pytest.mark.parametrize(
    ("person", "identifier"),
    [
        pytest.param(BY_SNILS, {"snils": "11223344595"}, id="by SNILS"),
        pytest.param(BY_INN, {"snils": "", "inn": "501716749325"}, id="by INN"),
    ],
)
def test_submit_starts_a_session(
    plugin: Plugin, stub: HttpStub, person: dict[str, Any], identifier: dict[str, str]
) -> None:
    stub.answer(said({"id": SESSION}))

    outcome = plugin.submit(submitted(person))

    assert outcome == Started(
        SESSION,
        "session started",
        as_after=PAST_ALL_STEPS,
        wants=Wanted("sms_code", 5),
    )
    (asked,) = stub.asked
    assert (asked.method, asked.path) == ("POST", PATH)
    assert asked.headers["content-type"] == "application/json"
    assert asked.json == {
        "firstName": "Проверка",
        "patronymic": "Иванович",
        "lastName": "Проверкин",
        "passportSeries": "0000",
        "passportNumber": "000001",
        "phone": "+79001234567",
        **identifier,
    }


def test_every_request_is_signed_with_an_id_of_its_own(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said({"id": SESSION}), said({"id": SESSION}), said(status()), Answer(status=502))

    plugin.submit(submitted())
    plugin.supply(supplied())
    plugin.poll(work())
    plugin.poll(work())
    plugin.settle(work())

    assert [(asked.method, asked.path) for asked in stub.asked] == [
        ("POST", PATH),
        ("PUT", f"{PATH}/{SESSION}"),
        *[("GET", f"{PATH}/{SESSION}")] * 3,
    ]
    assert len({signed_by(asked) for asked in stub.asked}) == 5
    assert stub.asked[1].json == {"smsCode": "123456"}
    assert {asked.body for asked in stub.asked[2:]} == {b""}


def test_submit_is_rejected_when_mandarin_refuses_the_data(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(INVALID)

    outcome = plugin.submit(submitted())

    assert short(outcome) == "rejected data_incomplete retryable"
    assert isinstance(outcome, Finished)
    assert outcome.answer == INVALID.body


@ids({**BROKEN, **STRANGE})
def test_submit_in_doubt_is_a_persons_and_is_not_repeated(
    plugin: Plugin, stub: HttpStub, answer: Answer
) -> None:
    stub.answer(answer)

    outcome = plugin.submit(submitted())

    assert short(outcome) == "person doubtful_submit"
    assert len(stub.asked) == outcome.calls == 1


@pytest.mark.parametrize("value", [pytest.param(v, id=name) for name, v in UNSAFE.items()])
def test_submit_believes_no_id_that_is_unsafe_in_a_path(
    plugin: Plugin, stub: HttpStub, value: object
) -> None:
    stub.answer(said({"id": value}))

    outcome = plugin.submit(submitted())

    assert short(outcome) == "person doubtful_submit"
    assert isinstance(outcome, NeedsPerson)
    assert outcome.answer == stub.answers[0].body


def test_submit_is_sent_again_where_it_surely_was_not_sent(
    away: Plugin, plugin: Plugin, stub: HttpStub
) -> None:
    stub.answer(Answer(status=429, headers={"Retry-After": "7"}))

    assert short(away.submit(submitted())) == "notsent transport"
    assert plugin.submit(submitted()) == NotSent("http 429", Trouble.UNAVAILABLE, 7.0)


def test_clear_up_of_a_submit_leaves_it_to_a_person_without_a_call(
    plugin: Plugin, stub: HttpStub
) -> None:
    outcome = plugin.clear_up(submitted())

    assert short(outcome) == "person doubtful_submit"
    assert (outcome.calls, stub.asked) == (0, [])


@pytest.mark.parametrize("call", ["submit", "supply", "poll", "settle"])
def test_wrong_credentials_pause_the_provider(plugin: Plugin, stub: HttpStub, call: str) -> None:
    stub.answer(Answer(status=401))
    given = submitted() if call == "submit" else supplied()

    outcome = getattr(plugin, call)(given)

    assert isinstance(outcome, Misconfigured)
    assert SECRET not in repr(outcome)
    assert len(stub.asked) == 1


# Codes.


def test_code_that_is_taken_starts_the_schedule_anew(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said({"id": SESSION}))

    outcome = plugin.supply(supplied(nth=2, progress={"code": 1, "looks": 7, "unknown": 2}))

    assert outcome == Pending(
        "code sent", as_after=0, progress={"code": 2, "handed": "taken", "looks": 0}
    )


def test_code_that_is_refused_is_asked_for_again(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(INVALID)

    outcome = pending(plugin.supply(supplied(nth=2)))

    assert outcome.trouble is None
    assert outcome.wants == Wanted("sms_code", 3)
    assert (outcome.progress or {})["handed"] == "refused"


def test_last_code_that_is_refused_is_looked_at_once_more(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(INVALID, said(status(YES, NO)))

    refused = pending(plugin.supply(supplied(nth=5)))
    after = work(progress=refused.progress or {}, inputs_sent=5, input_sent_at=NOW)

    assert refused.wants is None
    assert short(plugin.poll(after)) == "rejected codes_exhausted retryable"
    stub.answer(said(status(YES, YES)))
    assert short(plugin.poll(after)) == "succeeded"


@ids({**BROKEN, **STRANGE, "another session": said({"id": "another"})})
def test_code_in_doubt_counts_and_the_status_is_asked(
    plugin: Plugin, stub: HttpStub, answer: Answer
) -> None:
    stub.answer(answer)

    outcome = pending(plugin.supply(supplied()))

    assert outcome.trouble is not None
    assert (outcome.as_after, outcome.wants) == (0, None)
    assert outcome.progress == {"code": 1, "handed": "doubtful", "looks": 0}
    assert len(stub.asked) == outcome.calls == 1


def test_code_is_sent_again_where_it_surely_was_not_sent(
    away: Plugin, plugin: Plugin, stub: HttpStub
) -> None:
    stub.answer(Answer(status=429))

    assert short(away.supply(supplied())) == "notsent transport"
    assert short(plugin.supply(supplied())) == "notsent unavailable"


def test_code_that_is_wrong_is_asked_for_again_once(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said({"id": SESSION}), said(status(OPEN, NO)))
    sent = pending(plugin.supply(supplied()))
    after: dict[str, Any] = {"inputs_sent": 1, "input_sent_at": NOW}

    first = pending(plugin.poll(work(progress=sent.progress or {}, **after)))
    again = pending(
        plugin.poll(work(progress=first.progress or {}, missing="sms_code", polls=1, **after))
    )

    assert first.wants == Wanted("sms_code", 4)
    assert again.wants is None


def test_code_whose_answer_was_lost_is_not_judged_by_an_earlier_ones(
    plugin: Plugin, stub: HttpStub
) -> None:
    stub.answer(Answer(cut=True), said(status(YES, NO)))
    sent = pending(plugin.supply(supplied(nth=5)))
    after: dict[str, Any] = {"inputs_sent": 5, "input_sent_at": NOW}

    soon = pending(plugin.poll(work(progress=sent.progress or {}, **after)))
    later = plugin.poll(
        work(progress=soon.progress or {}, now=NOW + timedelta(seconds=61), **after)
    )

    assert soon.wants is None
    assert short(later) == "rejected codes_exhausted retryable"


def test_schedule_is_counted_from_the_last_code(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said(status(OPEN, OPEN)))
    before = pending(plugin.poll(work(missing="sms_code")))
    assert before.as_after == PAST_ALL_STEPS

    progress: Any = {"code": 2, "handed": "taken", "looks": 0}
    waits = []
    for _ in range(4):
        outcome = pending(
            plugin.poll(work(progress=progress, inputs_sent=2, input_sent_at=NOW, polls=40))
        )
        progress = outcome.progress
        waits.append(plugin.policy.wait(outcome.as_after or 0, 0.5))

    assert waits == [30, 60, 300, 300]


def test_code_is_asked_for_after_a_resume(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said(status(OPEN, OPEN)))

    assert pending(plugin.poll(work())).wants == Wanted("sms_code", 5)


# Polls.


@pytest.mark.parametrize(
    ("document", "expected", "facts"),
    [
        pytest.param(
            status(YES, YES),
            "succeeded",
            {"verified_by": "result", "person_verified": True, "phone_verified": True},
            id="both verified",
        ),
        pytest.param(
            status(NO, OPEN),
            "rejected data_mismatch retryable",
            {"person_verified": False, "phone_verified": None},
            id="person wrong",
        ),
        pytest.param(
            status(OPEN, NO),
            "rejected codes_exhausted retryable",
            {"person_verified": None, "phone_verified": False},
            id="the fifth code wrong",
        ),
        pytest.param(
            status(YES, NO),
            "rejected codes_exhausted retryable",
            {"person_verified": True, "phone_verified": False},
            id="person verified, the fifth code wrong",
        ),
    ],
)
def test_poll_ends_with_what_is_known_and_the_whole_answer(
    plugin: Plugin, stub: HttpStub, document: dict[str, Any], expected: str, facts: dict[str, Any]
) -> None:
    stub.answer(said(document))
    progress = {"code": 5, "handed": "taken", "looks": 1}

    outcome = plugin.poll(work(inputs_sent=5, input_sent_at=NOW, progress=progress))

    assert short(outcome) == expected
    assert isinstance(outcome, Finished)
    assert outcome.result == facts
    assert outcome.answer is not None
    assert json.loads(outcome.answer) == document
    assert "Проверкин" not in repr(outcome)


@pytest.mark.parametrize("checks", [((True, None), YES), (YES, (True, None))])
def test_poll_leaves_a_check_that_finished_without_a_verdict_to_a_person(
    plugin: Plugin, stub: HttpStub, checks: tuple[tuple[object, object], tuple[object, object]]
) -> None:
    stub.answer(said(status(*checks)))

    outcome = plugin.poll(work(inputs_sent=1, input_sent_at=NOW))

    assert short(outcome) == "person unknown_answer"
    assert isinstance(outcome, NeedsPerson)
    assert outcome.answer is not None


@ids(
    {
        **STRANGE,
        "400": INVALID,
        "another session": said(status(YES, YES, id="another")),
        "no id": said(status(YES, YES, id=None)),
        "true as text": said(status((True, "true"), YES)),
        "one for true": said(status((1, 1), (1, 1))),
        "finished null": said(status((None, True), YES)),
        "a huge number": Answer(b'{"id": ' + b"9" * 4_000 + b"}"),
    }
)
def test_poll_asks_again_a_few_times_and_then_a_person(
    plugin: Plugin, stub: HttpStub, answer: Answer
) -> None:
    stub.answer(answer)
    progress: Any = {"code": 1, "handed": "taken", "looks": 2}
    given: dict[str, Any] = {"inputs_sent": 1, "input_sent_at": NOW}

    while isinstance(outcome := plugin.poll(work(progress=progress, **given)), Pending):
        assert outcome.trouble is Trouble.UNKNOWN
        progress = outcome.progress

    assert short(outcome) == "person unknown_answer"
    assert isinstance(outcome, NeedsPerson)
    assert outcome.answer == answer.body
    # Every second one came behind another on its connection, and is asked for again on a third.
    assert len(stub.asked) == 6


@ids(
    {
        "another session": said(status(YES, YES, id="another")),
        "400": INVALID,
        "401": Answer(status=401),
        "the answer to another question": said({"id": "another"}),
        "named twice": STRANGE["named twice"],
    }
)
@pytest.mark.parametrize("ask", ["poll", "settle"])
def test_status_is_asked_apart_where_the_reply_may_be_another_call_s(
    plugin: Plugin, stub: HttpStub, answer: Answer, ask: str
) -> None:
    """What is not known for the fourth time goes to a person, the answer with it."""
    stub.answer(said(status()), answer, said(status(YES, YES)))
    plugin.poll(work())

    outcome = getattr(plugin, ask)(work(progress={"unknown": 3}))

    assert isinstance(outcome, Finished)
    assert outcome.state is State.SUCCEEDED
    assert outcome.calls == 2
    assert stub.connections == 2


def test_poll_forgets_unknown_answers_after_a_known_one(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(INVALID, said(status()))
    unknown = pending(plugin.poll(work(missing="sms_code")))

    known = pending(plugin.poll(work(missing="sms_code", progress=unknown.progress or {})))

    assert (unknown.progress or {})["unknown"] == 1
    assert "unknown" not in (known.progress or {})


@ids(BROKEN)
def test_poll_is_asked_again_when_it_did_not_get_through(
    plugin: Plugin, stub: HttpStub, answer: Answer
) -> None:
    stub.answer(answer)

    outcome = pending(plugin.poll(work(progress={"code": 1})))

    assert outcome.trouble in {Trouble.TRANSPORT, Trouble.UNAVAILABLE}
    assert (outcome.progress, outcome.wants) == (None, None)


def test_poll_waits_as_long_as_mandarin_asks_for(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(Answer(status=503, headers={"Retry-After": "120"}))

    assert plugin.poll(work()) == Pending("http 503", Trouble.UNAVAILABLE, 120.0)


@pytest.mark.parametrize("call", ["supply", "poll", "settle"])
@pytest.mark.parametrize("given", [None, "", "../up", "a/b", "a b", "Ж", "a" * 65])
def test_session_id_that_a_person_mistyped_is_not_asked_about(
    plugin: Plugin, stub: HttpStub, call: str, given: str | None
) -> None:
    outcome = getattr(plugin, call)(supplied(provider_ref=given))

    assert short(outcome) == "person unknown_answer"
    assert (outcome.calls, stub.asked) == (0, [])


@pytest.mark.parametrize("call", ["submit", "supply"])
def test_nothing_is_sent_without_the_data(plugin: Plugin, stub: HttpStub, call: str) -> None:
    outcome = getattr(plugin, call)(supplied(payload=None))

    assert short(outcome) == "person payload_unreadable"
    assert (outcome.calls, stub.asked) == (0, [])


# Past the deadline.


def late(**changes: Any) -> Work:
    return work(State.SETTLING, now=NOW + timedelta(minutes=300), **changes)


@pytest.mark.parametrize(
    ("checks", "sent", "expected"),
    [
        pytest.param((YES, YES), 1, "succeeded", id="verified after all"),
        pytest.param((NO, OPEN), 0, "rejected data_mismatch retryable", id="wrong after all"),
        pytest.param((YES, NO), 5, "rejected codes_exhausted retryable", id="five wrong codes"),
        pytest.param((YES, OPEN), 0, "expired phone_not_verified retryable", id="no code came"),
        pytest.param((YES, NO), 4, "expired phone_not_verified retryable", id="four wrong codes"),
        pytest.param((OPEN, YES), 1, "expired deadline_passed retryable", id="person open"),
        pytest.param((OPEN, OPEN), 0, "expired deadline_passed retryable", id="both open"),
        pytest.param(((True, None), YES), 1, "person unknown_answer", id="no verdict"),
    ],
)
def test_settle_asks_once_more(
    plugin: Plugin, stub: HttpStub, checks: tuple[Any, Any], sent: int, expected: str
) -> None:
    stub.answer(said(status(*checks)))

    outcome = plugin.settle(late(inputs_sent=sent, input_sent_at=NOW if sent else None))

    assert short(outcome) == expected
    assert len(stub.asked) == outcome.calls == 1
    if isinstance(outcome, Finished):
        finished = [verified if done else None for done, verified in checks]
        assert [outcome.result[f"{name}_verified"] for name in ("person", "phone")] == finished
        assert outcome.answer is not None


def test_settle_waits_for_ever_while_mandarin_is_down(
    away: Plugin, plugin: Plugin, stub: HttpStub
) -> None:
    for answer in (Answer(status=502), Answer(cut=True), Answer(status=429)):
        stub.answer(answer)
        assert pending(plugin.settle(late(progress={"spoilt": 99}))).trouble is not None
    assert short(away.settle(late(progress={"spoilt": 99}))) == "pending transport"


@ids({name: BROKEN[name] for name in ("a page", "404", "403", "a page with 400", "half")})
def test_settle_leaves_replies_that_never_are_mandarins_to_a_person(
    plugin: Plugin, stub: HttpStub, answer: Answer
) -> None:
    stub.answer(answer)
    progress: Any = {}

    while isinstance(outcome := plugin.settle(late(progress=progress)), Pending):
        assert outcome.trouble is Trouble.TRANSPORT
        progress = outcome.progress

    assert short(outcome) == "person unknown_answer"
    assert len(stub.asked) == 11


def test_settle_leaves_a_session_that_mandarin_does_not_know_to_a_person(
    plugin: Plugin, stub: HttpStub
) -> None:
    stub.answer(INVALID)
    progress: Any = {}

    while isinstance(outcome := plugin.settle(late(progress=progress)), Pending):
        progress = outcome.progress

    assert short(outcome) == "person unknown_answer"
    # Every second one came behind another on its connection, and is asked for again on a third.
    assert len(stub.asked) == 6


# What shows, and what is checked.


def test_outcomes_hold_no_personal_data_and_no_secret(plugin: Plugin, stub: HttpStub) -> None:
    told = {"error": "Проверкин 123456", "id": "Проверкин 123456"}
    for answer in (said(status(YES, YES)), said(told), said(told, 400), Answer(status=500)):
        stub.answer(answer)
        for outcome in (
            plugin.submit(submitted()),
            plugin.supply(supplied()),
            plugin.poll(work()),
            plugin.settle(work()),
        ):
            for hidden in ("Проверкин", "123456", SECRET):
                assert hidden not in repr(outcome)


@pytest.mark.parametrize(
    ("answer", "findings"),
    [
        pytest.param(Answer(status=404), [True, True], id="any status"),
        pytest.param(
            Answer(headers={"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}),
            [True, True, False],
            id="clocks apart",
        ),
        pytest.param(Answer(cut=True), [True, False], id="cut"),
    ],
)
def test_check_looks_at_the_host_without_credentials(
    plugin: Plugin, stub: HttpStub, answer: Answer, findings: list[bool]
) -> None:
    stub.answer(answer)

    assert [finding.ok for finding in plugin.check()] == findings
    (asked,) = stub.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/services", b"")
    assert "x-auth" not in asked.headers


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(404, None), (400, None), (503, Trouble.UNAVAILABLE), (502, Trouble.TRANSPORT)],
)
def test_look_asks_for_a_session_that_nobody_has(
    plugin: Plugin, stub: HttpStub, status: int, trouble: Trouble | None
) -> None:
    stub.answer(Answer(status=status))

    assert pending(plugin.look()).trouble is trouble
    (asked,) = stub.asked
    assert asked.method == "GET"
    assert "/api/personidentification/" in asked.path


def test_check_says_when_the_deadline_comes_before_the_next_poll(
    make: Maker, stub: HttpStub
) -> None:
    finding, *_ = make(stub.url, deadline=timedelta(seconds=60)).check()

    assert (finding.ok, finding.detail) == (False, "POLL waits longer than DEADLINE")


def test_plugin_tells_the_limits_that_are_set(make: Maker, stub: HttpStub) -> None:
    total = timedelta(seconds=40)
    limits = make(stub.url, chunk=7, threads=3, rate_per_second=2, total_timeout=total).limits

    assert (limits.chunk, limits.threads, limits.rate_per_second) == (7, 3, 2)
    assert limits.total_timeout == 40
