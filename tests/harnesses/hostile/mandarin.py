"""Mandarin's questions, its documented answers, and the most that a reply may be taken for."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from pydantic import SecretStr

from tests.harnesses.hostile.case import NOTHING, Allowed, Judge, ProviderReply, Question, Seed
from tests.harnesses.hostile.reader import JsonSaid, SaysNothing, read_json
from tests.harnesses.hostile.tree import as_json
from tests.support.providers.mandarin import (
    NOW,
    SESSION,
    settings,
    status,
    submitted,
    supplied,
    work,
)
from uprid_client.contract.states import State
from worker.engine.calls import Call
from worker.providers.mandarin.plugin import MandarinPlugin
from worker.providers.protocol import Work
from worker.providers.transport.http import PinnedSession

_OPEN: Final = (False, None)
_INVALID: Final = {"error": "Invalid request"}
_LONG_AGO: Final = NOW - timedelta(minutes=5)
_SAFE: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")


def _read(heard: ProviderReply) -> JsonSaid | None:
    if heard.body is None or heard.status not in {200, 400}:
        return None
    try:
        said = read_json(heard.body)
    except SaysNothing:
        return None
    return said if isinstance(said.value, dict) else None


def _session_id(said: JsonSaid) -> str | None:
    found = said.one("id")
    word = None if found is None else found.word
    return word if word and len(word) <= 64 and set(word) <= _SAFE else None


def _is_refusal(heard: ProviderReply, said: JsonSaid) -> bool:
    error = said.one("error")
    word = None if error is None else error.word
    return heard.status == 400 and word is not None and said.one("id") is None


def _created(heard: ProviderReply) -> Allowed:
    if heard.status == 429:
        return Allowed(undone=True)
    if heard.status == 401:
        return Allowed(misconfigured=True)
    said = _read(heard)
    if said is None:
        return NOTHING
    if _is_refusal(heard, said):
        return Allowed(frozenset({"rejected"}))
    session = _session_id(said)
    if heard.status != 200 or session is None or said.one("error") is not None:
        return NOTHING
    return Allowed(started=frozenset({session}))


def _handed(heard: ProviderReply) -> Allowed:
    return Allowed(undone=heard.status == 429, misconfigured=heard.status == 401)


def _checked(said: JsonSaid, name: str) -> tuple[bool, bool | None] | None:
    """Return whether a check has finished, and its result; None if that is not stated."""
    finished = said.one(f"{name}VerificationFinished")
    verified = said.one(f"{name}Verified")
    if finished is None or finished.truth is None or (verified and verified.truth is None):
        return None
    return finished.truth, None if verified is None else verified.truth


def _status(*, codes_are_over: bool, last: bool) -> Judge:
    def judge(heard: ProviderReply) -> Allowed:
        if heard.status == 401:
            return Allowed(misconfigured=True)
        said = _read(heard)
        if said is None or heard.status != 200 or _session_id(said) != SESSION:
            return NOTHING
        if said.one("error") is not None:
            return NOTHING
        person, phone = _checked(said, "person"), _checked(said, "phone")
        if person is None or phone is None:
            return NOTHING
        facts = {
            "person_verified": person[1] if person[0] else None,
            "phone_verified": phone[1] if phone[0] else None,
        }
        if person == (True, True) and phone == (True, True):
            return Allowed(frozenset({"succeeded"}), facts=facts)
        no = person == (True, False) or (codes_are_over and phone[1] is not True)
        ends = ({"rejected"} if no else set()) | ({"expired"} if last else set())
        return Allowed(frozenset(ends), facts=facts)

    return judge


class Questions:
    """The questions to a Mandarin plugin."""

    def __init__(self) -> None:
        self.plugin = MandarinPlugin(settings("http://127.0.0.1:1", secret=SecretStr("s")))

    def sessions(self) -> list[PinnedSession]:
        return [self.plugin._session]

    def close(self) -> None:
        self.plugin.close()

    @staticmethod
    def kind_of(request: bytes) -> str:
        return request.split(b" ", 1)[0].decode()

    def all(self) -> list[Question]:
        return list(self._all())

    def _all(self) -> Iterator[Question]:
        sessions, statuses = list(_sessions()), list(_statuses())
        yield self._question("create", Call.SUBMIT, submitted(), "POST", sessions, _created)
        for nth in (1, 5):
            given = supplied(nth=nth)
            yield self._question(f"code-{nth}", Call.SUPPLY, given, "PUT", sessions, _handed)
        asked = {"missing": "sms_code"}
        sent = {"inputs_sent": 5, "input_sent_at": _LONG_AGO}
        refused = {**sent, "progress": {"code": 5, "handed": "refused", "looks": 1}}
        for name, changes, over in (
            ("first", asked, False),
            ("one-code", {"inputs_sent": 1, "input_sent_at": NOW}, False),
            ("five-codes", sent, True),
            ("five-codes-refused", refused, True),
            ("unknown", {**asked, "progress": {"unknown": 3}}, False),
        ):
            judge = _status(codes_are_over=over, last=False)
            yield self._question(f"poll-{name}", Call.POLL, work(**changes), "GET", statuses, judge)
        late = {"now": NOW + timedelta(minutes=301)}
        for name, changes, over in (("first", {}, False), ("five-codes", sent, True)):
            judge = _status(codes_are_over=over, last=True)
            given = work(State.SETTLING, **late, **changes)
            yield self._question(f"settle-{name}", Call.SETTLE, given, "GET", statuses, judge)

    def _question(
        self, name: str, ask: Call, given: Work, target: str, seeds: list[Seed], judge: Judge
    ) -> Question:
        return Question(name, ask, given, self.plugin, target, {}, seeds, judge, as_json)


def _sessions() -> Iterator[Seed]:
    yield Seed("taken", {"id": SESSION})
    yield Seed("taken, and more", {"id": SESSION, "firstName": "Проверкин"})
    yield Seed("refused", _INVALID, 400)
    yield Seed("unauthorized", {"error": "Проверкин"}, 401)


def _statuses() -> Iterator[Seed]:
    checks = (_OPEN, (True, True), (True, False), (False, True), (False, False), (True, None))
    for person in checks:
        for phone in checks:
            yield Seed(f"{person} {phone}", status(person, phone))
    yield Seed("refused", _INVALID, 400)
    yield Seed("unauthorized", _INVALID, 401)
