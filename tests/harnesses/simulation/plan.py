"""The plan: what happens in a seed, drawn before anything happens."""

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Final

from config.polling import PollPolicy
from uprid_client.names import Provider
from worker.providers.protocol import Limits


class Fault(StrEnum):
    """The ways in which a call to a provider can fail."""

    NONE = "none"
    #: No connection: nothing was sent.
    REFUSED = "refused"
    #: The provider took it, and its answer is lost.
    LOST = "lost"
    #: It reaches the provider after we gave it up.
    LATE = "late"
    #: 5xx, taken or not.
    ERROR = "error"
    #: 429 with Retry-After, not taken.
    RATE = "rate"
    #: Taken, and the answer is not documented.
    GARBAGE = "garbage"
    #: Wrong credentials, not taken.
    CREDENTIALS = "credentials"
    #: Our own plugin fails on the answer.
    STUMBLE = "stumble"
    #: The answer takes almost the whole time limit.
    SLOW = "slow"


_KINDS: Final = [fault for fault in Fault if fault is not Fault.NONE]


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which one fault is likely."""

    provider: Provider
    begins: float
    ends: float
    fault: Fault
    likely: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Times are in seconds, and chances are from 0 to 1."""

    hosts: int
    operations: int
    providers: tuple[Provider, ...]
    #: When the last fault is over.
    calm_from: float
    heartbeat: float
    silence: float
    sweep_every: float
    width: float
    longest: float
    visibility: float
    deadline: float
    last_look: float | None
    policies: tuple[PollPolicy, ...]
    total_timeout: float
    rate: float
    chunk: int
    threads: int
    breaker_failures: int
    breaker_reset: float
    #: The chance of each effect that its process dies there.
    crash: float
    crash_often: str
    freeze: float
    #: The chance of each commit that it is not confirmed.
    unconfirmed: float
    lost: float
    late: float
    doubled: float
    unpublished: float
    faults: float
    stumble: float
    outages: tuple[Outage, ...]
    #: Times at which the broker is wiped, loses the tail of its stream or is away, with which of
    #: these.
    wipes: tuple[tuple[float, str], ...]
    #: Times at which the database is away, and for how long.
    blackouts: tuple[tuple[float, float], ...]
    #: Times at which the database takes no writes, and for how long.
    closings: tuple[tuple[float, float], ...]
    #: Times at which the database stands still, and for how long.
    standstills: tuple[tuple[float, float], ...]
    #: The chance that other tasks run between two statements.
    interleaved: float
    #: The chance of each statement that it fails.
    failing: float
    #: When the database fails over to a replica, and by how many seconds that one lags.
    failover: tuple[float, float] | None
    #: The chance of each call that it returns long after its lease is lost, or never.
    hangs: float
    actions: float
    poison: float
    #: Whether NPD's tasks are polled as well.
    asked_at_npd: bool

    @property
    def limits(self) -> Limits:
        """The limits of each provider."""
        return Limits(
            rate_per_second=self.rate,
            chunk=self.chunk,
            threads=self.threads,
            total_timeout=self.total_timeout,
            breaker_failures=self.breaker_failures,
            breaker_reset=self.breaker_reset,
        )


def draw(random: Random) -> Plan:
    """Draw a plan."""
    calm_from = random.choice([15.0, 25.0, 40.0])

    def moments(most: int) -> list[float]:
        return sorted(random.uniform(2, calm_from) for _ in range(random.randint(0, most)))

    heartbeat = random.choice([4.0, 5.0, 6.0])
    providers = random.choice([*[(each,) for each in _PROVIDERS], _PROVIDERS[:2], _PROVIDERS[1:]])
    plan = Plan(
        hosts=random.choice([2, 2, 3, 4]),
        operations=random.choice([1, 2, 2, 3, 4]),
        providers=providers,
        calm_from=calm_from,
        heartbeat=heartbeat,
        silence=heartbeat * 2.5,
        sweep_every=random.choice([6.0, 8.0, 11.0]),
        width=random.choice([0.5, 1.0]),
        longest=random.choice([8.0, 20.0]),
        visibility=30.0,
        deadline=random.choice([8.0, 15.0, 30.0]),
        last_look=random.choice([None, None, 2.0]),
        policies=tuple(_policy(random) for _ in range(random.choice([1, 1, 2, 3]))),
        total_timeout=random.choice([2.0, 4.0, 16.0]),
        rate=random.choice([1.0, 2.0, 5.0, 100.0]),
        chunk=random.choice([1, 2, 10, 100]),
        threads=random.choice([1, 2, 4]),
        breaker_failures=random.choice([2, 3, 5]),
        breaker_reset=random.choice([3.0, 10.0]),
        crash=random.choice([0.0, 0.003, 0.01, 0.03]),
        crash_often=random.choice(_SPOTS),
        freeze=random.choice([0.0, 0.0, 0.002, 0.01]),
        unconfirmed=random.choice([0.0, 0.0, 0.01, 0.05]),
        lost=random.choice([0.0, 0.0, 0.1, 0.4]),
        late=random.choice([0.0, 0.0, 0.2]),
        doubled=random.choice([0.0, 0.1, 0.3]),
        unpublished=random.choice([0.0, 0.0, 0.05]),
        faults=random.choice([0.0, 0.05, 0.3]),
        stumble=random.choice([0.0, 0.0, 0.05]),
        outages=tuple(_outage(random, random.choice(providers), at) for at in moments(3)),
        wipes=tuple((at, random.choice(_WIPES)) for at in moments(2)),
        blackouts=tuple((at, random.choice([1.0, 4.0, 10.0])) for at in moments(1)),
        closings=tuple((at, random.choice([0.5, 3.0, 12.0])) for at in moments(1)),
        standstills=tuple((at, random.choice([1.0, 8.0, 20.0])) for at in moments(1)),
        interleaved=random.choice([0.0, 0.0, 0.1, 0.4]),
        failing=random.choice([0.0, 0.0, 0.005, 0.02]),
        failover=_failover(random, calm_from),
        hangs=random.choice([0.0, 0.0, 0.0, 0.1]),
        actions=random.choice([0.0, 3.0, 8.0]),
        poison=random.choice([0.0, 0.0, 0.0, 0.3]),
        asked_at_npd=random.choice([False, True]),
    )
    return _crowded(plan) if Random(repr(plan)).random() < _CROWDED else plan


def _crowded(plan: Plan) -> Plan:
    """Put many operations at one provider into chunks of one, so that chunks meet."""
    return replace(
        plan,
        hosts=4,
        operations=10,
        providers=plan.providers[:1],
        rate=100.0,
        chunk=1,
        total_timeout=4.0,
        faults=0.3,
        outages=tuple(replace(each, provider=plan.providers[0]) for each in plan.outages),
    )


#: The share of seeds that are crowded.
_CROWDED: Final = 0.05

#: The code's names around which a process dies more often. One of them is drawn.
_SPOTS: Final = (
    "", "_take", "_mark", "_supply", "_write", "call", "publish", "mark", "append", "_publish_all",
    "_store", "_append", "_feed",
)  # fmt: skip
_WIPES: Final = ("all", "queues", "markers", "stream", "tail", "away")
_PROVIDERS: Final = (Provider.MONETA, Provider.MANDARIN, Provider.NPD)


def _failover(random: Random, calm_from: float) -> tuple[float, float] | None:
    if random.random() > 0.15:
        return None
    lag = random.choice([0.2, 3.0, 8.0])
    return random.uniform(2 + lag, calm_from), lag


def _policy(random: Random) -> PollPolicy:
    return PollPolicy(
        first_after=random.choice([0.0, 1.0, 3.0]),
        steps=random.choice([(), ((3, 1.5),), ((2, 3.0), (2, 6.0))]),
        then=random.choice([4.0, 8.0]),
        jitter=random.choice([0.0, 0.1, 0.3]),
    )


def _outage(random: Random, provider: Provider, at: float) -> Outage:
    return Outage(
        provider, at, at + random.choice([2.0, 6.0, 15.0]), random.choice(_KINDS),
        random.choice([0.5, 1.0]),
    )  # fmt: skip
