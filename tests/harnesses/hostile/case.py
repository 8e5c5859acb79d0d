"""A case: what is asked, and what comes back, as bytes on the wire."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.harnesses.hostile.tree import Write
from worker.engine.calls import Call
from worker.providers.base import Plugin, Work

#: A marker in what is personal, and one in free text that a host may put anywhere. They must stand
#: nowhere in clear.
PERSON = "Проверкин"
MARKER = "Маркерова Анна, 79990001122"
LATIN_MARKER = "Markerova7 Anna"
MARKERS = (PERSON, "Маркерова", "Markerova7", "79990001122")


@dataclass(frozen=True, slots=True)
class Seed:
    """A documented answer."""

    name: str
    document: Any = field(repr=False)
    status: int = 200


@dataclass(frozen=True, slots=True)
class ProviderReply:
    """What a reply says to a reader that keeps to HTTP: its status and its body."""

    status: int
    #: None: there is none that may be believed (cut off, broken framing, broken compression).
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """A reply as it goes over the wire, and what it says."""

    wire: bytes = field(repr=False)
    heard: ProviderReply


@dataclass(frozen=True, slots=True)
class Allowed:
    """The most that a reply may be taken for. Waiting, doubting and asking a person always may."""

    #: Ends of an attempt.
    ends: frozenset[str] = frozenset()
    #: Ids under which the provider may be said to have started.
    started: frozenset[str] = frozenset()
    #: It says that nothing was done: the same may be sent again.
    undone: bool = False
    #: It says that our settings are wrong.
    misconfigured: bool = False
    #: It says that the wait is over.
    over: bool = False
    #: A step before the submit is done.
    prepared: bool = False
    #: What may be told as facts, by name.
    facts: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Allowed()
#: Reads the target's reply, as far as it can be believed.
Judge = Callable[[ProviderReply], Allowed]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that a plugin is asked, and the documented answers to it."""

    name: str
    ask: Call
    work: Work
    plugin: Plugin
    #: Which of the plugin's requests gets the hostile reply.
    target: str
    #: The honest replies to its others, by request.
    others: Mapping[str, Seed]
    seeds: Sequence[Seed]
    judge: Judge
    write: Write


@dataclass(frozen=True, slots=True)
class Finding:
    """What went wrong in a case, and how to have it again."""

    provider: str
    question: str
    number: int
    mutations: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        how = ", ".join(self.mutations) or "none"
        return (
            f"{self.provider} {self.question} case {self.number}: {self.what}\n"
            f"    mutations: {how}\n"
            f"    again: ./run hostile --provider {self.provider}"
            f" --first-seed {self.number} --cases 1"
        )
