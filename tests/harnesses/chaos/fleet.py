"""The processes that the chaos befalls: the Procfile's lines, each behind links of its own."""

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
from tests.support.postgres import PostgresServer
from tests.support.processes import Process, start
from tests.support.system import ROOT, System, procfile
from tests.support.valkey import ValkeyServer

#: Seconds from SIGTERM to the end that a process may take, with all servers dead or silent.
GRACE: Final = 60.0
#: Seconds that a start may take before a process is killed in the middle of it.
_STARTED_WITHIN: Final = 45.0
#: What a consumer asks for again and again as long as it takes messages.
_TAKES: Final = b"BRPOP"
#: How far a clock goes wrong. Seconds.
CLOCK_OFF: Final = 300


@dataclass(frozen=True, slots=True)
class Servers:
    """What a fleet works with. Of the databases the first is the primary as it begins."""

    broker: ValkeyServer
    #: That of the events; the broker itself where they have none of their own.
    events: ValkeyServer
    databases: tuple[PostgresServer, PostgresServer]


@dataclass(frozen=True, slots=True)
class Links:
    """One process's ways to the servers."""

    broker: Link
    events: Link
    #: To the two databases, in their order.
    databases: tuple[Link, Link]
    providers: Gateway

    def were_silent(self, since: float) -> bool:
        """Tell whether a server answered nothing, now or at some time since."""
        servers = (self.broker, self.events, *self.databases)
        return any(each.was_silent(since) for each in servers)


@dataclass(frozen=True, slots=True)
class Stop:
    """How a process ended that was asked to."""

    #: Seconds.
    took: float
    #: It hung in a server that was silent, and ended itself.
    forced: bool


class Fleet(System):
    """A system whose processes reach servers and providers each by its own links."""

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
        #: The database that takes writes, and the one that may take over from it.
        self.postgres, self.standby = servers.databases
        #: Of everybody's way to the providers.
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
        #: The marketplace's own ways to the broker and to the events.
        self.outside = proxy.link(_port(servers.broker.url))
        self.outside_events = proxy.link(_port(servers.events.url))
        #: When a server last stood still, by the monotonic clock.
        self._silent_until = float("-inf")
        self.changing = threading.RLock()
        #: How many seconds each process's clock is off.
        self.clocks: dict[str, int] = {}

    @property
    def outside_url(self) -> str:
        """The broker's address as the marketplace reaches it."""
        return _by(self.outside, self.broker.url)

    @property
    def outside_events_url(self) -> str:
        """The address of the events' server as the marketplace reaches it."""
        return _by(self.outside_events, self.events_server.url)

    @property
    def are_events_apart(self) -> bool:
        """Whether the events have a server of their own."""
        return self.events_server is not self.broker

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Note that a server does not answer for the time of a `with` block."""
        self._silent_until = float("inf")
        try:
            yield
        finally:
            self._silent_until = time.monotonic()

    def fail_over(self) -> None:
        """Crash the database that takes writes, and have its standby take over."""
        self.postgres.kill()
        self.standby.promote()
        self.postgres, self.standby = self.standby, self.postgres
        self.database_url = self.postgres.url(self._database)
        self._engine = create_engine(self.database_url, poolclass=NullPool)

    def launch(self, name: str, clock: int = 0) -> None:
        """Start a process of the fleet, with its clock so many seconds off."""
        with self.changing:
            self.clocks[name] = clock
            self.start(name)

    def kill(self, name: str, clock: int = 0) -> None:
        """Kill a process, and start it again."""
        self.wait_until_up(name)
        with self.changing:
            self.kill9(name)
            self.launch(name, clock)

    def bounce(self, name: str, clock: int = 0) -> Stop:
        """Stop a process, start it again, and return how it stopped.

        It must end well, but for one that met a server which was silent meanwhile: that one may end
        itself when its time is over, and says so.
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
        """Start two beats, as two hosts would: each with a file of its own."""
        with self.changing:
            for name in ("beat", "beat-2"):
                line = [*procfile()["beat"], "--schedule", f"var/{name}-schedule"]
                self._running[name] = self._start(name, line)

    def wait_until_up(self, name: str) -> None:
        """Wait until a process has started: on a slow machine, kills must not outrun starts.

        It may not get that far, as with the database away: then it is killed all the same.
        """
        give_up = time.monotonic() + _STARTED_WITHIN
        while time.monotonic() < give_up and not self._is_up(name):
            time.sleep(0.1)

    def _is_up(self, name: str) -> bool:
        with self.changing:
            return "worker_started" in self.log_of(name)

    def stop_beats(self) -> None:
        """End the two beats; one that has not begun yet, too."""
        self.kill9("beat", "beat-2")

    def ended_by_themselves(self) -> dict[str, str]:
        """Return the processes that ended by themselves, and what they wrote last."""
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
            # What is wrong with it is not shipped.
            environment["PYTHONPATH"] = str(ROOT)
        log = self.directory / f"{self._lives:03}-{name}.log"
        return start(self._line(name, command), log=log, env=environment, cwd=self.directory)

    def _ways(self, own: Links) -> dict[str, str]:
        """Return the addresses of a process of the fleet."""
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
        """Return the Procfile's line, or the same in a process that something is wrong with."""
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
