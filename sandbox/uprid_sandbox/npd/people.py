"""The self-employed: every phone is one of them, with a unit of MONETA's. In memory only."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from uprid_sandbox.moneta.forms import PASSPORT
from uprid_sandbox.moneta.requests import PersonalData
from uprid_sandbox.npd.acts import Course, Method, Scenario
from uprid_sandbox.npd.scenarios import scenario_of

#: Units of whole thousands: to MONETA's stand-in they are plain successes, and stand where they
#: were moved. Beyond those that a test would choose.
_UNITS: Final = 7_000_000_000_000
_THOUSAND: Final = 1000
_PROFILE: Final = {
    "lastname": "last_name",
    "firstname": "first_name",
    "middlename": "middle_initial_name",
    "phone": "cell_phone",
    "bd": "date_of_birth",
    "snils": "snils",
}


@dataclass(slots=True)
class Person:
    """One self-employed person."""

    phone: str = field(repr=False)
    unit_id: int
    scenario: Scenario
    #: Requests that were signed and well-formed, by method.
    asked: Counter[Method] = field(default_factory=Counter)
    #: Methods that had their effect.
    done: set[Method] = field(default_factory=set)
    tasks: int = 0

    @property
    def key(self) -> str:
        """What counters show: the phone's last seven digits."""
        return self.phone[-7:]

    def next_course(self) -> Course:
        """Return how the next task goes."""
        courses = self.scenario.courses
        self.tasks += 1
        return courses[min(self.tasks, len(courses)) - 1]


class People:
    """Everybody who was asked about."""

    def __init__(self) -> None:
        # Ids go on after a reset, so that an old one never names a new unit.
        self._ids = count(_UNITS, _THOUSAND)
        self._people: dict[str, Person] = {}

    def of(self, phone: str) -> Person:
        """Return who has a phone. There is everybody who is asked for."""
        if phone not in self._people:
            scenario = scenario_of(int(phone[-3:]))
            self._people[phone] = Person(phone, next(self._ids), scenario)
        return self._people[phone]

    def clear(self) -> None:
        """Forget everybody."""
        self._people.clear()


def profile_data(values: Mapping[str, str]) -> PersonalData:
    """Return what `updatemonetaprofile` stores in the unit."""
    profile: dict[str, str | None] = {
        key: values[name] for name, key in _PROFILE.items() if name in values
    }
    return PersonalData(profile, {})


def document_data(values: Mapping[str, str]) -> PersonalData:
    """Return what `updateuserdoc` stores in the unit."""
    document: dict[str, str | None] = {
        name.removeprefix("doc"): value for name, value in values.items() if name.startswith("doc")
    }
    return PersonalData({}, document, PASSPORT)
