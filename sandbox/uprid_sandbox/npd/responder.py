"""Decides what every request gets."""

from collections.abc import Mapping
from hmac import compare_digest

from uprid_sandbox.answers import Answer, Late, json_page
from uprid_sandbox.calls import Tallies, tallies
from uprid_sandbox.flaws import befall
from uprid_sandbox.moneta.tasks import TaskBook
from uprid_sandbox.npd import replies
from uprid_sandbox.npd.acts import Act, Error, Members, Method, Tardy
from uprid_sandbox.npd.notifications import NotificationBoard
from uprid_sandbox.npd.people import People, Person, document_data, profile_data
from uprid_sandbox.npd.replies import INVALID, STRANGER
from uprid_sandbox.npd.requests import (
    Signed,
    by_the_formula,
    by_the_rule,
    check_parameters,
    is_signed,
    read_form,
)
from uprid_sandbox.options import SandboxOptions
from uprid_sandbox.outages import Outage
from uprid_sandbox.steps import step_at
from uprid_sandbox.strict import Violation


def phone_log() -> Tallies:
    """Return counters by the phone's last seven digits.

    Requests count when they arrive; `taken` are those of `startuprid` that began a task, with the
    tasks' ids in `details`.
    """
    return tallies(*Method, "taken")


class Responder:
    """Decides for the API."""

    def __init__(
        self,
        options: SandboxOptions,
        book: TaskBook,
        board: NotificationBoard,
        calls: Tallies,
        outage: Outage,
    ) -> None:
        self._options = options
        self._book = book
        self._board = board
        self._calls = calls
        self._outage = outage
        self._people = People()
        self._signed: Signed = by_the_formula if options.npd_printed_formula else by_the_rule

    def answer(self, method: Method, content_type: str | None, body: bytes) -> Answer:
        """Return what a request gets."""
        symptom = self._outage.symptom(STRANGER)
        try:
            values = read_form(content_type, body)
            if not self._knows(values.get("key", "")):
                self._calls.count("stranger")
                return symptom or STRANGER
            check_parameters(method, values)
        except Violation:
            self._calls.count("invalid")
            return symptom or INVALID
        if not is_signed(method, values, self._options.npd_secret_key, self._signed):
            self._calls.count("unsigned")
            return symptom or replies.error(Error.WRONG_SIGNATURE)
        person = self._people.of(values["phone"])
        self._calls.count(method)
        self._calls.of(person.key).count(method)
        return symptom or self._serve(method, person, values)

    def clear(self) -> None:
        """Forget everybody and every notification."""
        self._people.clear()
        self._board.clear()

    def _knows(self, key: str) -> bool:
        return compare_digest(key.encode(), self._options.npd_security_key.encode())

    def _serve(self, method: Method, person: Person, values: Mapping[str, str]) -> Answer:
        person.asked[method] += 1
        step = step_at(person.scenario.steps.get(method, ()), person.asked[method])
        if step is not None and not step.taken:
            return _befall(step.act, {})
        try:
            members = self._do(method, person, values)
        except _Refused as refused:
            return replies.error(refused.error)
        person.done.add(method)
        usual = person.scenario.look(members)
        return json_page(200, usual) if step is None else _befall(step.act, usual)

    def _do(self, method: Method, person: Person, values: Mapping[str, str]) -> Members:
        match method:
            case Method.PROFILE:
                self._book.unit(person.unit_id).save(profile_data(values))
                return replies.updated()
            case Method.DOCUMENT:
                return self._store_document(person, values)
            case Method.START:
                return self._start(person)

    def _store_document(self, person: Person, values: Mapping[str, str]) -> Members:
        # A guess, as in `_start`: no page tells what a step gets that comes too early.
        if Method.PROFILE not in person.done:
            raise _Refused(Error.NOT_UPDATED)
        unit = self._book.unit(person.unit_id)
        unit.save(document_data(values))
        return replies.document(unit.id, unit.document_id)

    def _start(self, person: Person) -> Members:
        unit = self._book.unit(person.unit_id)
        if Method.DOCUMENT not in person.done or unit.identified:
            raise _Refused(Error.NO_TASK)
        course = person.next_course()
        task = self._book.start(unit, course.ending)
        self._calls.of(person.key).count("taken", str(task.id))
        self._board.announce(person, task, course.notifications)
        return replies.created(task)


class _Refused(Exception):
    """A method cannot be done."""

    def __init__(self, error: Error) -> None:
        super().__init__(error)
        self.error = error


def _befall(act: Act, usual: Members) -> Answer:
    page = json_page(200, usual)
    return Late(page, act.seconds) if isinstance(act, Tardy) else befall(act, page)
