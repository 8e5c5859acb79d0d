"""The processes that the chaos befalls: the Procfile's lines, each behind links of its own."""

import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.plan import FLEET
from tests.chaos.proxy import Link, Proxy
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
class Links:
    """One process's ways to the servers."""

    broker: Link
    database: Link

    def were_silent(self, since: float) -> bool:
        """Tell whether one of them answered nothing, now or at some time since."""
        return self.broker.was_silent(since) or self.database.was_silent(since)


@dataclass(frozen=True, slots=True)
class Stop:
    """How a process ended that was asked to."""

    #: Seconds.
    took: float
    #: It hung in a server that was silent, and ended itself.
    forced: bool


class Fleet(System):
    """A system whose processes reach broker and database each by its own links."""

    def __init__(
        self,
        directory: Path,
        broker: ValkeyServer,
        postgres: PostgresServer,
        database_url: str,
        proxy: Proxy,
        settings: Mapping[str, str],
        *,
        sabotage: str | None = None,
    ) -> None:
        super().__init__(directory, broker, database_url, settings, every_provider=True)
        self.postgres = postgres
        self._sabotage = sabotage
        self.links = {
            name: Links(
                proxy.link(_port(broker.url), _TAKES),
                proxy.link(_port(database_url)),
            )
            for name in FLEET
        }
        #: The marketplace's own way to the broker.
        self.outside = proxy.link(_port(broker.url))
        self.changing = threading.RLock()
        #: How many seconds each process's clock is off.
        self.clocks: dict[str, int] = {}

    @property
    def outside_url(self) -> str:
        """The broker's address as the marketplace reaches it."""
        return _by(self.outside, self.settings["REDIS_URL"])

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
            forced = self.links[name].were_silent(began) and "stop_forced" in self.log_of(name)
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
        """Return the processes that nobody ended, and what they wrote last."""
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
        environment = {
            **self._environment(),
            "REDIS_URL": _by(own.broker, self.settings["REDIS_URL"]),
            "DATABASE_URL": _by(own.database, self.settings["DATABASE_URL"]),
        }
        if self._is_unsound(name):
            # What is wrong with it is not shipped.
            environment["PYTHONPATH"] = str(ROOT)
        log = self.directory / f"{self._lives:03}-{name}.log"
        return start(self._line(name, command), log=log, env=environment, cwd=self.directory)

    def _line(self, name: str, command: Sequence[str]) -> list[str]:
        """Return the Procfile's line, or the same in a process that something is wrong with."""
        if not self._is_unsound(name):
            return list(command)
        clock = self.clocks.get(name, 0)
        wrong = ["--clock", str(clock), *(["--sabotage", self._sabotage] if self._sabotage else [])]
        role = procfile()[name.partition("-")[0]][1:]
        return [sys.executable, "-m", "tests.chaos.unsound", *wrong, *role]

    def _is_unsound(self, name: str) -> bool:
        return bool(self.clocks.get(name, 0)) or self._sabotage is not None


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def _by(link: Link, url: str) -> str:
    head, _, rest = url.rpartition(":")
    return f"{head}:{link.port}/{rest.partition('/')[2]}"
