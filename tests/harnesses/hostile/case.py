"""A case: a question, and the reply to it as bytes on the wire."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.harnesses.hostile.tree import Write
from worker.engine.calls import Call
from worker.providers.protocol import Plugin, Work

#: A marker in personal data, and one in free text that a host may put anywhere. Neither may be
#: readable in what we store or log.
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
    """What a strict HTTP client reads of a reply: its status and its body."""

    status: int
    #: None: no body may be used, because it was cut off or its framing or compression is broken.
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """A reply as bytes on the wire, and what it states."""

    wire: bytes = field(repr=False)
    heard: ProviderReply


@dataclass(frozen=True, slots=True)
class Allowed:
    """The most that a reply may be taken for.

    To wait, to doubt or to ask a person is always allowed.
    """

    #: The ends that it states.
    ends: frozenset[str] = frozenset()
    #: Ids of what the provider says it has started.
    started: frozenset[str] = frozenset()
    #: It says that nothing was done, so the request may be repeated.
    undone: bool = False
    #: It says that our settings are wrong.
    misconfigured: bool = False
    #: It says that the wait is over.
    over: bool = False
    #: It says that a step before the submit is done.
    prepared: bool = False
    #: Facts that may be reported, by name.
    facts: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Allowed()
#: Returns the most that a reply may be taken for.
Judge = Callable[[ProviderReply], Allowed]


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a plugin, and the documented answers to it."""

    name: str
    ask: Call
    work: Work
    plugin: Plugin
    #: Which of the plugin's requests gets the hostile reply.
    target: str
    #: The honest replies to its other requests, by kind of request.
    others: Mapping[str, Seed]
    seeds: Sequence[Seed]
    judge: Judge
    write: Write


@dataclass(frozen=True, slots=True)
class Finding:
    """A failure in a case, and how to repeat it."""

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
