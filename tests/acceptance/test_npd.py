"""Notifications at every moment: before, during and after `startuprid`'s answer, and without one.

They are unsigned, may come twice, about strangers, or when all is over. An identification
is published once; what comes after the end is a late answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from tests.support.engine.schema import bring_to_newest
from tests.support.loopback.web_address import WebAddress
from tests.support.messages.marketplace import (
    ACCEPTED,
    ENDS,
    LATE,
    NPD,
    REFUSED,
    STARTED,
    WAITING,
    Event,
    Marketplace,
)
from tests.support.processes.child import wait_until
from tests.support.processes.system import SEAL_KEY, System, system
from tests.support.providers.payloads import magic_phone, npd_person
from tests.support.servers.fresh import PostgresServer, SqliteFiles, valkey_server

_SUCCEEDED: Final = "uprid.operation.succeeded"
_REJECTED: Final = "uprid.operation.rejected"
_EXPIRED: Final = "uprid.operation.expired"
_HEARD: Final = "notification received"

#: Seconds. All that comes in time comes long before the last.
_DELAY: Final = 0.6
_DEADLINE: Final = 25.0
_FAST: Final = {
    "UPRID_NPD__POLL": '{"first_after": 0.3, "then": 0.5, "jitter": 0}',
    "UPRID_NPD__SETTLE_OVER": "4",
    "UPRID_NPD__CONNECT_TIMEOUT": "2",
    "UPRID_NPD__READ_TIMEOUT": "2",
    "UPRID_NPD__TOTAL_TIMEOUT": "2",
    "UPRID_NPD__BREAKER_FAILURES": "1000",
}
_WITHOUT_MONETA: Final = dict.fromkeys(
    (
        "UPRID_MONETA__URL", "UPRID_MONETA__USERNAME", "UPRID_MONETA__PASSWORD",
        "UPRID_MONETA__ANONYMOUS_GROUP_ID", "UPRID_MONETA__SIMPLIFIED_GROUP_ID",
        "UPRID_MONETA__FULL_GROUP_ID", "UPRID_MONETA__POLL", "UPRID_MONETA__SETTLE_OVER",
    ),
    "",
)  # fmt: skip
#: Who says so beside the notification.
_CONFIRMING: Final[Mapping[str, Mapping[str, str]]] = {
    "profile": {},
    "believed": {"UPRID_NPD__CONFIRM_BY_PROFILE": "false"},
    "no-moneta": _WITHOUT_MONETA,
}
_BY_NOTIFICATION: Final = (_SUCCEEDED, "notification")
_BY_PROFILE: Final = (_SUCCEEDED, "profile_group")


@dataclass(frozen=True)
class Case:
    """A way in which notifications come."""

    id: str
    #: The sandbox's, and the phone's.
    scenario: int
    #: The end, and who tells of it or its reason's code.
    end: tuple[str, str] = _BY_NOTIFICATION
    #: The same where MONETA is not configured.
    end_alone: tuple[str, str] | None = None
    #: A SUCCESS is kept back until one of these has come.
    held_until: frozenset[str] = frozenset()
    #: The states that a late answer must tell.
    late: tuple[str, ...] = ()
    #: The same where MONETA is not configured.
    late_alone: tuple[str, ...] | None = None
    #: States that one may tell: it depends on who was faster.
    may_be_late: frozenset[str] = frozenset()
    #: People to whom it happens: where it is a race, some.
    copies: int = 1
    #: Ends that are as good: two messages sent at one moment may be taken in either order.
    or_else: frozenset[tuple[str, str]] = frozenset()


_UNTIL_WAITING: Final = frozenset({WAITING})
_CASES: Final = [
    Case("before-the-answer", 2, copies=8),
    Case("with-the-answer", 12, copies=8),
    Case("after-the-answer", 0, copies=4),
    Case("long-after-the-answer", 1),
    Case("while-the-answer-is-lost", 500, copies=8),
    Case("while-no-answer-comes", 506, copies=8),
    Case("after-a-lost-answer", 500, held_until=_UNTIL_WAITING, copies=4),
    Case("after-an-error-page", 505, held_until=_UNTIL_WAITING, copies=4),
    Case("after-the-time-out", 506, held_until=_UNTIL_WAITING, copies=4),
    Case("twice", 3, copies=4),
    Case("twice-renumbered", 4, copies=4),
    Case("foreign-phone-first", 5),
    Case("unknown-task-first", 6),
    Case("with-strange-members", 7),
    Case("before-the-profile-moved", 8),
    Case("ids-as-text", 10),
    Case(
        "then-expired", 11,
        or_else=frozenset({_BY_PROFILE, (_EXPIRED, "deadline_passed")}),
        may_be_late=frozenset({"expired", "succeeded"}), copies=4,
    ),
    Case(
        "after-expired", 9, _BY_PROFILE, (_EXPIRED, "deadline_passed"), ENDS,
        late_alone=("succeeded",),
    ),
    Case(
        "after-the-deadline", 411, (_REJECTED, "not_identified"), (_EXPIRED, "deadline_passed"),
        ENDS, late=("succeeded",),
    ),
]  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Whom a case happens to."""

    case: Case
    number: int

    @property
    def reference(self) -> str:
        return f"npd-{self.case.id}-{self.number}"

    @property
    def phone(self) -> str:
        return magic_phone(self.number, self.case.scenario)


def _people() -> list[Person]:
    cases = [case for case in _CASES for _ in range(case.copies)]
    return [Person(case, number) for number, case in enumerate(cases)]


@dataclass(frozen=True)
class Npd:
    """NPD's stand-in, a worker, a poller and the marketplace's web address."""

    system: System
    web: WebAddress
    confirming: str
    people: list[Person] = field(default_factory=_people)

    @property
    def shop(self) -> Marketplace:
        return self.system.marketplace

    def start(self, reference: str, number: int, phone: str) -> None:
        """Enqueue an identification."""
        sealed = self.shop.seal(npd_person(number, phone))
        self.shop.send(NPD, "npd", reference=reference, sealed=sealed)

    def starts(self, phone: str) -> int:
        """Return how many `startuprid` arrived."""
        subjects = self.system.calls_of("npd")["subjects"]
        return int(subjects[phone[-7:]]["startuprid"])

    @property
    def is_alone(self) -> bool:
        """Whether there is no MONETA to ask."""
        return self.confirming == "no-moneta"


#: One on each database; the others differ from them in what the tests of the store and of the
#: plugin hold, too.
_QUICK: Final = {("postgres", "profile"), ("sqlite", "no-moneta")}


def _marks(kind: str, confirming: str) -> list[pytest.MarkDecorator]:
    marks = [pytest.mark.postgres] if kind == "postgres" else []
    return marks if (kind, confirming) in _QUICK else [*marks, pytest.mark.exhaustive]


_SYSTEMS: Final = [
    pytest.param((kind, confirming), marks=_marks(kind, confirming), id=f"{kind}-{confirming}")
    for kind, confirming in product(("sqlite", "postgres"), _CONFIRMING)
]


@pytest.fixture(scope="module", params=_SYSTEMS)
def npd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Npd]:
    """Everybody was started, and everything has come."""
    kind, confirming = request.param
    databases: SqliteFiles | PostgresServer = request.getfixturevalue(kind)
    url = databases.create_database(bring_to_newest)
    directory: Path = tmp_path_factory.mktemp("npd")
    settings = {**_FAST, **_CONFIRMING[confirming]}
    with (
        valkey_server() as broker,
        system(directory, broker, url, settings, every_provider=True) as whole,
        WebAddress(broker.url, SEAL_KEY) as web,
    ):
        whole.start_sandbox(_DELAY, _DEADLINE, options={"notify_url": web.url})
        whole.start("worker", "poller")
        made = Npd(whole, web, confirming)
        _live(made)
        yield made
    databases.drop_database(url)


def _live(npd: Npd) -> None:
    for each in npd.people:
        if each.case.held_until:
            npd.web.hold(each.phone)
        npd.start(each.reference, each.number, each.phone)
    held = [each for each in npd.people if each.case.held_until]
    for each in sorted(held, key=lambda one: one.case.held_until == ENDS):
        npd.shop.wait_for([each.reference], each.case.held_until, timeout=90)
        # Sent a moment after the task's beginning, or past its deadline.
        wait_until(lambda: _success(npd, each.phone), 90, "a SUCCESS")  # noqa: B023
        npd.web.let_go(each.phone)
    npd.shop.wait_for([each.reference for each in npd.people], ENDS, timeout=90)
    late = [each.reference for each in npd.people if _late_of(npd, each.case)]
    npd.shop.wait_for(late, [LATE], timeout=60)


def _success(npd: Npd, phone: str) -> bool:
    return any(each["upridAsyncStatus"] == "SUCCESS" for each in npd.web.letters(phone))


def _late_of(npd: Npd, case: Case) -> tuple[str, ...]:
    if npd.is_alone and case.late_alone is not None:
        return case.late_alone
    return case.late


def _said_by(end: Event) -> str:
    reason = end.data["reason"]
    return str(end.data["result"]["verified_by"] if reason is None else reason["code"])


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.id)
def test_notification_ends_an_identification_once(npd: Npd, case: Case) -> None:
    expected = (npd.is_alone and case.end_alone) or case.end
    for each in (one for one in npd.people if one.case is case):
        told = npd.shop.of(each.reference)
        ends = [event for event in told if event.type in ENDS]
        [end] = [(end.type, _said_by(end)) for end in ends]
        assert end == expected or end in case.or_else, each.reference
        assert npd.starts(each.phone) == 1
        sequence = [event.data["sequence"] for event in told]
        assert sequence == list(range(1, len(told) + 1)), each.reference


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.id)
def test_notification_after_the_end_is_a_late_answer(npd: Npd, case: Case) -> None:
    for each in (one for one in npd.people if one.case is case):
        told = npd.shop.of(each.reference)
        late = [event.data["state"] for event in told if event.type == LATE]
        assert len(set(late)) == len(late)
        assert set(late) - case.may_be_late == set(_late_of(npd, case)), each.reference


def test_success_is_held_against_the_profile_where_that_is_wanted(npd: Npd) -> None:
    sure = {"group": "simplified"} if npd.confirming == "profile" else {}
    by_notification = [
        each for each in npd.people if each.case.end == _BY_NOTIFICATION and not each.case.or_else
    ]
    for each in by_notification:
        [end] = [event for event in npd.shop.of(each.reference) if event.type in ENDS]
        result = end.data["result"]
        assert {"verified_by": "notification", **sure}.items() <= result.items(), each.reference
        # What else is known: names, and the id that NPD stored the passport under.
        assert isinstance(result["document_id"], int)
        more = {"document_id", "approved", "not_approved"}
        assert result.keys() <= {"verified_by", *sure, *more}, each.reference


def test_success_holds_the_account_that_only_a_key_opens(npd: Npd) -> None:
    [end] = [event for event in npd.shop.of(npd.people[0].reference) if event.type in ENDS]

    answer = npd.shop.unseal(end.data["sealed"]).decode()

    [letter] = npd.web.letters(npd.people[0].phone)
    account = str(letter["mntAccountId"])
    assert account in answer
    assert account not in str(dict(end.fields))


def test_notifications_are_never_refused(npd: Npd) -> None:
    # Those about strangers are kept: the id of their operation may not be known yet.
    assert [event for event in npd.shop.events() if event.type == REFUSED] == []
    unmatched = npd.system.count("SELECT COUNT(*) FROM notice WHERE operation_id IS NULL")
    assert unmatched == 2


def test_show_tells_that_a_notification_came(npd: Npd) -> None:
    [after] = [each for each in npd.people if each.case.id == "long-after-the-answer"]

    happened = npd.system.show(after.reference)["timeline"]

    heard = [each["note"] for each in happened if each["what"] == "heard"]
    assert heard == [_HEARD]
    assert _HEARD in npd.system.uprid("show", after.reference)


def test_late_success_of_the_attempt_before_a_retry_leaves_the_retry_alone(npd: Npd) -> None:
    reference, phone = "npd-corrected", magic_phone(9000, 410)
    npd.web.hold(phone)
    npd.start(reference, 900, phone)
    npd.shop.wait_for([reference], ENDS, timeout=60)
    [failed] = npd.web.letters(phone)

    npd.shop.retry(reference, 1, npd_person(901, phone))
    wait_until(lambda: len(npd.shop.told([STARTED])[reference]) == 2, 60, "the second attempt")
    late = {**failed, "notificationId": 9_999, "upridAsyncStatus": "SUCCESS", "mntAccountId": 1}
    npd.web.deliver(late)
    npd.shop.wait_for([reference], [LATE], timeout=60)
    npd.web.let_go(phone)
    npd.shop.wait_for([reference], [_SUCCEEDED], timeout=60)

    told = [(event.type, event.data["attempt"]) for event in npd.shop.of(reference)]
    first = _EXPIRED if npd.is_alone else _REJECTED
    assert told == [
        (ACCEPTED, 1), (STARTED, 1), (first, 1),
        (ACCEPTED, 2), (STARTED, 2), (LATE, 1), (_SUCCEEDED, 2),
    ]  # fmt: skip
    assert npd.starts(phone) == 2
