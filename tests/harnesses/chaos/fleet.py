"""The processes under faults: those of the Procfile, each behind links of its own."""

import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.harnesses.chaos.gateway import Gateway, Weather
from tests.harnesses.chaos.plan import FLEET
from tests.harnesses.chaos.proxy import Link, Proxy
from tests.support.processes.child import Process, start
from tests.support.processes.system import ROOT, System, procfile
from tests.support.servers.postgres import PostgresServer
from tests.support.servers.valkey import ValkeyServer

#: Seconds that a process may take to end after SIGTERM, even if every server is away or frozen.
GRACE: Final = 60.0
#: Seconds that a start may take before a process is killed in the middle of it.
_STARTED_WITHIN: Final = 45.0
#: The command that a consumer repeats as long as it takes messages.
_TAKES: Final = b"BRPOP"
#: Seconds by which a wrong clock is off.
CLOCK_OFF: Final = 300


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of a fleet. The first of the databases is the primary at first."""

    broker: ValkeyServer
    #: The server of the events. It is the broker if they have no server of their own.
    events: ValkeyServer
    databases: tuple[PostgresServer, PostgresServer]


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one process to the servers."""

    broker: Link
    events: Link
    #: To the two databases, in their order.
    databases: tuple[Link, Link]
    providers: Gateway

    def were_silent(self, since: float) -> bool:
        """Return whether a server left a request without an answer, now or since that time."""
        servers = (self.broker, self.events, *self.databases)
        return any(each.was_silent(since) for each in servers)


@dataclass(frozen=True, slots=True)
class Stop:
    """How a process ended after SIGTERM."""

    #: Seconds.
    took: float
    #: It hung in a server that did not answer, and ended itself.
    forced: bool


class Fleet(System):
    """A system whose processes reach each server and provider through links of their own."""

    def __init__(
        self,
        directory: Path,
        servers: Servers,
        database_url: str,
        proxy: Proxy,
        weather: Weather,
        settings: Mapping[str, str],
        *,
        sabotage: str | None = None,
    ) -> None:
        super().__init__(directory, servers.broker, database_url, settings, every_provider=True)
        self.events_server = servers.events
        #: The database that takes writes, and the one that may take over.
        self.postgres, self.standby = servers.databases
        #: What the gateways of all processes do.
        self.weather = weather
        self._sabotage = sabotage
        self.links = {
            name: Links(
                proxy.link(_port(servers.broker.url), _TAKES),
                proxy.link(_port(servers.events.url)),
                (proxy.link(servers.databases[0].port), proxy.link(servers.databases[1].port)),
                proxy.open(Gateway(proxy, self.sandbox_port, weather)),
            )
            for name in FLEET
        }
        #: The marketplace's own links to the broker and to the server of the events.
        self.outside = proxy.link(_port(servers.broker.url))
        self.outside_events = proxy.link(_port(servers.events.url))
        #: Until when a server was frozen last, by the monotonic clock.
        self._silent_until = float("-inf")
        self.changing = threading.RLock()
        #: Seconds by which each process's clock is off.
        self.clocks: dict[str, int] = {}

    @property
    def outside_url(self) -> str:
        """The broker's address for the marketplace."""
        return _by(self.outside, self.broker.url)

    @property
    def outside_events_url(self) -> str:
        """The address of the events' server for the marketplace."""
        return _by(self.outside_events, self.events_server.url)

    @property
    def are_events_apart(self) -> bool:
        """Whether the events have a server of their own."""
        return self.events_server is not self.broker

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Note that a server does not answer during a `with` block."""
        self._silent_until = float("inf")
        try:
            yield
        finally:
            self._silent_until = time.monotonic()

    def fail_over(self) -> None:
        """Crash the database that takes writes, and promote its standby."""
        self.postgres.kill()
        self.standby.promote()
        self.postgres, self.standby = self.standby, self.postgres
        self.database_url = self.postgres.url(self._database)
        self._engine = create_engine(self.database_url, poolclass=NullPool)

    def launch(self, name: str, clock: int = 0) -> None:
        """Start a process whose clock is off by this many seconds."""
        with self.changing:
            self.clocks[name] = clock
            self.start(name)

    def kill(self, name: str, clock: int = 0) -> None:
        """Kill a process and start it again."""
        self.wait_until_up(name)
        with self.changing:
            self.kill9(name)
            self.launch(name, clock)

    def bounce(self, name: str, clock: int = 0) -> Stop:
        """Stop a process, start it again, and return how it stopped.

        It must exit with status 0. Only if a server did not answer meanwhile may it end itself when
        its time is over, and its log must say so.
        """
        self.wait_until_up(name)
        began = time.monotonic()
        with self.changing:
            process = self.process(name)
            process.send(signal.SIGTERM)
            status = process.wait(GRACE)
            took = time.monotonic() - began
            silent = self.links[name].were_silent(began) or self._silent_until >= began
            forced = silent and "stop_forced" in self.log_of(name)
            self._running.pop(name).kill9()
            self.launch(name, clock)
        if status != int(forced):
            message = f"{name} ended with {status} after SIGTERM\n{process.tail()}"
            raise AssertionError(message)
        return Stop(took, forced)

    def start_beats(self) -> None:
        """Start two beats as two hosts would, each with a file of its own."""
        with self.changing:
            for name in ("beat", "beat-2"):
                line = [*procfile()["beat"], "--schedule", f"var/{name}-schedule"]
                self._running[name] = self._start(name, line)

    def wait_until_up(self, name: str) -> None:
        """Wait until a process has started, so that kills are not faster than starts.

        A process may not start at all, for example while the database is away. Then it is killed
        nevertheless.
        """
        give_up = time.monotonic() + _STARTED_WITHIN
        while time.monotonic() < give_up and not self._is_up(name):
            time.sleep(0.1)

    def _is_up(self, name: str) -> bool:
        with self.changing:
            return "worker_started" in self.log_of(name)

    def stop_beats(self) -> None:
        """End both beats, even one that has not started yet."""
        self.kill9("beat", "beat-2")

    def ended_by_themselves(self) -> dict[str, str]:
        """Return the processes that ended by themselves, with the last lines of their logs."""
        with self.changing:
            return {name: self.process(name).tail() for name in FLEET if not self.is_running(name)}

    def revive(self, name: str) -> None:
        """Start a process again that ended by itself."""
        with self.changing:
            self._running.pop(name).kill9()
            self.launch(name)

    def _start(self, name: str, command: Sequence[str], release: Path | None = None) -> Process:
        own = self.links.get(name)
        if own is None:
            return super()._start(name, command, release)
        self._lives += 1
        environment = {**self._environment(), **self._ways(own)}
        if self._is_unsound(name):
            # The product has no such command: the tests' own module breaks it.
            environment["PYTHONPATH"] = str(ROOT)
        log = self.directory / f"{self._lives:03}-{name}.log"
        return start(self._line(name, command), log=log, env=environment, cwd=self.directory)

    def _ways(self, own: Links) -> dict[str, str]:
        """Return the addresses in the environment of a process."""
        first, second = (f"127.0.0.1:{link.port}" for link in own.databases)
        here = f"http://127.0.0.1:{self.sandbox_port}/"
        providers = {
            name: value.replace(here, f"http://127.0.0.1:{own.providers.port}/")
            for name, value in self.settings.items()
            if value.startswith(here)
        }
        apart = {"UPRID_EVENTS__REDIS_URL": _by(own.events, self.events_server.url)}
        return {
            **providers,
            **(apart if self.are_events_apart else {}),
            "REDIS_URL": _by(own.broker, self.broker.url),
            "DATABASE_URL": f"postgresql://uprid@{first},{second}/{self._database}",
        }

    @property
    def _database(self) -> str:
        return self.database_url.rpartition("/")[2]

    def _line(self, name: str, command: Sequence[str]) -> list[str]:
        """Return the Procfile's command, or the same command with a wrong clock or a sabotage."""
        if not self._is_unsound(name):
            return list(command)
        clock = self.clocks.get(name, 0)
        wrong = ["--clock", str(clock), *(["--sabotage", self._sabotage] if self._sabotage else [])]
        role = procfile()[name.partition("-")[0]][1:]
        return [sys.executable, "-m", "tests.harnesses.chaos.unsound", *wrong, *role]

    def _is_unsound(self, name: str) -> bool:
        return bool(self.clocks.get(name, 0)) or self._sabotage is not None


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def _by(link: Link, url: str) -> str:
    head, _, rest = url.rpartition(":")
    return f"{head}:{link.port}/{rest.partition('/')[2]}"
