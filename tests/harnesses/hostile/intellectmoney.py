"""IntellectMoney's questions, its documented answers, and the most that a reply may mean."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import SecretStr

from tests.harnesses.hostile.case import NOTHING, Allowed, Judge, ProviderReply, Question, Seed
from tests.harnesses.hostile.reader import SaysNothing, read
from tests.harnesses.hostile.tree import as_json, as_response
from tests.support.providers.intellectmoney import (
    ACCESS_TOKEN,
    CHANGE,
    FAILED,
    FIRST,
    OPERATION,
    QUEUED,
    REFUSED,
    SECOND,
    THIRD,
    listed,
    registry,
    response,
    saved,
    scheduled,
    settings,
    token,
    work,
)
from tests.support.providers.intellectmoney_asking import AFTER, LIST, RESULT_PATH, SAVE
from uprid_client.contract.states import State
from worker.engine.calls import Call
from worker.providers.access_tokens import AccessToken
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin
from worker.providers.protocol import Work
from worker.providers.transport.http import PinnedSession

_PATHS: Final = {
    b"getUserToken": "token", b"getInvoicesHistory": "invoices", b"result": "result",
    b"setScheduledOperationData": "save", b"getScheduledOperationData": "list",
}  # fmt: skip
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class MemoryShelf:
    """A token shelf of one process: always full, or always empty."""

    def __init__(self, *, full: bool) -> None:
        self._full = full
        self._put: AccessToken | None = None

    def current(self) -> AccessToken | None:
        return AccessToken(ACCESS_TOKEN, 1) if self._full else self._put

    def hold(self, lasting: float) -> float:
        del lasting
        self._put = None
        return 0.0

    def put(self, value: str, lasting: float) -> AccessToken:
        del lasting
        return AccessToken(value, 2)

    def drop(self, given: AccessToken) -> None:
        del given
        self._put = None

    def release(self, resting: float = 0.0) -> None:
        del resting


def _stated(heard: ProviderReply) -> tuple[int | None, int | None, Any] | None:
    """Return the operation's state, the request's and the whole; None if nothing is stated."""
    if heard.body is None or heard.status != 200:
        return None
    try:
        root = read(heard.body)
    except SaysNothing:
        return None
    if getattr(root, "name", "Response") != "Response":
        return None
    try:
        result = root.one("Result")
        state = None if result is None else result.one("State")
        return _code(root.one("OperationState")), _code(state), root
    except SaysNothing:
        return None


def _code(said: Any) -> int | None:  # noqa: ANN401 - in one of the languages
    if said is None:
        return None
    codes = set()
    for name in ("Code", "State"):
        found = said.one(name)
        if found is None or found.loose == "":
            continue
        word = "" if found.truth is not None and found.loose in {"true", "false"} else found.loose
        codes.add(int(word) if word and re.fullmatch(r"[+-]?[0-9]{1,19}", word) else -99)
    return codes.pop() if len(codes) == 1 else (-99 if codes else None)


def _guid(root: Any) -> str | None:  # noqa: ANN401
    found = root.one("OperationId")
    word = "" if found is None else (found.loose or "").lower()
    return word if _GUID.fullmatch(word) and word.strip("0-") else None


def _refuses_token(heard: ProviderReply, said: tuple[int | None, int | None, Any] | None) -> bool:
    return heard.status == 401 or (said is not None and said[0] in {0, 2} and said[1] == 2)


def _is_done(said: tuple[int | None, int | None, Any]) -> bool:
    return said[0] == 0 and said[1] in {0, 1}


def _judged(inner: Judge, nothing: Allowed = NOTHING) -> Judge:
    """Return a judge that takes a reply which cannot be understood as nothing."""

    def judge(heard: ProviderReply) -> Allowed:
        try:
            return inner(heard)
        except SaysNothing:
            return nothing

    return judge


def _fetched(name: str, take: int, *, starts: bool, last: bool) -> Judge:
    """Return the judge of a page of a list. Before the start, every request may be repeated."""

    # Our own clock decides that the time is up, so `expired` needs no reply.
    again = Allowed(undone=starts, ends=frozenset({"expired"} if last else ()))

    def judge(heard: ProviderReply) -> Allowed:
        said = _stated(heard)
        if said is None or _refuses_token(heard, said):
            return replace(again, misconfigured=_refuses_token(heard, said))
        operation, _, root = said
        if operation == 2:
            return replace(again, ends=again.ends | {"failed"})
        guid = _guid(root)
        started = frozenset({guid} if starts and guid is not None else ())
        if operation == 1:
            return replace(again, started=started)
        if not _is_done(said) or not root.one("Result").has(name):
            return again
        items = root.one("Result").each(name)
        if len(items) < take:
            return replace(again, ends=again.ends | {"succeeded"})
        return replace(again, started=started)

    return _judged(judge, again)


def _saved(*, submits: bool) -> Judge:
    def judge(heard: ProviderReply) -> Allowed:
        said = _stated(heard)
        if _refuses_token(heard, said):
            return Allowed(undone=True, misconfigured=True)
        if said is None:
            return Allowed(undone=heard.status == 429)
        operation, _, root = said
        if operation == 2:
            return Allowed(frozenset({"failed"}))
        if operation == 1:
            guid = _guid(root)
            return Allowed(started=frozenset({guid} if submits and guid else ()))
        if not _is_done(said):
            return NOTHING
        flag = root.one("Result").one("SetScheduledOperationData")
        ends = {"1": "succeeded", "true": "succeeded", "0": "failed", "false": "failed"}
        end = ends.get(("" if flag is None else flag.loose or "").lower())
        return Allowed(frozenset({end} if end else ()))

    return _judged(judge)


def _confirmed(*, prepares: bool) -> Judge:
    """Return the judge of the list that prepares a write, or confirms it."""

    def judge(heard: ProviderReply) -> Allowed:
        said = _stated(heard)
        again = Allowed(undone=prepares, misconfigured=_refuses_token(heard, said))
        if said is None or again.misconfigured:
            return again
        operation, _, root = said
        if operation == 2:
            return replace(again, ends=frozenset({"failed"} if prepares else ()))
        if not _is_done(said) or not root.one("Result").has("GetScheduledOperationData"):
            return again
        if prepares:
            return replace(again, prepared=True)
        ids = set()
        for each in root.one("Result").each("GetScheduledOperationData"):
            found = each.one("OperationId")
            word = None if found is None else (found.loose or "").lower()
            if word and _GUID.fullmatch(word):
                ids.add(word)
        new = ids - {FIRST}
        return replace(again, ends=frozenset({"succeeded"} if new else ()))

    return _judged(judge, Allowed(undone=prepares))


def _token(then: Allowed) -> Judge:
    """Return the judge of a token. A good one allows what the honest reply after it states."""

    def judge(heard: ProviderReply) -> Allowed:
        said = _stated(heard)
        undone = Allowed(undone=True)
        if said is not None and said[0] == 2:
            return replace(undone, misconfigured=True)
        if _refuses_token(heard, said):
            return replace(undone, misconfigured=True)
        if said is None or not _is_done(said):
            return undone
        found = said[2].one("Result").one("UserToken")
        word = None if found is None else found.loose
        sound = word is not None and 0 < len(word) <= 2000 and word.isascii()
        return replace(then, undone=True) if sound else undone

    return _judged(judge, Allowed(undone=True))


class Questions:
    """The questions to an IntellectMoney plugin, in one of the languages."""

    def __init__(self, language: str) -> None:
        self.write = as_json if language == "json" else as_response

        def made(*, full: bool, **changes: Any) -> IntellectMoneyPlugin:
            given = {"password": SecretStr("p"), "format": language, **changes}
            made_of = settings("http://127.0.0.1:1/services", **given)
            return IntellectMoneyPlugin(made_of, MemoryShelf(full=full))

        self.plugin = made(full=True, reply_limit=256 * 1024)
        self.asking = made(full=False)
        self.following = made(full=True, result_path=RESULT_PATH)

    def sessions(self) -> list[PinnedSession]:
        return [plugin._session for plugin in (self.plugin, self.asking, self.following)]

    def close(self) -> None:
        for plugin in (self.plugin, self.asking, self.following):
            plugin.close()

    @staticmethod
    def kind_of(request: bytes) -> str:
        return _PATHS[request.split(b" ", 2)[1].rpartition(b"/")[2]]

    def all(self) -> list[Question]:
        return list(self._all())

    def _all(self) -> Iterator[Question]:
        yield from self._tokens()
        yield from self._lists()
        yield from self._saves()

    def _question(  # noqa: PLR0917 - a question is all of these
        self, name: str, ask: Call, given: Work, target: str, seeds: list[Seed], judge: Judge,
        plugin: IntellectMoneyPlugin | None = None, others: Mapping[str, Seed] | None = None,
    ) -> Question:  # fmt: skip
        honest = {"token": Seed("token", token()), **(others or {})}
        return Question(
            name, ask, given, plugin or self.plugin, target, honest, seeds, judge, self.write
        )

    def _tokens(self) -> Iterator[Question]:
        seeds = [
            Seed("token", token()), Seed("queued", QUEUED), Seed("failed", FAILED),
            Seed("refused", REFUSED), Seed("none", response({})),
        ]  # fmt: skip
        yield self._question(
            "token-then-last-page", Call.PREPARE, work(state=State.ACCEPTED), "token", seeds,
            _token(Allowed(frozenset({"succeeded"}))), self.asking,
            {"invoices": Seed("last page", registry(1))},
        )  # fmt: skip
        yield self._question(
            "token-then-save", Call.SUBMIT, work(SAVE, State.SUBMITTING, progress={"ready": True}),
            "token", seeds, _token(Allowed(frozenset({"succeeded"}))), self.asking,
            {"save": Seed("saved", saved(1))},
        )  # fmt: skip

    def _lists(self) -> Iterator[Question]:
        pages = list(_pages())
        lists = list(_listed())
        for kind, target, seeds, name, take in (
            ("invoices", "invoices", pages, "InvoicesHistoryList", 2),
            (LIST, "list", lists, "GetScheduledOperationData", 100),
        ):
            for ask, state in (
                (Call.PREPARE, State.ACCEPTED),
                (Call.POLL, State.POLLING),
                (Call.SETTLE, State.POLLING),
            ):
                given = work(kind, state, progress={"unknown": 2})
                judge = _fetched(name, take, starts=ask is Call.PREPARE, last=ask is Call.SETTLE)
                yield self._question(f"{kind}-{ask}", ask, given, target, seeds, judge)
        queued = work(progress={"place": {"queued": OPERATION, "waits": 1}})
        yield self._question(
            "invoices-result", Call.POLL, queued, "result", pages,
            _fetched("InvoicesHistoryList", 2, starts=False, last=False), self.following,
        )  # fmt: skip

    def _saves(self) -> Iterator[Question]:
        flags = list(_flags())
        lists = list(_listed())
        yield self._question(
            "before-create", Call.PREPARE, work(SAVE, State.ACCEPTED), "list", lists,
            _confirmed(prepares=True),
        )  # fmt: skip
        ready = {"ready": True, "before": [FIRST]}
        created = work(SAVE, State.SUBMITTING, progress=ready)
        yield self._question("save", Call.SUBMIT, created, "save", flags, _saved(submits=True))
        for name, ask, given in (
            ("doubtful", Call.CLEAR_UP, created),
            ("queued", Call.POLL, work(SAVE, progress=ready)),
            ("past", Call.SETTLE, work(SAVE, progress=ready, now=AFTER)),
            ("edit", Call.POLL, work(
                SAVE, args={"operation": {**CHANGE, "operation_id": SECOND}}, progress=ready
            )),
        ):  # fmt: skip
            judge = _confirmed(prepares=False)
            yield self._question(f"confirm-{name}", ask, given, "list", lists, judge)
        yield self._question(
            "save-result", Call.POLL, work(SAVE, progress=ready), "result", flags,
            _saved(submits=False), self.following,
        )  # fmt: skip


def _pages() -> Iterator[Seed]:
    yield Seed("empty", registry())
    yield Seed("last", registry(1))
    yield Seed("whole", registry(1, 2))
    yield Seed("with warnings", registry(1, state=1))
    yield Seed("whole without an id", registry(1, 2, operation_id=None))
    yield Seed("null", response({"InvoicesHistoryList": None}))
    yield from _others()


def _listed() -> Iterator[Seed]:
    yield Seed("empty", listed())
    yield Seed("one", listed(scheduled(FIRST)))
    yield Seed("two", listed(scheduled(FIRST), scheduled(SECOND)))
    yield Seed("three", listed(*map(scheduled, (FIRST, SECOND, THIRD))))
    yield Seed("off", listed(scheduled(SECOND, State=1, RepeatPlan="0 0 1 1/1 * ? *")))
    yield from _others()


def _flags() -> Iterator[Seed]:
    for flag in (0, 1, "0", "1", True, False, None):
        yield Seed(f"flag {flag!r}", saved(flag))
    yield Seed("saved with warnings", saved(1, state=1))
    yield from _others()


def _others() -> Iterator[Seed]:
    yield Seed("queued", QUEUED)
    yield Seed("queued without an id", response(code=1, operation_id=None))
    yield Seed("failed", FAILED)
    yield Seed("refused", REFUSED)
    yield Seed("nothing", response())
    yield Seed("unknown state", response({}, state=3))
    yield Seed("unknown operation state", response({}, code=3))
