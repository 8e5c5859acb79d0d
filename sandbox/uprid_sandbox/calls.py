"""Counts what arrived, so that a test can tell how often a call was really made."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar


class Counters(Protocol):
    """What is counted of one subject: a unit, a phone, an invoice."""

    def as_json(self) -> dict[str, Any]:
        """Return the counters as the admin page shows them."""


Of = TypeVar("Of", bound=Counters)


class CallLog(Generic[Of]):
    """The counters of one stand-in: ids and numbers, nothing personal."""

    def __init__(self, title: str, new: Callable[[], Of]) -> None:
        """Count subjects under a title, each beginning with `new()`."""
        self._title = title
        self._requests: Counter[str] = Counter()
        self._subjects: defaultdict[int | str, Of] = defaultdict(new)

    def count(self, kind: str) -> None:
        """Count a request of a kind."""
        self._requests[kind] += 1

    @property
    def requests(self) -> dict[str, int]:
        """How many requests came, by kind."""
        return dict(self._requests)

    def of(self, key: int | str) -> Of:
        """Return the counters of a subject, to be counted up."""
        return self._subjects[key]

    def clear(self) -> None:
        """Forget everything."""
        self._requests.clear()
        self._subjects.clear()

    def as_json(self) -> dict[str, Any]:
        """Return `{"requests": {kind: n}, title: {key: counters}}`."""
        subjects = {str(key): counters.as_json() for key, counters in self._subjects.items()}
        return {"requests": self.requests, self._title: subjects}


class Tally:
    """Counters by name, and by what the counted calls carried where that matters."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """Begin every name at zero, so that a reader finds it."""
        self._counts = Counter(dict.fromkeys(names, 0))
        self._details: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def count(self, name: str, detail: str | None = None) -> None:
        """Count a call of a name, and what it carried."""
        self._counts[name] += 1
        if detail is not None:
            self._details[name][detail] += 1

    def as_json(self) -> dict[str, Any]:
        """Return `{name: n, "details": {name: {detail: n}}}`."""
        details = {name: dict(counted) for name, counted in self._details.items()}
        return {**self._counts, "details": details}


#: What every stand-in but MONETA's counts in.
Tallies = CallLog[Tally]


def tallies(*names: str) -> Tallies:
    """Return a log that shows `{"requests": …, "subjects": {key: {name: n, …}}}`."""
    return CallLog("subjects", lambda: Tally(names))
