"""The same questions about several persons, who share no id, name or amount.

The values of the documented person are replaced by each person's own, in questions and answers.
Everything else, with the verdicts, stays as documented.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.harnesses.hostile.case import PERSON as NAME
from tests.harnesses.hostile.case import Question, Seed
from tests.harnesses.hostile.mischief import Own
from tests.harnesses.hostile.tree import tree_of
from tests.support.providers import intellectmoney, mandarin, moneta, npd
from worker.providers.npd.progress import Prints
from worker.providers.protocol import Work

PERSONS: Final = (1, 2, 3)
#: A documented number or text, and the person's own value for it.
Swaps = Mapping[int | str, int | str]


def _number(base: int, person: int) -> int:
    return base + person * 1_111


def _guid(first: str, person: int) -> str:
    return f"{first}0000000-0000-4000-8000-{person:012}"


def _swaps(person: int) -> Swaps:
    unit, task = _number(5_550_000_000, person), _number(7_770_000_000, person)
    document = _number(8_880_000_000, person)
    operation = f"f2c33a48-17c8-4889-a327-{person:012}"
    guids: Swaps = {each: _guid(each[0], person) for each in _GUIDS}
    return {
        moneta.UNIT_ID: unit, str(moneta.UNIT_ID): str(unit),
        moneta.ASYNC_ID: task, str(moneta.ASYNC_ID): str(task),
        npd.DOC_ID: document,
        mandarin.SESSION: f"794d3cc7-a2b4-4579-9173-{person:012}",
        intellectmoney.OPERATION: operation,
        **guids,
        "A-1": f"A-{_number(6_660_000_000, person)}",
        "11.0000": f"{_number(4_440_000, person)}.0000",
        "payer@example.org": f"payer{person}@example.org",
        npd.PHONE: f"7900123000{person}",
        NAME: f"{NAME}{'АБВ'[person - 1]}",
    }  # fmt: skip


_GUIDS: Final = (intellectmoney.FIRST, intellectmoney.SECOND, intellectmoney.THIRD)
#: What an identification at IntellectMoney is about. It is no mark: other numbers may be equal to
#: it.
_OBJECTS: Final = {intellectmoney.OBJECT_ID: 9_990_000_000}


@dataclass(frozen=True, slots=True)
class Person:
    """A person, by the values that no other person has."""

    number: int
    provider: str
    swaps: Swaps = field(default_factory=dict)
    #: Values that must not be in the outcome of another person's call.
    marks: tuple[str, ...] = ()

    @classmethod
    def of(cls, provider: str, number: int) -> "Person":
        """Return a person of a provider."""
        swaps = dict(_swaps(number))
        marks = tuple(dict.fromkeys(str(each) for each in swaps.values()))
        if provider.startswith("intellectmoney"):
            swaps |= {old: new + number * 1_111 for old, new in _OBJECTS.items()}
        made = cls(number, provider, swaps, marks)
        return replace(made, swaps={**swaps, **made._prints()}) if provider == "npd" else made

    def _prints(self) -> Swaps:
        """Return the fingerprints of what NPD stores."""
        was, now = (
            Prints.of(each, npd.SECRET.encode()) for each in (npd.PERSON, self.own(npd.PERSON))
        )
        return {was.profile: now.profile, was.document: now.document}

    def own(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return a value with this person's own values in the place of the documented ones."""
        match value:
            case bool() | None:
                return value
            case int():
                return self.swaps.get(value, value)
            case str():
                for old, new in self.swaps.items():
                    if isinstance(old, str):
                        value = value.replace(old, str(new))
                return value
            case Mapping():
                return {name: self.own(each) for name, each in value.items()}
            case list() | tuple():
                return [self.own(each) for each in value]
            case _:
                return value

    def work(self, given: Work) -> Work:
        """Return the work about this person."""
        return replace(
            given,
            args=self.own(given.args),
            payload=self.own(given.payload),
            provider_ref=self.own(given.provider_ref),
            progress=self.own(given.progress),
            notifications=self.own(given.notifications),
        )

    def replies(self, question: Question, seed: Seed) -> dict[str, Own]:
        """Return the honest replies to the requests of a question, by kind of request."""
        said = {**question.others, question.target: seed}
        return {kind: self._reply(question, each) for kind, each in said.items()}

    def _reply(self, question: Question, seed: Seed) -> Own:
        tree = tree_of(self.own(seed.document))
        return Own(seed.status, question.write(tree).encode())


def strangers(person: Person, all_of_them: Sequence[Person]) -> list[str]:
    """Return the marks of all other persons."""
    return [mark for other in all_of_them if other != person for mark in other.marks]
