"""One provider hangs, every call to its time limit, while three work: how late their calls are.

Of MONETA, Mandarin and IntellectMoney the polls are looked at, of NPD the first call of each start:
it goes on with questions to MONETA as well, which hang with MONETA.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import requests
from sqlalchemy import select

from benchmarks import everybody_rows
from benchmarks.ours import began, wakeups
from benchmarks.stage import Stage
from config.polling import PollPolicy
from config.queues import Wake
from tests.support.loopback.server import free_port
from uprid_client.contract.states import State
from uprid_client.names import Provider
from uprid_client.sealing import Sealer, new_key
from worker.store.database import Database
from worker.store.tables import OPERATIONS

_LOOK_EVERY: Final = 0.5
_UPRID: Final = "worker.cli.main"
#: A poll is due in the database's time and arrives in the endpoint's, on one host.
_SKEW: Final = timedelta(milliseconds=20)


@dataclass(frozen=True, slots=True)
class Load:
    """What every provider has to do. Seconds."""

    #: Of each provider whose operations are polled.
    operations: int
    #: Between two polls of one operation, and two looks at a profile.
    period: float
    #: Of NPD.
    starts_per_second: float
    #: Of NPD: operations whose profile MONETA is asked for.
    profiles: int
    #: After which a call that hangs ends.
    time_limit: float
    #: How long it is watched before and while one hangs.
    seconds: float


@dataclass(frozen=True, slots=True)
class Late:
    """Seconds from when calls were due to when they arrived."""

    calls: int
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Hanging:
    """What one provider's hanging did to the three others."""

    provider: Provider
    #: Calls that it left without an answer.
    hung: int
    #: Before, and meanwhile.
    others: Mapping[Provider, tuple[Late, Late]]

    @property
    def worst(self) -> float:
        """By how much the p99 of one of them grew most."""
        return max(during.p99 - before.p99 for before, during in self.others.values())


class _Endpoint:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def hang(self, provider: Provider) -> None:
        control = {"hanging": provider.value}
        requests.post(f"{self.url}/control", json=control, timeout=10).raise_for_status()

    def seen(self) -> dict[str, Any]:
        seen: dict[str, Any] = requests.get(f"{self.url}/control", timeout=30).json()
        return seen


#: When something was due, by provider and what the endpoint calls it.
_Dues = set[tuple[Provider, str, datetime]]


def measure(stage: Stage, load: Load, hanging: Provider) -> Hanging:
    """Have everybody work for a while, then have one hang for as long."""
    stage.sweep()
    key = new_key()
    with _running(stage, load, key) as endpoint:
        first = stage.database.now() + timedelta(seconds=1)
        dues = _give_work(stage, load, Sealer([key]), first)
        # The first round of every operation was put there by us.
        counts_from = first + timedelta(seconds=load.period)
        dues |= _watched(stage.database, load.period + 1 + load.seconds)
        hangs_from = stage.database.now()
        endpoint.hang(hanging)
        dues |= _watched(stage.database, load.seconds)
        ended = stage.database.now()
        seen = endpoint.seen()
    arrivals = {name: sorted(times) for name, times in seen["arrivals"].items()}
    others = {
        provider: (
            _late(dues, arrivals, provider, (counts_from, hangs_from), ended),
            _late(dues, arrivals, provider, (hangs_from, ended), ended),
        )
        for provider in Provider
        if provider is not hanging
    }
    return Hanging(hanging, seen["hung"], others)


@contextmanager
def _running(stage: Stage, load: Load, key: str) -> Iterator[_Endpoint]:
    port = free_port()
    endpoint = _Endpoint(port)
    settings = _settings(stage, load, endpoint.url, key)
    with (
        stage.process("everybody", ["benchmarks.everybody", str(port)], {}) as served,
        stage.process("worker", [_UPRID, "worker"], settings) as worker,
        stage.process("poller-1", [_UPRID, "poller"], settings) as one,
        stage.process("poller-2", [_UPRID, "poller"], settings) as other,
    ):
        served.wait_for_output("ready")
        began(stage.database, (worker, one, other))
        yield endpoint


def _settings(stage: Stage, load: Load, url: str, key: str) -> dict[str, str]:
    policy = PollPolicy(first_after=load.period, then=load.period, jitter=0.1)
    checks = 100
    each = {
        "RATE_PER_SECOND": "100",
        "POLL": policy.model_dump_json(),
        "CONNECT_TIMEOUT": str(load.time_limit),
        "READ_TIMEOUT": str(load.time_limit),
        "TOTAL_TIMEOUT": str(load.time_limit + 1),
        # Every call hangs as long as it lasts: no breaker makes it easy.
        "BREAKER_FAILURES": "1000",
    }
    return {
        "DATABASE_URL": stage.database_url,
        "REDIS_URL": stage.broker.url,
        "UPRID_SEAL_KEYS": key,
        "UPRID_FINGERPRINT_KEY": "fingerprints-of-the-benchmarks",
        "UPRID_LOG_LEVEL": "ERROR",
        **{
            f"UPRID_{provider.upper()}__{name}": value
            for provider in Provider
            for name, value in each.items()
        },
        "UPRID_MONETA__URL": f"{url}/moneta/services",
        "UPRID_MONETA__USERNAME": "bench",
        "UPRID_MONETA__PASSWORD": "bench",
        "UPRID_MONETA__ANONYMOUS_GROUP_ID": "1",
        "UPRID_MONETA__FULL_GROUP_ID": "2",
        "UPRID_NPD__URL": f"{url}/npd",
        "UPRID_NPD__SECURITY_KEY": "bench",
        "UPRID_NPD__SECRET_KEY": "bench",
        "UPRID_NPD__SETTLE_CHECKS": str(checks),
        "UPRID_NPD__SETTLE_OVER": str(load.period * (checks - 1)),
        "UPRID_MANDARIN__URL": f"{url}/mandarin",
        "UPRID_MANDARIN__MERCHANT_ID": "1",
        "UPRID_MANDARIN__SECRET": "bench",
        "UPRID_INTELLECTMONEY__URL": f"{url}/intellectmoney",
        "UPRID_INTELLECTMONEY__LOGIN": "bench",
        "UPRID_INTELLECTMONEY__PASSWORD": "bench",
    }


def _give_work(stage: Stage, load: Load, sealer: Sealer, first: datetime) -> _Dues:
    """Put the operations; return when NPD's starts are due, which are the only ones of theirs."""
    database, publisher = stage.database, wakeups(stage)
    now = database.now()

    def spread(count: int, over: float) -> list[datetime]:
        return [first + timedelta(seconds=over * place / count) for place in range(count)]

    for provider in everybody_rows.POLLED:
        dues = spread(load.operations, load.period)
        everybody_rows.put(database, everybody_rows.polled(provider, dues, now))
        publisher.at(provider, Wake.POLL, dues)
    profiles = spread(load.profiles, load.period)
    everybody_rows.put(database, everybody_rows.settling(profiles, now))
    lasting = load.period + 2 * load.seconds
    starts = spread(round(lasting * load.starts_per_second), lasting)
    rows = list(everybody_rows.starting(starts, now, sealer))
    everybody_rows.put(database, rows)
    publisher.at(Provider.NPD, Wake.POLL, starts + profiles)
    return {(Provider.NPD, row["reference"].rpartition("-")[2], row["due_at"]) for row, _ in rows}


def _watched(database: Database, seconds: float) -> _Dues:
    """Note now and then what is to be polled when."""
    found: _Dues = set()
    columns = (OPERATIONS.c.provider, OPERATIONS.c.provider_ref, OPERATIONS.c.due_at)
    polling = select(*columns).where(
        OPERATIONS.c.state == State.POLLING.value, OPERATIONS.c.provider != Provider.NPD.value
    )
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with database.read() as connection:
            rows = connection.execute(polling).all()
        found.update((Provider(row[0]), row[1], row[2]) for row in rows)
        time.sleep(_LOOK_EVERY)
    return found


def _late(
    dues: _Dues,
    arrivals: Mapping[str, Sequence[float]],
    provider: Provider,
    between: tuple[datetime, datetime],
    ended: datetime,
) -> Late:
    """Hold what was due against what arrived; what has not arrived is as late as it can be said."""
    by_subject: defaultdict[str, list[datetime]] = defaultdict(list)
    for whose, subject, due in dues:
        if whose is provider and between[0] <= due < between[1]:
            by_subject[subject].append(due)
    late = []
    for subject, times in by_subject.items():
        came = arrivals.get(f"{provider}:{subject}", ())
        for due in times:
            least = (due - _SKEW).timestamp()
            arrived = next((each for each in came if each >= least), None)
            if arrived is not None:
                late.append(arrived - due.timestamp())
            elif (left := (ended - due).total_seconds()) > _LOOK_EVERY:
                late.append(left)
    if not late:
        message = f"nothing of {provider} was due"
        raise RuntimeError(message)
    late.sort()
    return Late(len(late), late[len(late) // 2], late[len(late) * 99 // 100])
