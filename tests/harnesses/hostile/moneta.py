"""MONETA's questions, its documented answers, and the most that a reply may be taken for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import SecretStr

from tests.harnesses.hostile.case import NOTHING, Allowed, Judge, ProviderReply, Question, Seed
from tests.harnesses.hostile.reader import JsonSaid, SaysNothing, XmlSaid, read_json, read_xml
from tests.harnesses.hostile.tree import as_json, as_soap
from tests.support.providers.moneta import (
    ANONYMOUS,
    ASYNC_ID,
    FULL,
    PERSON,
    SIMPLIFIED,
    UNIT_ID,
    fault,
    profile,
    result,
    settings,
    ticket,
    work,
)
from uprid_client.contract.states import State
from worker.engine.calls import Call
from worker.providers.moneta.plugin import MonetaPlugin
from worker.providers.protocol import Work
from worker.providers.transport.http import PinnedSession

_REJECTED: Final = frozenset(
    {
        "500.7.3", "500.7.4", "500.7.5", "500.7.6", "500.7.9", "300.5", "300.6", "500.7.7",
        "500.7.12",
    }
)  # fmt: skip
_ALREADY: Final = "500.7.11"
_OVER: Final = frozenset({"500.7.2", "500.9.1"})
_BEHIND: Final = frozenset({"500.8", "500.8.3.1.1", "500.8.3.1.9", "500.8.3.1.10", "500.8.4769.1"})
_DOWN: Final = "100"
_OTHERS: Final = ("500.7.1", "500.7.8", "500.7.10", "200", "300.2", "300.3", "500.9.2", "777", "")
_CODES: Final = (
    *sorted(_REJECTED), _ALREADY, *sorted(_OVER), *sorted(_BEHIND), _DOWN, "300.1", "300.1.2",
    "300.7", *_OTHERS,
)  # fmt: skip


def _is_login(code: str) -> bool:
    return code in {"300.1", "300.7"} or code.startswith("300.1.")


@dataclass(frozen=True, slots=True)
class Stated:
    """What a reply states. Only the fields of one kind of answer are set."""

    fault: str | None = None
    ticket: int | None = None
    is_usual: bool = False
    success: bool | None = None
    code: str | None = None
    of_task: int | None = None
    attributes: tuple[tuple[str, str | None, bool], ...] = ()
    document_id: int | None = None
    is_result: bool = False
    is_profile: bool = False
    approved: frozenset[str] = field(default=frozenset())
    #: Attributes that it does not call approved.
    not_approved: frozenset[str] = field(default=frozenset())

    def values(self, key: str) -> set[str]:
        return {v.strip() for k, v, _ in self.attributes if k == key and v is not None}

    @property
    def is_of_the_unit(self) -> bool:
        return self.values("unitid") <= {str(UNIT_ID)}


def stated(heard: ProviderReply, *, soap: bool) -> Stated | None:
    """Return what a reply states; None if it states nothing."""
    if heard.body is None or heard.status == 429 or 300 <= heard.status < 400:
        return None
    try:
        said = _stated(read_xml(heard.body) if soap else read_json(heard.body), soap=soap)
    except SaysNothing:
        return None
    if said is None or (heard.status != 200 and said.fault is None):
        return None
    return said


def _stated(root: XmlSaid | JsonSaid, *, soap: bool) -> Stated | None:
    answers: list[tuple[str, Any]] = []
    if isinstance(root, XmlSaid):
        if root.name in {"Fault", "fault"}:
            return _fault(root)
        if root.name != "Envelope":
            return None
        envelope: Any = root
    else:
        envelope = root.one("Envelope")
        answers += [(n, found) for n in ("fault", "Fault") if (found := root.one(n)) is not None]
    body = None if envelope is None else envelope.one("Body")
    for name in ("fault", "Fault", "AsyncResponse", "GetProfileInfoResponse"):
        found = None if body is None else body.one(name)
        if found is not None:
            answers.append((name, found))
    if len(answers) != 1:
        return None
    [(name, answer)] = answers
    if name in {"fault", "Fault"}:
        return _fault(answer)
    if name == "GetProfileInfoResponse":
        return Stated(is_profile=True, attributes=_attributes(answer))
    return _task(answer)


def _fault(said: Any) -> Stated | None:  # noqa: ANN401 - in one of the languages
    detail = said.one("detail")
    if detail is None:
        return None
    codes = {word.strip() for each in detail.below("faultDetail") if (word := each.word)}
    codes.discard("")
    return Stated(fault=codes.pop()) if len(codes) == 1 else None


def _task(said: Any) -> Stated | None:  # noqa: ANN401
    number = said.one("asyncId")
    status = said.one("asyncStatus")
    async_id = None if number is None else number.number
    if number is not None and (async_id is None or not 0 < async_id < 2**63):
        return None
    found = said.one("SimplifiedIdentificationResponse")
    if found is None:
        if async_id is None:
            return None
        word = None if status is None else status.word
        return Stated(ticket=async_id, is_usual=word in {"CREATED", "INPROGRESS"})
    if status is not None:
        return None
    success, code = found.one("success"), found.one("errorCode")
    if success is None or success.truth is None or (code is not None and code.word is None):
        return None
    person = found.one("personalInformation")
    profile_ = None if person is None else person.one("profile")
    document = None if person is None else person.one("document")
    attributes = _attributes(profile_)
    numbered = None if document is None else document.one("id")
    checked = (*attributes, *_attributes(document))
    return Stated(
        is_result=True,
        success=success.truth,
        code=((code.word or "").strip() or None) if code is not None else None,
        of_task=async_id,
        attributes=attributes,
        document_id=None if numbered is None else numbered.number,
        approved=frozenset(k for k, _, yes in checked if yes),
        not_approved=frozenset(k for k, _, yes in checked if not yes),
    )


def _attributes(said: Any) -> tuple[tuple[str, str | None, bool], ...]:  # noqa: ANN401
    if said is None:
        return ()
    found = []
    for each in said.each("attribute"):
        key, value, approved = each.one("key"), each.one("value"), each.one("approved")
        found.append(
            (
                "" if key is None else (key.word or "").lower(),
                None if value is None else value.word,
                approved is not None and approved.truth is True,
            )
        )
    return tuple(found)


def of_code(code: str) -> frozenset[str]:
    """Return the ends that a code stands for."""
    if code == _ALREADY:
        return frozenset({"succeeded"})
    return frozenset({"rejected"}) if code in _REJECTED else frozenset()


def of_result(said: Stated, asked: int | None) -> Allowed:
    """Return the most that a result element may be taken for."""
    if not said.is_of_the_unit or (asked is not None and said.of_task not in {None, asked}):
        return NOTHING
    facts = {
        "approved": said.approved,
        "not_approved": said.not_approved,
        "document_id": said.document_id,
    }
    if said.code is None:
        return Allowed(frozenset({"succeeded"}), facts=facts) if said.success else NOTHING
    if said.success and said.code != _ALREADY:
        return NOTHING
    if said.code in _BEHIND or said.code == _DOWN:
        return Allowed(frozenset({"failed"}), facts=facts)
    return Allowed(of_code(said.code), over=said.code in _OVER, facts=facts)


def of_status(said: Stated, asked: int | None) -> Allowed:
    """Return the most that the answer about a task may be taken for."""
    if said.fault is not None:
        return Allowed(
            of_code(said.fault), misconfigured=_is_login(said.fault), over=said.fault in _OVER
        )
    return of_result(said, asked) if said.is_result else NOTHING


def group_of(said: Stated) -> int | None:
    """Return the group that a profile names, if the profile is the unit's."""
    parents = said.values("parentid")
    if not said.is_profile or not said.is_of_the_unit or len(parents) != 1:
        return None
    [parent] = parents
    return int(parent) if parent.isascii() and parent.isdigit() and len(parent) < 20 else None


def of_profile(said: Stated | None, *, last: bool) -> Allowed:
    """Return the most that a profile may be taken for; `last`: it is not asked for again."""
    if said is None:
        return NOTHING
    if said.fault is not None:
        return Allowed(misconfigured=_is_login(said.fault))
    group = group_of(said)
    if group in {SIMPLIFIED, FULL}:
        return Allowed(frozenset({"succeeded"}))
    return Allowed(frozenset({"rejected"})) if group == ANONYMOUS and last else NOTHING


class Questions:
    """The questions to a MONETA plugin, in one of the languages."""

    def __init__(self, transport: str) -> None:
        self.soap = transport == "soap"
        self.plugin = MonetaPlugin(
            settings(
                "http://127.0.0.1:1/services",
                transport=transport,
                password=SecretStr("p"),
            )
        )
        self.write = as_soap if self.soap else as_json
        self.fault_status = 500 if self.soap else 400

    def sessions(self) -> list[PinnedSession]:
        return [self.plugin._queries.session]

    def close(self) -> None:
        self.plugin.close()

    @staticmethod
    def kind_of(request: bytes) -> str:
        return kind_of(request)

    def all(self) -> list[Question]:
        return list(self._all())

    def _all(self) -> Iterator[Question]:
        of_task, of_unit = list(self._about_a_task()), list(self._about_a_unit())
        submitted = work(State.SUBMITTING, provider_ref=None, payload=PERSON)
        yield self._question("submit", Call.SUBMIT, submitted, "submit", of_task, self._submit)
        yield self._question("poll", Call.POLL, work(), "status", of_task, self._poll)
        doubtful = work(State.SUBMITTING, provider_ref=None)
        yield self._question(
            "clear-up", Call.CLEAR_UP, doubtful, "profile", of_unit, self._profile(last=False)
        )
        # Before a rejection the task is polled once more.
        lost = {"status": Seed("lost", fault("500.9.1"), self.fault_status)}
        for checks in (0, 2):
            settling = work(State.SETTLING, progress={"last_poll": True, "checks": checks})
            yield self._question(
                f"settle-check-{checks + 1}", Call.SETTLE, settling, "profile", of_unit,
                self._profile(last=checks == 2), lost,
            )  # fmt: skip
        identified = Seed("identified", profile(SIMPLIFIED))
        yield self._question(
            "settle-last-poll", Call.SETTLE, work(State.SETTLING), "status", of_task,
            self._last_poll, {"profile": identified},
        )  # fmt: skip
        spoilt = work(State.SETTLING, progress={"spoilt": 2, "checks": 2})
        yield self._question(
            "settle-hopeless", Call.SETTLE, spoilt, "status", of_task, self._hopeless,
            {"profile": Seed("anonymous", profile(ANONYMOUS))},
        )  # fmt: skip

    def _question(
        self, name: str, ask: Call, given: Work, target: str, seeds: list[Seed], judge: Judge,
        others: Mapping[str, Seed] | None = None,
    ) -> Question:  # fmt: skip
        return Question(
            name, ask, given, self.plugin, target, others or {}, seeds, judge, self.write
        )

    def _about_a_task(self) -> Iterator[Seed]:
        yield Seed("created", ticket("CREATED"))
        yield Seed("in progress", ticket("INPROGRESS"))
        yield Seed("no date", ticket("INPROGRESS", expirationDate=None))
        # Repeated, so that it is drawn as often as the many answers that say no.
        for _ in range(8):
            yield Seed("success", result())
            yield Seed("success of no unit", result(unit_id=None))
            yield Seed("success with the id", result(asyncId=ASYNC_ID))
        for code in _CODES:
            yield Seed(f"errorCode {code}", result(success=False, code=code))
        yield from self._faults()

    def _about_a_unit(self) -> Iterator[Seed]:
        for group in (SIMPLIFIED, FULL, ANONYMOUS, 77, None):
            yield Seed(f"group {group}", profile(group))
        yield from self._faults()

    def _faults(self) -> Iterator[Seed]:
        for code in _CODES:
            yield Seed(f"fault {code}", fault(code), self.fault_status)
        yield Seed("Fault 500.7.3", fault("500.7.3", "Fault"), self.fault_status)

    def _read(self, heard: ProviderReply) -> Stated | None:
        return stated(heard, soap=self.soap)

    def _submit(self, heard: ProviderReply) -> Allowed:
        if heard.status == 429:
            return Allowed(undone=True)
        said = self._read(heard)
        if said is None:
            return NOTHING
        if said.fault is not None:
            return Allowed(
                of_code(said.fault), undone=said.fault in _BEHIND,
                misconfigured=_is_login(said.fault),
            )  # fmt: skip
        if said.ticket is not None:
            return Allowed(started=frozenset({str(said.ticket)}))
        return of_result(said, None) if said.is_result else NOTHING

    def _poll(self, heard: ProviderReply) -> Allowed:
        said = self._read(heard)
        return NOTHING if said is None else of_status(said, ASYNC_ID)

    def _profile(self, *, last: bool) -> Judge:
        return lambda heard: of_profile(self._read(heard), last=last)

    def _last_poll(self, heard: ProviderReply) -> Allowed:
        said = self._read(heard)
        if said is None:
            return NOTHING
        found = of_status(said, ASYNC_ID)
        # The task has answered and not ended, so the profile is asked, which says yes.
        if found.over or (said.ticket == ASYNC_ID and said.is_usual):
            return Allowed(frozenset({"succeeded"}), over=found.over)
        return found

    def _hopeless(self, heard: ProviderReply) -> Allowed:
        said = self._read(heard)
        found = NOTHING if said is None else of_status(said, ASYNC_ID)
        # The plugin may find a reply spoilt that the oracle accepts. After the third spoilt one it
        # asks the profile for the last time, which says no.
        return replace(found, ends=found.ends | {"rejected"})


def kind_of(request: bytes) -> str:
    """Return which of MONETA's requests it is."""
    if b"GetProfileInfo" in request:
        return "profile"
    return "submit" if b"SimplifiedIdentificationRequest" in request else "status"
