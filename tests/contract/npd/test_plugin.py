"""The NPD plugin against a strict server on loopback, error by error of page 002."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.support.loopback.http_stub import Answer, Asked, HttpStub, said
from tests.support.loopback.server import free_port
from tests.support.providers import moneta, npd
from tests.support.providers.limits import limits_of
from tests.support.providers.npd import (
    ASYNC_ID,
    DOC_ID,
    KEY,
    PERSON,
    PHONE,
    SECRET,
    STARTED,
    STORED,
    UNIT_ID,
    UPDATED,
    notification,
    work,
)
from uprid_client.contract.states import State
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Prepared,
    Settle,
    Started,
    Trouble,
)
from worker.providers.moneta.queries import Queries
from worker.providers.npd.notification import read_notification
from worker.providers.npd.plugin import NpdPlugin
from worker.providers.protocol import Finding, Plugin, Work

Maker = Callable[..., NpdPlugin]
#: Nothing before the deadline has to be asked.
DAYS_30 = 30 * 86_400


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with HttpStub() as server:
        yield server


@pytest.fixture
def bank() -> Iterator[HttpStub]:
    """MONETA, where a test has it asked."""
    with HttpStub() as server:
        yield server


@pytest.fixture
def make(stub: HttpStub) -> Iterator[Maker]:
    with ExitStack() as stack:

        def made(url: str | None = None, bank_url: str | None = None, **changes: Any) -> NpdPlugin:
            queries = None
            if bank_url is not None:
                queries = Queries(moneta.settings(bank_url))
                stack.callback(queries.close)
            plugin = NpdPlugin(npd.settings(url or stub.url, **changes), queries)
            stack.callback(plugin.close)
            return plugin

        yield made


@pytest.fixture
def plugin(make: Maker, request: pytest.FixtureRequest) -> NpdPlugin:
    return make(**limits_of(request))


def accepted(**changes: Any) -> Work:
    return work(State.ACCEPTED, **{"payload": PERSON, "provider_ref": None, **changes})


def submitted(**changes: Any) -> Work:
    return work(State.SUBMITTING, **{"payload": PERSON, "provider_ref": None, **changes})


def notifications(*said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [read_notification(each).content for each in said]


SUCCESS = notification()
EXPIRED = notification("EXPIRED")
KNOWN = {"unit_id": UNIT_ID}


def form(asked: Asked) -> dict[str, str]:
    """Return the parameters of a request, and hold it against the page."""
    assert asked.method == "POST"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    pairs = parse_qsl(asked.body.decode("ascii"), strict_parsing=True, keep_blank_values=True)
    parameters = dict(pairs)
    assert len(parameters) == len(pairs)
    assert parameters.pop("key") == KEY
    signature = parameters.pop("signature")
    text = "".join(parameters[name] for name in sorted(parameters)) + SECRET
    assert signature == md5(text.encode(), usedforsecurity=False).hexdigest()
    return parameters


def prepared(plugin: Plugin, **changes: Any) -> dict[str, Any]:
    """Return the progress that an attempt has once nothing is left to prepare."""
    progress = dict(changes.pop("progress", {}))
    for _ in range(4):
        if not plugin.prepares("identification", progress):
            return progress
        outcome = plugin.prepare(accepted(progress=progress, **changes))
        assert isinstance(outcome, Prepared)
        progress = json.loads(json.dumps(outcome.progress))
    pytest.fail("never ready")


def short(outcome: Outcome) -> str:
    """Write an outcome as the tables below do."""
    match outcome:
        case Finished(state=state, reason=None):
            return " ".join([state, *map(str, outcome.result.values())])
        case Finished(state=state, reason=reason) if reason is not None:
            return f"{state} {reason.code}{' retryable' if reason.retryable else ''}"
        case NeedsPerson(reason=reason):
            return f"person {reason.code}"
        case Misconfigured(reason=reason):
            return f"pause {reason.code}"
        case Pending(trouble=trouble) | NotSent(trouble=trouble) | Doubtful(trouble=trouble):
            return f"{type(outcome).__name__.lower()} {trouble}"
        case _:
            return type(outcome).__name__.lower()


# The two steps before the start


def test_prepare_stores_the_profile_and_then_the_passport(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said(UPDATED), said(STORED))

    progress = prepared(plugin)

    assert [asked.path for asked in stub.asked] == [
        "/services/updatemonetaprofile",
        "/services/updateuserdoc",
    ]
    assert form(stub.asked[0]) == {
        "bd": "1990-01-31",
        "firstname": "Проверка",
        "lastname": "Проверкин",
        "middlename": "Иванович",
        "snils": "112-233-445 95",
        "phone": PHONE,
    }
    assert form(stub.asked[1]) == {
        "docseries": "0000",
        "docnumber": "000001",
        "docissuer": "ОВД № 1",
        "docissued": "2010-02-03",
        "docdepartment": "000-000",
        "phone": PHONE,
    }
    assert (progress["unit_id"], progress["doc_id"]) == (UNIT_ID, DOC_ID)


def test_prepare_does_not_send_what_was_not_given(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said(UPDATED), said(STORED))
    bare = {name: value for name, value in PERSON.items() if name != "snils"}
    bare["passport"] = {"series": "0000", "number": "000001"}

    prepared(plugin, payload=bare)

    assert set(form(stub.asked[0])) == {"bd", "firstname", "lastname", "middlename", "phone"}
    assert set(form(stub.asked[1])) == {"docseries", "docnumber", "phone"}


def test_prepare_signs_only_what_the_setting_names(make: Maker, stub: HttpStub) -> None:
    stub.answer(said(UPDATED))
    plugin = make(signed_fields=("firstname", "lastname", "middlename", "phone"))

    plugin.prepare(accepted())

    parameters = dict(parse_qsl(stub.asked[0].body.decode()))
    text = "Проверка" + "Проверкин" + "Иванович" + PHONE + SECRET
    assert parameters["signature"] == md5(text.encode(), usedforsecurity=False).hexdigest()
    assert parameters["bd"] == "1990-01-31"


def test_prepare_remembers_nothing_that_is_personal(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said(UPDATED), said(STORED))

    progress = prepared(plugin)

    assert set(progress) == {"profile", "document", "unit_id", "doc_id", "ready"}
    assert all(re.fullmatch("[0-9a-f]{64}", progress[name]) for name in ("profile", "document"))


def changed(**changes: Any) -> dict[str, Any]:
    return {**PERSON, **changes}


@pytest.mark.parametrize(
    ("payload", "paths"),
    [
        pytest.param(PERSON, [], id="nothing"),
        pytest.param(changed(first_name="Иван"), ["updatemonetaprofile"], id="name"),
        pytest.param(changed(snils=None), ["updatemonetaprofile"], id="snils"),
        pytest.param(
            changed(passport={**PERSON["passport"], "number": "000002"}),
            ["updateuserdoc"],
            id="passport",
        ),
        pytest.param(
            changed(phone="79001234568"), ["updatemonetaprofile", "updateuserdoc"], id="phone"
        ),
    ],
)
def test_retry_does_again_only_the_steps_whose_data_changed(
    plugin: Plugin, stub: HttpStub, payload: dict[str, Any], paths: list[str]
) -> None:
    stub.answer(said(UPDATED), said(STORED))
    kept = plugin.carry_over("identification", prepared(plugin), next_attempt=True)
    stub.asked.clear()
    stub.answer(*(said(UPDATED if "profile" in path else STORED) for path in paths or [""]))

    progress = prepared(plugin, payload=payload, progress=kept)

    assert [asked.path.rpartition("/")[2] for asked in stub.asked] == paths
    assert progress["unit_id"] == UNIT_ID


def test_retry_with_the_same_data_makes_no_call(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said(UPDATED), said(STORED))
    kept = plugin.carry_over("identification", prepared(plugin), next_attempt=True)

    outcome = plugin.prepare(accepted(progress=kept))

    assert isinstance(outcome, Prepared)
    assert outcome.calls == 0
    assert len(stub.asked) == 2


def test_retry_goes_on_with_the_step_that_failed(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said(UPDATED))
    first = plugin.prepare(accepted())
    assert isinstance(first, Prepared)
    stub.answer(said({"error": "no user inn"}))
    assert isinstance(plugin.prepare(accepted(progress=first.progress)), Finished)
    stub.answer(said(STORED))

    kept = plugin.carry_over("identification", first.progress, next_attempt=True)
    outcome = plugin.prepare(accepted(progress=kept))

    assert isinstance(outcome, Prepared)
    assert stub.asked[-1].path == "/services/updateuserdoc"
    assert not plugin.prepares("identification", outcome.progress)


def test_prepare_forgets_the_unit_of_another_phone(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said(UPDATED), said(STORED))
    kept = plugin.carry_over("identification", prepared(plugin), next_attempt=True)
    stub.answer(said(UPDATED))

    outcome = plugin.prepare(accepted(progress=kept, payload=changed(phone="79001234568")))

    assert isinstance(outcome, Prepared)
    assert set(outcome.progress) == {"profile"}


@pytest.mark.parametrize("unit_id", [UNIT_ID, str(UNIT_ID), 2**64 - 1, str(2**64 - 1)], ids=repr)
def test_prepare_takes_ids_as_numbers_and_as_digits(
    plugin: Plugin, stub: HttpStub, unit_id: object
) -> None:
    stub.answer(said(UPDATED), said({"unitId": unit_id, "docId": str(DOC_ID)}))

    progress = prepared(plugin)

    assert progress["unit_id"] == int(str(unit_id))
    assert progress["doc_id"] == DOC_ID


def test_prepare_needs_a_person_when_npd_names_another_unit(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said(UPDATED))
    first = plugin.prepare(accepted(args={"unit_id": UNIT_ID + 1}))
    assert isinstance(first, Prepared)
    stub.answer(said(STORED))

    outcome = plugin.prepare(accepted(args={"unit_id": UNIT_ID + 1}, progress=first.progress))

    assert short(outcome) == "person unknown_answer"
    assert isinstance(outcome, NeedsPerson)
    assert json.loads(outcome.answer or b"") == STORED


def test_prepare_goes_on_when_npd_names_the_unit_that_was_asked_for(
    plugin: Plugin, stub: HttpStub
) -> None:
    stub.answer(said(UPDATED), said(STORED))

    assert prepared(plugin, args={"unit_id": UNIT_ID})["unit_id"] == UNIT_ID


# Errors

#: error: at updatemonetaprofile, at updateuserdoc, at startuprid.
ERRORS: dict[str, tuple[str, str, str]] = {
    "no parthner": ("pause configuration",) * 3,
    "wrong signature": ("pause configuration",) * 3,
    "no user found": ("rejected not_found_at_provider retryable",) * 3,
    "no user unitId": ("rejected not_found_at_provider retryable",) * 3,
    "no user inn": ("rejected not_eligible retryable",) * 3,
    "not updated": ("person unknown_answer", "notsent dependency", "doubtful unknown"),
    "no async task": ("person unknown_answer", "person unknown_answer", "notsent dependency"),
    **dict.fromkeys(
        ("no partner", "No User Found", "no user found ", "", "Проверкин"),
        ("person unknown_answer", "person unknown_answer", "doubtful unknown"),
    ),
}
METHODS = ("updatemonetaprofile", "updateuserdoc", "startuprid")
CELLS = pytest.mark.parametrize(
    ("error", "method", "cell"),
    [
        pytest.param(error, method, cell, id=f"{method} {error!r}")
        for error, cells in ERRORS.items()
        for method, cell in zip(METHODS, cells, strict=True)
    ],
)


def asked_at(
    plugin: Plugin, stub: HttpStub, method: str, answer: Answer, consecutive_failures: int = 0
) -> Outcome:
    """Return what an answer at a method comes to."""
    if method == "startuprid":
        stub.answer(answer)
        return plugin.submit(submitted(consecutive_failures=consecutive_failures))
    progress: Mapping[str, Any] = {}
    if method == "updateuserdoc":
        stub.answer(said(UPDATED))
        first = plugin.prepare(accepted())
        assert isinstance(first, Prepared)
        progress = first.progress
    stub.answer(answer)
    outcome = plugin.prepare(accepted(progress=progress, consecutive_failures=consecutive_failures))
    assert stub.asked[-1].path == f"/services/{method}"
    return outcome


@CELLS
@pytest.mark.parametrize("status", [200, 400])
def test_error_comes_to_what_the_page_says(
    plugin: Plugin, stub: HttpStub, error: str, method: str, cell: str, status: int
) -> None:
    outcome = asked_at(plugin, stub, method, said({"error": error}, status))

    if status == 400 and "unknown" in cell:
        # With a status that says failure only the known errors are NPD's.
        cell = "doubtful transport" if method == "startuprid" else "notsent transport"
    assert short(outcome) == cell
    assert outcome.calls == 1
    assert "Проверкин" not in repr(outcome)


@pytest.mark.parametrize("error", ["no user found", "no user unitId", "no user inn"])
def test_rejection_says_what_to_do(plugin: Plugin, stub: HttpStub, error: str) -> None:
    outcome = asked_at(plugin, stub, "startuprid", said({"error": error}))

    assert isinstance(outcome, Finished)
    assert outcome.reason is not None
    assert outcome.reason.provider_code == error
    assert "retry" in outcome.reason.message
    assert json.loads(outcome.answer or b"") == {"error": error}


@pytest.mark.parametrize(
    ("method", "error"), [("updateuserdoc", "not updated"), ("startuprid", "no async task")]
)
@pytest.mark.parametrize("consecutive_failures", [3, 4, 5])
def test_failure_to_do_it_is_final_the_fifth_time_in_a_row(
    plugin: Plugin, stub: HttpStub, method: str, error: str, consecutive_failures: int
) -> None:
    outcome = asked_at(plugin, stub, method, said({"error": error}), consecutive_failures)

    last = "failed provider_error retryable"
    assert short(outcome) == ("notsent dependency" if consecutive_failures == 3 else last)


# What is no answer

DEEP = b'{"a":' + b"[" * 100_000
BROKEN = [
    pytest.param(Answer(), "unreadable reply", id="empty"),
    pytest.param(Answer(b"<html>maintenance</html>"), "unreadable reply", id="a page"),
    pytest.param(Answer(b"\xff{}"), "unreadable reply", id="no UTF-8"),
    pytest.param(Answer(DEEP), "unreadable reply", id="deep"),
    pytest.param(Answer(b'{"asyncId":' + b"9" * 5_000 + b"}"), "unreadable reply", id="endless"),
    pytest.param(Answer(b'{"asyncId": NaN}'), "unreadable reply", id="NaN"),
    pytest.param(Answer(b"<html>502</html>", 502), "http 502", id="a proxy's page"),
    pytest.param(said({"error": "Bad Gateway"}, 502), "http 502", id="a proxy's JSON"),
    pytest.param(said({**UPDATED, **STORED, **STARTED}, 500), "http 500", id="an answer with 500"),
    pytest.param(Answer(b"", 503), "http 503", id="unavailable"),
    pytest.param(Answer(b"", 404), "http 404", id="not found"),
    pytest.param(Answer(status=302, headers={"Location": "/"}), "redirect refused", id="redirect"),
    pytest.param(Answer(b"x" * 2_000_000), "reply too large", id="too large"),
    pytest.param(Answer(cut=True), "connection broken", id="cut"),
    pytest.param(Answer(b"x" * 90, drip=0.05), "timed out", id="drip"),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("answer", "note"), BROKEN)
def test_broken_reply_is_no_verdict(
    plugin: Plugin, stub: HttpStub, method: str, answer: Answer, note: str
) -> None:
    outcome = asked_at(plugin, stub, method, answer)

    assert isinstance(outcome, Doubtful if method == "startuprid" else NotSent)
    assert outcome.note == note
    assert outcome.trouble.feeds_breaker


@pytest.mark.parametrize("method", METHODS)
def test_too_fast_is_sent_again_when_npd_says_so(
    plugin: Plugin, stub: HttpStub, method: str
) -> None:
    outcome = asked_at(plugin, stub, method, said({}, 429, Retry_After="7"))

    assert outcome == NotSent("http 429", Trouble.UNAVAILABLE, 7.0)


@pytest.mark.parametrize("step", ["prepare", "submit"])
def test_refused_connection_is_sent_again(make: Maker, step: str) -> None:
    plugin = make(f"http://127.0.0.1:{free_port()}/npdapi")

    outcome = getattr(plugin, step)(accepted())

    assert outcome == NotSent("connection refused", Trouble.TRANSPORT)


#: Bodies that are JSON and no answer to anything.
UNLIKE: list[Any] = [
    pytest.param([], "no object", id="a list"),
    pytest.param(None, "no object", id="null"),
    pytest.param("updated", "no object", id="a word"),
    pytest.param({}, "neither an answer nor an error", id="nothing"),
    pytest.param({"error": None}, "neither an answer nor an error", id="no error"),
    pytest.param({"error": 5}, "unknown error", id="error a number"),
    pytest.param({"error": ["no user found"]}, "unknown error", id="error a list"),
    pytest.param(
        {"error": "no user found", **UPDATED, **STORED, **STARTED},
        "an answer and an error",
        id="both",
    ),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("document", "note"), UNLIKE)
def test_unknown_reply_is_no_verdict(
    plugin: Plugin, stub: HttpStub, method: str, document: object, note: str
) -> None:
    outcome = asked_at(plugin, stub, method, said(document))

    expected = "doubtful unknown" if method == "startuprid" else "person unknown_answer"
    assert (short(outcome), outcome.note) == (expected, note)


#: No "BigInt 20".
NO_IDS: list[Any] = [True, 0, -1, 1.5, 2**64, "9" * 21, "", " 1", "x", None, [1], {}]
NOT_TRUE: list[Any] = [False, "true", 1, None, {}]
SHAPES: list[Any] = [
    *(("updatemonetaprofile", {"updated": value}) for value in NOT_TRUE),
    *(("updateuserdoc", {**STORED, "unitId": value}) for value in NO_IDS),
    *(("updateuserdoc", {**STORED, "docId": value}) for value in NO_IDS),
    ("updateuserdoc", {"unitId": UNIT_ID}),
    *(("startuprid", {**STARTED, "asyncId": value}) for value in NO_IDS),
    ("updatemonetaprofile", STORED),
    ("updateuserdoc", STARTED),
    ("startuprid", UPDATED),
]


@pytest.mark.parametrize(("method", "document"), SHAPES, ids=repr)
def test_spoilt_answer_is_no_verdict(
    plugin: Plugin, stub: HttpStub, method: str, document: object
) -> None:
    outcome = asked_at(plugin, stub, method, said(document))

    expected = "doubtful unknown" if method == "startuprid" else "person unknown_answer"
    assert short(outcome) == expected


@pytest.mark.parametrize("method", METHODS)
def test_name_given_twice_is_no_verdict(plugin: Plugin, stub: HttpStub, method: str) -> None:
    twice = Answer(b'{"error": "no user inn", "error": "no user found"}')

    assert asked_at(plugin, stub, method, twice).note == "a name is given twice"


# The start


def test_submit_starts_the_identification(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said(STARTED))

    outcome = plugin.submit(submitted())

    deadline = datetime(2026, 8, 1, 23, 40, 0, 961_000, tzinfo=UTC)
    assert outcome == Started(
        str(ASYNC_ID), "CREATED", deadline, again_in=float(DAYS_30), accepts_notifications=True
    )
    assert stub.asked[0].path == "/services/startuprid"
    assert form(stub.asked[0]) == {"phone": PHONE}


def test_submit_leaves_the_polling_to_the_schedule_when_the_task_is_polled(
    make: Maker, stub: HttpStub, bank: HttpStub
) -> None:
    stub.answer(said(STARTED))

    outcome = make(bank_url=bank.url, poll_async_id=True).submit(submitted())

    assert isinstance(outcome, Started)
    assert outcome.again_in is None
    assert outcome.accepts_notifications


@pytest.mark.parametrize("async_id", [2**64 - 1, str(2**64 - 1)], ids=["number", "digits"])
def test_submit_keeps_the_whole_async_id(plugin: Plugin, stub: HttpStub, async_id: object) -> None:
    stub.answer(said({**STARTED, "asyncId": async_id}))

    outcome = plugin.submit(submitted())

    assert isinstance(outcome, Started)
    assert outcome.provider_ref == str(2**64 - 1)


@pytest.mark.parametrize(
    ("date", "deadline"),
    [
        ("2026-08-02T02:40:00Z", datetime(2026, 8, 2, 2, 40, tzinfo=UTC)),
        ("2026-08-02T02:40:00.1", datetime(2026, 8, 1, 23, 40, 0, 100_000, tzinfo=UTC)),
        ("9999-12-31T00:00:00Z", None),
        ("0001-01-01T00:00:00+03:00", None),
        ("2026-13-45T00:00:00Z", None),
        ("soon", None),
        (1_800_000_000, None),
        (None, None),
    ],
    ids=["UTC", "no zone is Moscow", "never", "no time", "no day", "word", "number", "none"],
)
def test_submit_takes_the_deadline_where_it_can_be_read(
    plugin: Plugin, stub: HttpStub, date: object, deadline: datetime | None
) -> None:
    stub.answer(said({**STARTED, "expirationDate": date}))

    outcome = plugin.submit(submitted())

    assert isinstance(outcome, Started)
    assert outcome.deadline_at == deadline


@pytest.mark.parametrize("status", ["Проверкин", None, 5], ids=repr)
def test_submit_keeps_the_task_when_its_status_is_unknown(
    plugin: Plugin, stub: HttpStub, status: object
) -> None:
    stub.answer(said({**STARTED, "asyncStatus": status}))

    outcome = plugin.submit(submitted())

    assert isinstance(outcome, Started)
    assert outcome.note == "unknown asyncStatus"


# Notifications

FOREIGN = notification(upridAsyncId=ASYNC_ID + 1, notificationId=6)


@pytest.mark.parametrize(
    ("told", "cell"),
    [
        pytest.param([SUCCESS], "succeeded notification", id="success"),
        pytest.param([SUCCESS, SUCCESS], "succeeded notification", id="success twice"),
        pytest.param([EXPIRED], "person doubtful_submit", id="expired"),
        pytest.param([EXPIRED, SUCCESS], "succeeded notification", id="expired, then success"),
        pytest.param([FOREIGN], "succeeded notification", id="any asyncId"),
        pytest.param([], "person doubtful_submit", id="none"),
    ],
)
def test_clear_up_believes_the_notification_of_the_phone(
    plugin: Plugin, stub: HttpStub, told: list[dict[str, Any]], cell: str
) -> None:
    outcome = plugin.clear_up(submitted(notifications=notifications(*told), progress=KNOWN))

    assert short(outcome) == cell
    assert outcome.calls == 0
    assert stub.asked == []


def test_clear_up_says_what_to_do(plugin: Plugin) -> None:
    outcome = plugin.clear_up(submitted())

    assert isinstance(outcome, NeedsPerson)
    for word in ("startuprid", "SUCCESS", "--provider-ref", "resolve", "retry"):
        assert word in outcome.reason.message


@pytest.mark.parametrize(
    ("told", "polled", "settled"),
    [
        pytest.param([SUCCESS], "succeeded notification", "succeeded notification", id="success"),
        pytest.param(
            [EXPIRED, SUCCESS], "succeeded notification", "succeeded notification", id="both"
        ),
        pytest.param(
            [SUCCESS, EXPIRED], "succeeded notification", "succeeded notification", id="both ways"
        ),
        pytest.param([EXPIRED], "settle", "expired deadline_passed retryable", id="expired"),
        pytest.param(
            [FOREIGN], "pending None", "expired deadline_passed retryable", id="another task's"
        ),
        pytest.param([FOREIGN, EXPIRED], "settle", "expired deadline_passed retryable", id="mixed"),
        pytest.param([], "pending None", "expired deadline_passed retryable", id="none"),
    ],
)
def test_notification_is_believed_without_moneta(
    plugin: Plugin, told: list[dict[str, Any]], polled: str, settled: str
) -> None:
    attempt = work(notifications=notifications(*told), progress=KNOWN)

    assert short(plugin.poll(attempt)) == polled
    assert short(plugin.settle(attempt)) == settled
    assert plugin.poll(attempt).calls == plugin.settle(attempt).calls == 0


def test_notification_is_the_answer_in_whole(plugin: Plugin) -> None:
    success = plugin.poll(work(notifications=notifications(SUCCESS)))
    expired = plugin.settle(work(notifications=notifications(EXPIRED)))

    assert isinstance(success, Finished)
    assert json.loads(success.answer or b"") == SUCCESS
    assert "10203040" not in repr(success)
    assert isinstance(expired, Finished)
    assert json.loads(expired.answer or b"") == EXPIRED


def test_poll_waits_for_the_notification(plugin: Plugin) -> None:
    outcome = plugin.poll(work())

    assert outcome == Pending("no notification yet", again_in=float(DAYS_30), calls=0)


# Confirmation by MONETA's profile

ANONYMOUS = said(moneta.profile(moneta.ANONYMOUS))
SIMPLIFIED = said(moneta.profile(moneta.SIMPLIFIED))
FULL = said(moneta.profile(moneta.FULL))
GROUPS: list[Any] = [
    # name, MONETA's answer, after a SUCCESS, past the deadline
    ("simplified", SIMPLIFIED, "succeeded notification simplified", "succeeded simplified profile"),
    ("full", FULL, "succeeded notification full", "succeeded full profile"),
    ("anonymous", ANONYMOUS, "pending None", "pending None"),
    ("another group", said(moneta.profile(99)), "person unknown_answer", "person unknown_answer"),
    ("no group", said(moneta.profile(None)), "person unknown_answer", "person unknown_answer"),
    (
        "another unit",
        said(moneta.profile(moneta.SIMPLIFIED, UNIT_ID + 1)),
        "person unknown_answer",
        "person unknown_answer",
    ),
    *(
        (name, answer, "pending dependency", "pending dependency")
        for name, answer in {
            "down": Answer(b"", 503, {"Retry-After": "7"}),
            "cut": Answer(cut=True),
            "a page": Answer(b"<html></html>"),
            "fault 100": said(moneta.fault("100"), 400),
            "SMEV": said(moneta.fault("500.8"), 400),
            "our login": said(moneta.fault("300.1"), 400),
            "not known": said(moneta.ticket()),
        }.items()
    ),
    (
        "no access",
        said(moneta.fault("300.2"), 400),
        "person configuration",
        "person configuration",
    ),
]


def test_every_end_names_the_document_and_what_moneta_has_approved(
    make: Maker, bank: HttpStub
) -> None:
    document = moneta.profile(moneta.SIMPLIFIED)
    document["Envelope"]["Body"]["GetProfileInfoResponse"]["attribute"] += [
        {"key": "last_name", "value": "Проверкин", "approved": True},
        {"key": "snils", "value": "11223344595", "approved": False},
        {"key": "modificationdate", "value": "2026-08-01", "approved": True},
    ]
    bank.answer(said(document))
    plugin, told, known = (
        make(bank_url=bank.url),
        notifications(SUCCESS),
        {**KNOWN, "doc_id": DOC_ID},
    )

    by_notification = plugin.poll(work(notifications=told, progress=known))
    by_profile = plugin.settle(work(State.SETTLING, progress=known))
    expired = make().settle(work(State.SETTLING, progress=known))

    names = {"approved": ["last_name"], "not_approved": ["snils"], "group": "simplified"}
    facts = {**names, "document_id": DOC_ID}
    assert isinstance(by_notification, Finished)
    assert isinstance(by_profile, Finished)
    assert isinstance(expired, Finished)
    assert by_notification.result == {**facts, "verified_by": "notification"}
    assert by_profile.result == {**facts, "verified_by": "profile_group"}
    assert expired.result == {"document_id": DOC_ID}


@pytest.mark.parametrize(
    ("answer", "confirmed", "settled"),
    [pytest.param(*row, id=name) for name, *row in GROUPS],
)
def test_profile_is_asked_where_the_unit_is_known(
    make: Maker, stub: HttpStub, bank: HttpStub, answer: Answer, confirmed: str, settled: str
) -> None:
    bank.answer(answer)
    plugin = make(bank_url=bank.url)
    told = notifications(SUCCESS)

    outcomes = [
        plugin.poll(work(notifications=told, progress=KNOWN)),
        plugin.settle(work(State.SETTLING, notifications=told, progress=KNOWN)),
        plugin.clear_up(submitted(notifications=told, progress=KNOWN)),
    ]
    past = plugin.settle(work(State.SETTLING, progress=KNOWN))

    assert [short(outcome) for outcome in outcomes] == [confirmed] * 3
    assert short(past).removesuffix("_group") == settled
    # What is said of another unit on a kept connection is asked again on one of its own.
    assert {outcome.calls for outcome in (*outcomes, past)} <= {1, 2}
    assert len(bank.asked) == sum(outcome.calls for outcome in (*outcomes, past))
    assert stub.asked == []


@pytest.mark.parametrize("question", ["poll", "settle", "clear_up"])
def test_login_that_moneta_goes_on_refusing_ends_up_before_a_person(
    make: Maker, bank: HttpStub, question: str
) -> None:
    bank.answer(said(moneta.fault("300.1"), 400))
    plugin = make(bank_url=bank.url)
    told = notifications(SUCCESS)

    before = getattr(plugin, question)(
        work(notifications=told, progress=KNOWN, consecutive_failures=9)
    )
    after = getattr(plugin, question)(
        work(notifications=told, progress=KNOWN, consecutive_failures=10)
    )

    assert short(before) == "pending dependency"
    assert isinstance(after, NeedsPerson)
    assert (short(after), after.note) == ("person configuration", "moneta: fault 300.1")
    assert json.loads(after.answer or b"") == SUCCESS


def test_trouble_at_moneta_has_npd_neither_rest_nor_pause(make: Maker, bank: HttpStub) -> None:
    bank.answer(Answer(b"", 503, {"Retry-After": "7"}))

    outcome = make(bank_url=bank.url).poll(
        work(notifications=notifications(SUCCESS), progress=KNOWN)
    )

    # Retry-After, and not when to ask again: "0" would have every operation ask at once.
    assert outcome == Pending("moneta: http 503", Trouble.DEPENDENCY, retry_after=7.0)
    assert not Trouble.DEPENDENCY.feeds_breaker


def test_success_is_told_with_its_notification_when_a_person_is_needed(
    make: Maker, bank: HttpStub
) -> None:
    plugin = make(bank_url=bank.url)

    for answer in (said(moneta.profile(99)), said(moneta.fault("300.2"), 400)):
        bank.answer(answer)
        outcome = plugin.poll(work(notifications=notifications(SUCCESS), progress=KNOWN))

        assert isinstance(outcome, NeedsPerson)
        assert json.loads(outcome.answer or b"") == SUCCESS


@pytest.mark.parametrize(
    ("told", "end"),
    [
        ([SUCCESS], "person unknown_answer"),
        ([EXPIRED], "rejected not_identified retryable"),
        ([], "rejected not_identified retryable"),
    ],
    ids=["success", "expired", "none"],
)
def test_anonymous_is_asked_again_before_it_counts(
    make: Maker, bank: HttpStub, told: list[dict[str, Any]], end: str
) -> None:
    bank.answer(ANONYMOUS)
    plugin = make(bank_url=bank.url, settle_over=timedelta(seconds=60))
    progress: Mapping[str, Any] = KNOWN

    for _ in range(2):
        outcome = plugin.settle(
            work(State.SETTLING, notifications=notifications(*told), progress=progress)
        )
        assert isinstance(outcome, Pending)
        assert (outcome.trouble, outcome.again_in) == (None, 30.0)
        assert outcome.progress is not None
        progress = outcome.progress
    last = plugin.settle(
        work(State.SETTLING, notifications=notifications(*told), progress=progress)
    )

    assert short(last) == end
    assert progress["unit_id"] == UNIT_ID


def test_anonymous_is_asked_again_after_a_success_that_came_late(
    make: Maker, bank: HttpStub
) -> None:
    bank.answer(ANONYMOUS)
    plugin = make(bank_url=bank.url)

    outcome = plugin.settle(
        work(State.SETTLING, notifications=notifications(SUCCESS), progress={**KNOWN, "checks": 2})
    )

    assert short(outcome) == "pending None"


def test_anonymous_counts_at_once_when_one_check_is_set(make: Maker, bank: HttpStub) -> None:
    bank.answer(ANONYMOUS)
    plugin = make(bank_url=bank.url, settle_checks=1)

    outcome = plugin.settle(work(State.SETTLING, progress=KNOWN))

    assert short(outcome) == "rejected not_identified retryable"


@pytest.mark.parametrize(
    ("progress", "args", "unit_id"),
    [
        ({"unit_id": UNIT_ID}, {}, UNIT_ID),
        ({}, {"unit_id": UNIT_ID}, UNIT_ID),
        ({"unit_id": UNIT_ID}, {"unit_id": 1}, UNIT_ID),
    ],
    ids=["NPD's", "the marketplace's", "NPD's before the marketplace's"],
)
def test_profile_is_asked_for_the_known_unit(
    make: Maker, bank: HttpStub, progress: dict[str, Any], args: dict[str, Any], unit_id: int
) -> None:
    bank.answer(SIMPLIFIED)

    make(bank_url=bank.url).settle(work(State.SETTLING, args=args, progress=progress))

    asked = bank.asked[0].json["Envelope"]["Body"]
    assert asked == {"GetProfileInfoRequest": {"unitId": unit_id}}


@pytest.mark.parametrize(
    ("changes", "progress"),
    [({}, {}), ({"confirm_by_profile": False}, KNOWN)],
    ids=["unit unknown", "turned off"],
)
def test_success_is_believed_at_once_where_it_is_not_to_be_confirmed(
    make: Maker, bank: HttpStub, changes: dict[str, Any], progress: dict[str, Any]
) -> None:
    plugin = make(bank_url=bank.url, **changes)

    outcome = plugin.poll(work(notifications=notifications(SUCCESS), progress=progress))

    assert short(outcome) == "succeeded notification"
    assert bank.asked == []


# The task at MONETA, where the setting has it polled

TASKS: list[Any] = [
    ("in progress", said(moneta.ticket()), "pending None"),
    ("success", said(moneta.result()), None),
    (
        "no",
        said(moneta.result(success=False, code="500.7.3")),
        "rejected data_mismatch retryable",
    ),
    ("down", Answer(b"", 503, {"Retry-After": "7"}), "pending dependency"),
    *(
        (f"fault {code}", said(moneta.fault(code), 400), "pending None")
        for code in ("300.1", "300.2", "500.7.2", "500.9.1")
    ),
    ("another unit's", said(moneta.result(unit_id=UNIT_ID + 1)), "pending None"),
    ("unknown", said(moneta.profile(1)), "pending dependency"),
]


@pytest.mark.parametrize(("answer", "cell"), [pytest.param(*row, id=name) for name, *row in TASKS])
def test_poll_asks_moneta_when_the_setting_says_so(
    make: Maker, bank: HttpStub, answer: Answer, cell: str | None
) -> None:
    bank.answer(answer)
    plugin = make(bank_url=bank.url, poll_async_id=True)

    outcome = plugin.poll(work(progress=KNOWN))

    if cell is None:
        assert isinstance(outcome, Finished)
        assert outcome.state is State.SUCCEEDED
        assert outcome.result["verified_by"] == "result"
    else:
        assert short(outcome) == cell
    assert outcome.calls == len(bank.asked) == 1
    assert bank.asked[0].json["Envelope"]["Body"] == {"AsyncRequest": {"asyncId": ASYNC_ID}}


def test_poll_asks_for_ever_what_moneta_never_knows(make: Maker, bank: HttpStub) -> None:
    bank.answer(said(moneta.profile(1)))
    plugin = make(bank_url=bank.url, poll_async_id=True)
    progress: Mapping[str, Any] = KNOWN

    for _ in range(6):
        outcome = plugin.poll(work(progress=progress))
        assert isinstance(outcome, Pending)
        progress = outcome.progress or progress


@pytest.mark.parametrize(
    ("progress", "ref"),
    [({}, str(ASYNC_ID)), (KNOWN, None), (KNOWN, "x"), (KNOWN, "9" * 21)],
    ids=["no unit", "no asyncId", "a word", "too long"],
)
def test_poll_asks_nothing_that_cannot_be_asked(
    make: Maker, bank: HttpStub, progress: dict[str, Any], ref: str | None
) -> None:
    plugin = make(bank_url=bank.url, poll_async_id=True)

    outcome = plugin.poll(work(progress=progress, provider_ref=ref))

    assert isinstance(outcome, Pending)
    assert outcome.calls == len(bank.asked) == 0


def test_poll_believes_the_notification_before_it_asks(make: Maker, bank: HttpStub) -> None:
    plugin = make(bank_url=bank.url, poll_async_id=True)

    assert isinstance(
        plugin.poll(work(notifications=notifications(EXPIRED), progress=KNOWN)), Settle
    )
    assert bank.asked == []


# What the doctor finds


def findings(plugin: Plugin) -> dict[str, Finding]:
    return {finding.what: finding for finding in plugin.check()}


def test_check_looks_at_host_and_clock_without_credentials(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(Answer(status=405, headers={"Date": "Sat, 01 Aug 2020 12:00:00 GMT"}))

    found = findings(plugin)

    assert found["npd host"].ok
    assert not found["npd clock"].ok
    assert found["npd settings"].ok
    assert [asked.method for asked in stub.asked] == ["GET"]
    assert stub.asked[0].body == b""


@pytest.mark.parametrize(
    ("changes", "ok", "detail"),
    [
        ({"signed_fields": ("phone", "bd")}, True, "in order"),
        ({"signed_fields": ("phone", "key")}, False, "SIGNED_FIELDS"),
        ({"poll_async_id": True}, False, "POLL_ASYNC_ID"),
    ],
    ids=["signed fields", "unknown field", "poll without MONETA"],
)
def test_check_names_what_is_wrong_with_the_settings(
    make: Maker, changes: dict[str, Any], detail: str, *, ok: bool
) -> None:
    found = findings(make(**changes))["npd settings"]

    assert found.ok is ok
    assert detail in found.detail


@pytest.mark.parametrize(
    ("with_bank", "confirm", "detail"),
    [
        (True, True, "by MONETA's profile"),
        (True, False, "turned off: a SUCCESS is believed at once"),
        (False, True, "not possible without MONETA's settings: a SUCCESS is believed at once"),
    ],
    ids=["possible", "turned off", "not possible"],
)
def test_check_says_whether_a_success_is_confirmed(
    make: Maker, bank: HttpStub, detail: str, *, with_bank: bool, confirm: bool
) -> None:
    plugin = make(bank_url=bank.url if with_bank else None, confirm_by_profile=confirm)

    found = findings(plugin)["npd confirmation"]

    assert (found.ok, found.detail) == (True, detail)
    assert bank.asked == []


def test_attempt_never_shows_the_person(plugin: Plugin, stub: HttpStub) -> None:
    stub.answer(said({"error": "Проверкин"}))

    shown = repr([plugin.prepare(accepted()), plugin.submit(submitted()), accepted()])

    for value in (PHONE, "Проверкин", "11223344595", "000001", KEY, SECRET):
        assert value not in shown
