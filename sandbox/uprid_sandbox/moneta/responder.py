"""Decides what every request gets. Knows neither HTTP nor the language that is spoken."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from uprid_sandbox.answers import Drop, Hang, Page, html_page
from uprid_sandbox.bell import Bell, stay_silent
from uprid_sandbox.flaws import Flaw
from uprid_sandbox.moneta import replies
from uprid_sandbox.moneta.acts import Act, Nonsense, Profile, Progress, Refusal, Spoilt, Verdict
from uprid_sandbox.moneta.calls import UnitCalls, UnitLog
from uprid_sandbox.moneta.languages import Envelope
from uprid_sandbox.moneta.messages import Message, Reply
from uprid_sandbox.moneta.requests import Bare, Poll, ProfileCheck, Request, Submit
from uprid_sandbox.moneta.scenarios import scenario_of
from uprid_sandbox.moneta.schema import read_request
from uprid_sandbox.moneta.tasks import Task, TaskBook
from uprid_sandbox.moneta.units import Unit
from uprid_sandbox.options import SandboxOptions
from uprid_sandbox.outages import Mode, Outage
from uprid_sandbox.steps import step_at
from uprid_sandbox.strict import Violation

_SICK: Final = html_page(503, "Service Unavailable")
_SCHEMA: Final = Refusal("200")
_LOGIN: Final = Refusal("300.1")
_NOT_FOUND: Final = Refusal("500.9.1")
_ONLY_ASYNC: Final = Refusal("500.9.4")
_BAD_CALLBACK: Final = Refusal("500.9.5")
_IDENTIFIED: Final = Refusal("500.7.11")
#: The API user is a company: it cannot be identified.
_IMPOSSIBLE: Final = Refusal("500.7.12")
#: The API user's own unit.
_OWN_UNIT: Final = 0


@dataclass(frozen=True, slots=True)
class SpoiltMessage:
    """A message that suffers on its way."""

    flaw: Flaw
    message: Message


#: What the responder decides; the server makes an answer of it.
Decision = Message | SpoiltMessage | Nonsense | Page | Drop | Hang


class Responder:
    """Decides for MONETA."""

    def __init__(
        self,
        options: SandboxOptions,
        book: TaskBook,
        calls: UnitLog,
        outage: Outage,
        bell: Bell = stay_silent,
    ) -> None:
        self._options = options
        self._book = book
        self._calls = calls
        self._outage = outage
        self._bell = bell

    def answer(self, envelope: Envelope, language: str) -> Decision:
        """Return what a request gets, and count it; raise `Violation` where it is invalid."""
        expected = (self._options.username, self._options.password)
        if (envelope.username, envelope.password) != expected:
            self._calls.count("unauthorized")
            return self._sickness() or replies.fault(_LOGIN)
        request = read_request(envelope.body)
        self._count(request, language)
        return self._sickness() or self._serve(request)

    def refuse(self, violation: Violation) -> Decision:
        """Return what an invalid request gets, and count it."""
        self._calls.count("invalid")
        return self._sickness() or replies.fault(_SCHEMA, str(violation))

    def _sickness(self) -> Decision | None:
        match self._outage.mode:
            case Mode.UP:
                return None
            case Mode.DOWN:
                return _SICK
            case Mode.HANG:
                return Hang()
            case Mode.CREDENTIALS:
                return replies.fault(Refusal("300.1.3"))

    def _count(self, request: Request, language: str) -> None:
        match request:
            case Submit(unit_id=unit_id):
                self._calls.count("submit")
                self._about(unit_id or _OWN_UNIT, language).submits += 1
            case Poll(async_id):
                self._calls.count("poll")
                task = self._book.task(async_id)
                if task is not None:
                    self._about(task.unit.id, language).polls += 1
            case ProfileCheck(unit_id=unit_id):
                self._calls.count("profile_check")
                self._about(unit_id or _OWN_UNIT, language).profile_checks += 1
            case Bare():
                self._calls.count("bare")

    def _about(self, unit_id: int, language: str) -> UnitCalls:
        calls = self._calls.of(unit_id)
        calls.languages[language] += 1
        return calls

    def _serve(self, request: Request) -> Decision:
        match request:
            case Submit():
                return self._submit(request)
            case Poll(async_id):
                return self._poll(async_id)
            case ProfileCheck():
                return self._profile_check(request)
            case Bare():
                return replies.fault(_ONLY_ASYNC)

    def _submit(self, request: Submit) -> Decision:
        if request.unit_id is None:
            return replies.fault(_IMPOSSIBLE)
        unit = self._book.unit(request.unit_id)
        objection = self._objection(request, unit)
        if objection:
            return self._do(objection, unit)
        scenario = scenario_of(unit.id)
        unit.submits += 1
        unit.save(request.personal)
        step = step_at(scenario.submits, unit.submits)
        if step and not step.taken:
            return self._do(step.act, unit)
        code = unit.fault()
        if code:
            return self._do(Refusal(code), unit)
        self._calls.of(unit.id).taken += 1
        task = self._book.start(unit)
        self._calls.of(unit.id).tasks.append(str(task.id))
        if request.callback_url is not None and task.ending.act is not None:
            after = (task.ends_at - task.created_at).total_seconds()
            self._bell(request.callback_url, task.id, after)
        return self._do(step.act if step else scenario.created, unit, task)

    def _objection(self, request: Submit, unit: Unit) -> Act | None:
        """Return what stands against a submit before its data is even saved."""
        if unit.taken and scenario_of(unit.id).once_taken:
            return scenario_of(unit.id).once_taken
        if request.callback_url is not None and not _is_url(request.callback_url):
            return _BAD_CALLBACK
        return _IDENTIFIED if unit.identified else None

    def _poll(self, async_id: int) -> Decision:
        task = self._book.task(async_id)
        if task is None:
            return replies.fault(_NOT_FOUND)
        task.polls += 1
        return self._do(self._poll_act(task), task.unit, task)

    def _poll_act(self, task: Task) -> Act:
        scenario, ending, now = task.scenario, task.ending, self._book.now()
        if scenario.once_taken:
            return scenario.once_taken
        step = step_at(scenario.polls, task.polls)
        if step:
            return step.act
        # What has ended keeps its answer past the expiry (a guess): a late answer is possible.
        if now >= task.ends_at and ending.act is not None:
            return ending.act
        if now >= task.expires_at and ending.expires:
            return _NOT_FOUND
        return scenario.pending

    def _profile_check(self, request: ProfileCheck) -> Decision:
        unit = self._book.unit(request.unit_id or _OWN_UNIT)
        unit.profile_checks += 1
        act = self._profile_act(unit)
        if isinstance(act, Profile):
            return self._profile(act, unit, request.version)
        return self._do(act, unit)

    def _profile_act(self, unit: Unit) -> Act:
        scenario = scenario_of(unit.id)
        if unit.taken and scenario.once_taken:
            return scenario.once_taken
        step = step_at(scenario.profiles, unit.profile_checks)
        return step.act if step else Profile(unit.group)

    def _profile(self, shown: Profile, unit: Unit, version: int) -> Reply:
        options = self._options
        group_id = replies.group_id(
            shown.group,
            options.anonymous_group_id,
            options.simplified_group_id,
            options.full_group_id,
        )
        manner = scenario_of(unit.id).manner
        return replies.profile_info(unit, group_id, shown.whose, version, manner)

    def _do(self, act: Act, unit: Unit, task: Task | None = None) -> Decision:
        """Turn a scenario's word into a decision; a result and a status need their task."""
        match act:
            case Refusal(code):
                self._note(code, unit)
                return replies.fault(act, manner=scenario_of(unit.id).manner)
            case Verdict(code=code) if task:
                self._note(code, unit)
                return replies.verdict(act, task)
            case Progress() if task:
                return replies.progress(act, task)
            case Spoilt(flaw, Verdict() as inner) if task:
                return SpoiltMessage(flaw, replies.verdict(inner, task))
            case Spoilt(flaw, Progress() as inner) if task:
                return SpoiltMessage(flaw, replies.progress(inner, task))
            case Nonsense() | Page() | Drop() | Hang():
                return act
            case _:
                message = f"scenario {unit.id % 1000} cannot be answered here"
                raise TypeError(message)

    def _note(self, code: str | None, unit: Unit) -> None:
        if code is not None:
            self._calls.of(unit.id).codes[code] += 1


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
