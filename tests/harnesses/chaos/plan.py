"""The plan of a run: which fault comes when. The seed alone decides it, so it can be repeated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from uprid_client.names import Provider

#: Processes that are killed, by the Procfile's names.
FLEET: Final = ("worker", "worker-2", "poller", "poller-2")


class Fault(StrEnum):
    """Every kind of fault."""

    KILL_WORKER = "worker killed (SIGKILL)"
    KILL_POLLER = "poller killed (SIGKILL)"
    STOP_WORKER = "worker stopped (SIGTERM)"
    STOP_POLLER = "poller stopped (SIGTERM)"
    FLUSH = "broker flushed"
    BROKER_KILLED = "broker killed, its log kept"
    BROKER_LOST = "broker killed, its log lost"
    BROKER_DEMOTED = "broker read-only (REPLICAOF)"
    BROKER_ALONE = "broker read-only (min-replicas-to-write)"
    BROKER_FULL = "broker full"
    DATABASE_KILLED = "database killed between a call and its commit"
    BROKER_CUT = "connections to the broker cut"
    BROKER_STALLED = "connections to the broker stalled"
    BROKER_HALF_OPEN = "connections to the broker half-opened"
    DATABASE_CUT = "connections to the database cut"
    DATABASE_STALLED = "connections to the database stalled"
    DATABASE_HALF_OPEN = "connections to the database half-opened"
    DATABASE_READ_ONLY = "database read-only"
    DATABASE_FROZEN = "database frozen and thawed"
    DATABASE_SLOW = "database slow"
    DATABASE_FAILED_OVER = "database failed over to its standby"
    EVENTS_FROZEN = "server of the events frozen and thawed"
    PROVIDER_DOWN = "provider down"
    PROVIDER_HANGS = "provider hangs"
    INTERIM_REPLIES = "providers send interim replies"
    IDLE_CLOSED = "providers close idle connections"
    CLOCK_OFF = "clock five minutes off"
    STRANGER = "client with another visibility timeout"
    TWO_BEATS = "two beats"


KILLS: Final = (
    Fault.KILL_WORKER,
    Fault.KILL_POLLER,
    Fault.KILL_POLLER,
    Fault.STOP_WORKER,
    Fault.STOP_POLLER,
)
#: Processes that a kill may hit.
KILLED: Final = frozenset(KILLS)
OTHERS: Final = tuple(fault for fault in Fault if fault not in KILLED)
#: Even the shortest run has each of these, for processes and for everything else.
MAIN_KILLS: Final = (Fault.KILL_WORKER, Fault.KILL_POLLER)
MAIN: Final = (
    Fault.FLUSH,
    Fault.BROKER_KILLED,
    Fault.DATABASE_KILLED,
    Fault.DATABASE_READ_ONLY,
    Fault.DATABASE_FROZEN,
    Fault.DATABASE_FAILED_OVER,
    Fault.EVENTS_FROZEN,
    Fault.BROKER_CUT,
    Fault.DATABASE_CUT,
    Fault.PROVIDER_DOWN,
    Fault.INTERIM_REPLIES,
    Fault.IDLE_CLOSED,
)


@dataclass(frozen=True, slots=True)
class Event:
    """A fault at a time."""

    #: Seconds from the start of the run.
    at: float
    fault: Fault
    #: The process that it hits, if it hits one.
    process: str
    #: The provider that it hits, if it hits one.
    provider: Provider
    #: Seconds that it lasts, if it lasts.
    lasting: float

    def __str__(self) -> str:
        return f"{self.at:7.1f} s  {self.fault.value}"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between faults."""

    #: A start of a process takes two seconds of a core: kills are the most expensive fault.
    kills: float = 8.0
    others: float = 13.0
    #: Before the first fault, so that operations are in flight when it comes.
    calm: float = 6.0
    #: Seconds that a lasting fault lasts: from, to.
    lasting: tuple[float, float] = (3.0, 8.0)


def are_events_apart(seed: int) -> bool:
    """Return whether the events have their own server in this run, not the broker's."""
    return Random(f"events {seed}").random() < 0.5


def kills(seed: int, seconds: float, pace: Pace, faults: Sequence[Fault] = KILLS) -> list[Event]:
    """Return the plan for the processes. Every kind of kill comes once before one comes again."""
    random = Random(f"kills {seed}")
    return list(_events(random, faults, seconds, pace.kills, pace))


def others(seed: int, seconds: float, pace: Pace, faults: Sequence[Fault] = OTHERS) -> list[Event]:
    """Return the plan for everything else. Every kind comes once before one comes again."""
    random = Random(f"others {seed}")
    return list(_events(random, faults, seconds, pace.others, pace))


def _events(
    random: Random, faults: Sequence[Fault], seconds: float, every: float, pace: Pace
) -> Iterator[Event]:
    at = pace.calm
    deck: list[Fault] = []
    while at < seconds:
        if not deck:
            deck = random.sample(faults, len(faults))
        fault = deck.pop()
        yield Event(
            at=at,
            fault=fault,
            process=_process(random, fault),
            provider=random.choice(tuple(Provider)),
            lasting=random.uniform(*pace.lasting),
        )
        at += every * random.uniform(0.7, 1.3)


def _process(random: Random, fault: Fault) -> str:
    match fault:
        case Fault.KILL_WORKER | Fault.STOP_WORKER:
            return random.choice(FLEET[:2])
        case Fault.KILL_POLLER | Fault.STOP_POLLER:
            return random.choice(FLEET[2:])
        case _:
            return random.choice(FLEET)
