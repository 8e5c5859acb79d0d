"""Decides what every request gets."""

from collections.abc import Callable
from dataclasses import dataclass, field

from uprid_sandbox.answers import Answer
from uprid_sandbox.calls import Tallies, tallies
from uprid_sandbox.flaws import befall
from uprid_sandbox.mandarin.replies import INVALID, UNAUTHORIZED, session_reply, status_reply
from uprid_sandbox.mandarin.requests import Person, read_code, read_person
from uprid_sandbox.mandarin.scenarios import scenario_of
from uprid_sandbox.mandarin.sessions import Session, SessionBook
from uprid_sandbox.mandarin.xauth import Gate
from uprid_sandbox.outages import Outage
from uprid_sandbox.steps import step_at
from uprid_sandbox.strict import Violation


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    auth: str | None = field(repr=False)
    content_type: str | None
    body: bytes = field(repr=False)


def session_log() -> Tallies:
    """Return counters by the phone's last seven digits.

    `submits` and `codes` arrived; `taken` had their effect: a session, which is paid for, and a
    code, of which five are taken. `details` holds the codes themselves, and the sessions' ids.
    """
    return tallies("submits", "taken", "codes", "codes_taken", "polls")


class Responder:
    """Decides for Mandarin. A refusal never says what is wrong: the provider's does not."""

    def __init__(self, gate: Gate, book: SessionBook, calls: Tallies, outage: Outage) -> None:
        self._gate = gate
        self._book = book
        self._calls = calls
        self._outage = outage

    def submit(self, asked: Asked) -> Answer:
        """Return what a POST gets."""

        def serve() -> Answer:
            return self._submit(read_person(asked.content_type, asked.body))

        return self._answer(asked, serve)

    def send_code(self, session_id: str, asked: Asked) -> Answer:
        """Return what a PUT gets."""

        def serve() -> Answer:
            code = read_code(asked.content_type, asked.body)
            return self._send_code(self._session(session_id), code)

        return self._answer(asked, serve)

    def status(self, session_id: str, asked: Asked) -> Answer:
        """Return what a GET gets."""
        return self._answer(asked, lambda: self._status(self._session(session_id)))

    def _answer(self, asked: Asked, serve: Callable[[], Answer]) -> Answer:
        objection = self._gate.objection(asked.auth)
        if objection is not None:
            self._calls.count(objection)
            return self._outage.symptom(UNAUTHORIZED) or UNAUTHORIZED
        try:
            return serve()
        except Violation:
            self._calls.count("invalid")
            return self._outage.symptom(UNAUTHORIZED) or INVALID

    def _session(self, session_id: str) -> Session:
        session = self._book.session(session_id)
        if session is None:
            raise Violation("id", "must be a session's")
        return session

    def _submit(self, person: Person) -> Answer:
        self._calls.count("submit")
        self._calls.of(person.key).count("submits")
        symptom = self._outage.symptom(UNAUTHORIZED)
        if symptom is not None:
            return symptom
        scenario = scenario_of(person.number)
        if scenario.once_taken is not None and self._book.begun(person):
            return befall(scenario.once_taken, INVALID)
        step = step_at(scenario.submits, self._book.submitted(person))
        if step is not None and not step.taken:
            return befall(step.act, INVALID)
        session = self._book.begin(person)
        self._calls.of(person.key).count("taken", session.id)
        usual = session_reply(session.id)
        return usual if step is None else befall(step.act, usual)

    def _send_code(self, session: Session, code: str) -> Answer:
        self._calls.count("code")
        self._calls.of(session.person.key).count("codes", code)
        symptom = self._outage.symptom(UNAUTHORIZED)
        if symptom is not None:
            return symptom
        session.puts += 1
        if session.scenario.once_taken is not None:
            return befall(session.scenario.once_taken, INVALID)
        if not session.takes_codes(self._book.now()):
            return INVALID
        step = step_at(session.scenario.codes, session.puts)
        if step is not None and not step.taken:
            return befall(step.act, INVALID)
        self._calls.of(session.person.key).count("codes_taken")
        self._book.take(session, code)
        usual = session_reply(session.id)
        return usual if step is None else befall(step.act, usual)

    def _status(self, session: Session) -> Answer:
        self._calls.count("poll")
        self._calls.of(session.person.key).count("polls")
        symptom = self._outage.symptom(UNAUTHORIZED)
        if symptom is not None:
            return symptom
        session.polls += 1
        usual = status_reply(session.status(self._book.now()))
        if session.scenario.once_taken is not None:
            return befall(session.scenario.once_taken, usual)
        step = step_at(session.scenario.polls, session.polls)
        return usual if step is None else befall(step.act, usual)
