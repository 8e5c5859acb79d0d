"""Mandarin's sessions: two checks each, that run side by side. In memory only."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from uprid_sandbox.clock import Clock
from uprid_sandbox.mandarin.acts import Check, Scenario, Status
from uprid_sandbox.mandarin.requests import Person
from uprid_sandbox.mandarin.scenarios import scenario_of

#: Codes that a session takes, the last one included.
CODES: Final = 5


@dataclass(frozen=True, slots=True)
class Code:
    """A code that arrived."""

    right: bool
    #: None: it never is.
    judged_at: datetime | None


@dataclass(slots=True)
class Session:
    """One identification."""

    id: str
    person: Person
    scenario: Scenario
    check: Check
    #: When the person's check ends; None: never.
    checked_at: datetime | None
    polls: int = 0
    #: PUTs that arrived, with any result.
    puts: int = 0
    codes: list[Code] = field(default_factory=list)

    def phone(self, now: datetime) -> tuple[bool | None, bool]:
        """Return `phoneVerified` and `phoneVerificationFinished`.

        While a further code is being judged, the verdict on the one before it stands.
        """
        judged = [code for code in self.codes if code.judged_at and code.judged_at <= now]
        if any(code.right for code in judged):
            return True, True
        verified = False if judged else None
        return verified, bool(judged) and len(judged) == len(self.codes)

    def takes_codes(self, now: datetime) -> bool:
        """Return whether a further code may come."""
        return len(self.codes) < CODES and self.phone(now)[0] is not True

    def status(self, now: datetime) -> Status:
        """Return the session's status, as the scenario shows it."""
        phone_verified, phone_finished = self.phone(now)
        finished = self.checked_at is not None and self.checked_at <= now
        return self.scenario.look(
            {
                "id": self.id,
                "phoneVerified": phone_verified,
                "phoneVerificationFinished": phone_finished,
                "personVerified": self.check.verified if finished else None,
                "personVerificationFinished": finished,
                "personVerificationError": self.check.error if finished else "",
            }
        )


class SessionBook:
    """All sessions. Grows until it is cleared: a sandbox does not live for long."""

    def __init__(self, delay: float, code_delay: float, clock: Clock) -> None:
        self._delay = delay
        self._code_delay = code_delay
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._submits: Counter[str] = Counter()
        self._begun: Counter[str] = Counter()

    def now(self) -> datetime:
        """Return the book's time."""
        return self._clock()

    def session(self, session_id: str) -> Session | None:
        """Return a session, None where there is none of this id."""
        return self._sessions.get(session_id)

    def submitted(self, person: Person) -> int:
        """Count this phone's POST and return its number, from 1."""
        self._submits[person.phone] += 1
        return self._submits[person.phone]

    def begun(self, person: Person) -> int:
        """Return how many sessions this phone has."""
        return self._begun[person.phone]

    def begin(self, person: Person) -> Session:
        """Begin the phone's next session, beside those that it has."""
        scenario = scenario_of(person.number)
        check = scenario.checks[min(self._begun[person.phone], len(scenario.checks) - 1)]
        self._begun[person.phone] += 1
        checked_at = self._after(self._delay, check.after)
        session = Session(str(uuid4()), person, scenario, check, checked_at)
        self._sessions[session.id] = session
        return session

    def take(self, session: Session, code: str) -> None:
        """Begin to judge a code."""
        right = code == session.person.code and not session.scenario.deaf
        judged_at = self._after(self._code_delay, session.scenario.judged_after)
        session.codes.append(Code(right, judged_at))

    def clear(self) -> None:
        """Forget every session."""
        self._sessions.clear()
        self._submits.clear()
        self._begun.clear()

    def _after(self, delay: float, times: float | None) -> datetime | None:
        return None if times is None else self._clock() + timedelta(seconds=delay * times)
