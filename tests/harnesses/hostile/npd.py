"""NPD's questions, its documented answers, and the most that a reply may be taken for."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import SecretStr

from tests.harnesses.hostile import moneta
from tests.harnesses.hostile.case import NOTHING, Allowed, Judge, ProviderReply, Question, Seed
from tests.harnesses.hostile.reader import SaysNothing, read_json
from tests.harnesses.hostile.tree import as_json
from tests.support.providers import moneta as moneta_support
from tests.support.providers.npd import (
    ASYNC_ID,
    PERSON,
    SECRET,
    STARTED,
    STORED,
    UNIT_ID,
    UPDATED,
    notification,
    settings,
    work,
)
from uprid_client.contract.states import State
from worker.engine.calls import Call
from worker.providers.moneta.queries import Queries
from worker.providers.npd.notification import read_notification
from worker.providers.npd.plugin import NpdPlugin
from worker.providers.npd.progress import Prints
from worker.providers.protocol import Work
from worker.providers.transport.http import PinnedSession

_ALWAYS: Final = (
    "no parthner", "wrong signature", "no user found", "no user unitId", "no user inn",
)  # fmt: skip
_OWN: Final = {"profile": (), "document": ("not updated",), "start": ("no async task",)}
_ANSWERED_BY: Final = {
    "profile": ("updated",),
    "document": ("unitId", "docId"),
    "start": ("asyncId",),
}
_PATHS: Final = {
    b"updatemonetaprofile": "profile",
    b"updateuserdoc": "document",
    b"startuprid": "start",
}
_ENDS: Final = {
    "no user found": "rejected", "no user unitId": "rejected", "no user inn": "rejected",
}  # fmt: skip


def _id(said: Any) -> int | None:  # noqa: ANN401 - in JSON
    if said is None:
        return None
    number = said.number
    if number is None and (word := said.word) and word.isascii() and word.isdigit():
        number = int(word) if len(word) <= 20 else None
    return number if number is not None and 0 < number < 2**64 else None


def judged(  # noqa: C901 - every exit of a method on one page
    heard: ProviderReply, method: str, consecutive_failures: int
) -> Allowed:
    """Return the most that a reply to a method may be taken for."""
    if heard.status == 429:
        return Allowed(undone=True)
    if heard.body is None or 300 <= heard.status < 400:
        # A step without an effect is repeated.
        return Allowed(undone=method != "start")
    harmless = Allowed(undone=method != "start")
    try:
        said = read_json(heard.body)
    except SaysNothing:
        return harmless
    error = said.one("error")
    members = [said.one(name) for name in _ANSWERED_BY[method]]
    if error is not None:
        word = error.word or ""
        if any(member is not None and member.value for member in members):
            # It states both an error and an answer.
            return harmless
        if word in {"no parthner", "wrong signature"}:
            return Allowed(misconfigured=True, undone=harmless.undone)
        if word in _OWN[method]:
            ends = frozenset({"failed"} if consecutive_failures >= 4 else ())
            return Allowed(ends, undone=True)
        return Allowed(frozenset({_ENDS[word]} if word in _ENDS else ()), undone=harmless.undone)
    if heard.status != 200:
        return harmless
    if method == "profile":
        sound = members[0] is not None and members[0].truth is True
        return Allowed(prepared=sound, undone=True)
    if method == "document":
        return Allowed(prepared=all(_id(each) is not None for each in members), undone=True)
    number = _id(members[0])
    return NOTHING if number is None else Allowed(started=frozenset({str(number)}))


class Questions:
    """The questions to an NPD plugin, with MONETA beside it."""

    def __init__(self) -> None:
        self.queries = Queries(
            moneta_support.settings("http://127.0.0.1:1/services", password=SecretStr("p"))
        )
        url = "http://127.0.0.1:1/npdapi"
        self.plugin = NpdPlugin(settings(url), self.queries)
        self.polling = NpdPlugin(settings(url, poll_async_id=True), self.queries)

    def sessions(self) -> list[PinnedSession]:
        return [self.queries.session, self.plugin._session, self.polling._session]

    def close(self) -> None:
        for each in (self.plugin, self.polling, self.queries):
            each.close()

    @staticmethod
    def kind_of(request: bytes) -> str:
        target = request.split(b" ", 2)[1].rpartition(b"/")[2]
        return _PATHS.get(target) or moneta.kind_of(request)

    def all(self) -> list[Question]:
        return list(self._all())

    def _all(self) -> Iterator[Question]:
        prints = Prints.of(PERSON, SECRET.encode())
        stored = {"profile": prints.profile}
        for method, state, progress in (
            ("profile", State.ACCEPTED, {}),
            ("document", State.ACCEPTED, stored),
            (
                "start",
                State.SUBMITTING,
                {**stored, "document": prints.document, "unit_id": UNIT_ID},
            ),
        ):
            ask = Call.SUBMIT if method == "start" else Call.PREPARE
            for consecutive_failures in (0, 4):
                given = work(
                    state,
                    provider_ref=None,
                    payload=PERSON,
                    progress=progress,
                    consecutive_failures=consecutive_failures,
                )
                yield Question(
                    f"{method}-{consecutive_failures}", ask, given, self.plugin, method, {},
                    list(_seeds(method)), _judge(method, consecutive_failures), as_json,
                )  # fmt: skip
        unit = {"unit_id": UNIT_ID}
        of_unit = list(_profiles())
        told = dict(read_notification(notification()).content)
        success = work(args=unit, notifications=[told])
        yield self._beside("success", Call.POLL, success, "profile", of_unit, _confirmed)
        doubted = work(State.SUBMITTING, args=unit, provider_ref=None, notifications=[told])
        yield self._beside("doubted", Call.CLEAR_UP, doubted, "profile", of_unit, _confirmed)
        for checks in (0, 2):
            silent = work(State.SETTLING, args=unit, progress={"checks": checks})
            yield self._beside(
                f"silent-{checks}", Call.SETTLE, silent, "profile", of_unit, _silent(checks)
            )
        yield Question(
            "async-id", Call.POLL, work(args=unit), self.polling, "status", {}, list(_tasks()),
            _polled, as_json,
        )  # fmt: skip

    def _beside(
        self, name: str, ask: Call, given: Work, target: str, seeds: list[Seed], judge: Judge
    ) -> Question:
        return Question(name, ask, given, self.plugin, target, {}, seeds, judge, as_json)


def _seeds(method: str) -> Iterator[Seed]:
    good: Mapping[str, Mapping[str, Any]] = {
        "profile": UPDATED, "document": STORED, "start": STARTED,
    }  # fmt: skip
    yield Seed("done", dict(good[method]))
    yield Seed("done as text", {name: str(value) for name, value in good[method].items()})
    yield Seed("done, no error", {**good[method], "error": None})
    for error in (*_ALWAYS, *_OWN[method], "Проверкин is unknown"):
        yield Seed(error, {"error": error})
        yield Seed(f"{error} with 400", {"error": error}, 400)


def _profiles() -> Iterator[Seed]:
    for group in (moneta_support.SIMPLIFIED, moneta_support.ANONYMOUS, 77, None):
        yield Seed(f"group {group}", moneta_support.profile(group))
    for code in ("300.1", "100", "500.8", "200", "500.7.11", "500.7.3"):
        yield Seed(f"fault {code}", moneta_support.fault(code), 400)


def _tasks() -> Iterator[Seed]:
    yield Seed("in progress", moneta_support.ticket("INPROGRESS"))
    yield Seed("success", moneta_support.result())
    for code in ("500.7.3", "500.7.11", "500.9.1", "500.8", "100", "777"):
        yield Seed(f"errorCode {code}", moneta_support.result(success=False, code=code))
        yield Seed(f"fault {code}", moneta_support.fault(code), 400)


def _judge(method: str, consecutive_failures: int) -> Judge:
    return lambda heard: judged(heard, method, consecutive_failures)


def _confirmed(heard: ProviderReply) -> Allowed:
    """A SUCCESS ends only if the profile says yes. A no of the profile ends nothing."""
    said = moneta.stated(heard, soap=False)
    found = moneta.of_profile(said, last=False)
    return Allowed(found.ends)


def _silent(checks: int) -> Judge:
    def judge(heard: ProviderReply) -> Allowed:
        return Allowed(moneta.of_profile(moneta.stated(heard, soap=False), last=checks == 2).ends)

    return judge


def _polled(heard: ProviderReply) -> Allowed:
    said = moneta.stated(heard, soap=False)
    if said is None:
        return NOTHING
    found = moneta.of_status(said, ASYNC_ID)
    return Allowed(found.ends, facts=found.facts)
