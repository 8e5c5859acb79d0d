"""The whole system as it is deployed: the Procfile's lines as processes, against the sandbox.

The processes are those of the installation that is shipped (`tests/support/processes/shipped.py`).
"""

import json
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
import requests
from cryptography.fernet import Fernet
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.support.loopback.server import free_port
from tests.support.messages.marketplace import Marketplace
from tests.support.processes import shipped
from tests.support.processes.child import PATIENCE, Process, start, wait_until
from tests.support.processes.command import uprid
from tests.support.servers.valkey import ValkeyServer
from uprid_sandbox.options import SandboxOptions
from worker.local.defaults import sandbox_providers

ROOT: Final = Path(__file__).resolve().parents[3]
SEAL_KEY: Final = Fernet.generate_key().decode()
FINGERPRINT_KEY: Final = Fernet.generate_key().decode()
#: Longer than any call that a process may be in the middle of. Seconds.
_GRACE: Final = 20.0

#: Polls of a provider that answers within seconds.
FAST: Final[Mapping[str, str]] = {
    "UPRID_ENGINE__SLOT": "0.25",
    "UPRID_MONETA__POLL": json.dumps(
        {"first_after": 0.3, "steps": [[20, 0.4]], "then": 1, "jitter": 0.1}
    ),
    "UPRID_MONETA__SETTLE_OVER": "0.6",
}


def programs() -> Path:
    """Return where the commands of the shipped installation are."""
    return shipped.programs()


def procfile() -> dict[str, list[str]]:
    """Return the Procfile's lines, by role."""
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    return {role: shlex.split(line) for role, _, line in (each.partition(":") for each in lines)}


def _module(name: str) -> list[str]:
    """Return the command that runs a module of the shipped installation."""
    return [str(shipped.python_of(programs())), "-P", "-m", name]


def _command_line_of(release: Path) -> str:
    """Return the module that has a release's command line: 0.1.0 had it in another folder."""
    return "worker.oncall.cli" if (release / "worker" / "oncall").is_dir() else "worker.cli.main"


class System:
    """Broker and database are given; every other process is started, killed and stopped here."""

    def __init__(
        self,
        directory: Path,
        broker: ValkeyServer,
        database_url: str,
        settings: Mapping[str, str] | None = None,
        *,
        every_provider: bool = False,
    ) -> None:
        self.directory = directory
        self.broker = broker
        self.database_url = database_url
        self.sandbox_port = free_port()
        self.settings = {
            "DATABASE_URL": database_url,
            "REDIS_URL": broker.url,
            "UPRID_SEAL_KEYS": SEAL_KEY,
            "UPRID_FINGERPRINT_KEY": FINGERPRINT_KEY,
            "UPRID_MONETA__URL": f"http://127.0.0.1:{self.sandbox_port}/moneta/services",
            "UPRID_MONETA__USERNAME": "sandbox",
            "UPRID_MONETA__PASSWORD": "sandbox",
            "UPRID_MONETA__ANONYMOUS_GROUP_ID": "101",
            "UPRID_MONETA__SIMPLIFIED_GROUP_ID": "102",
            "UPRID_MONETA__FULL_GROUP_ID": "103",
            **(sandbox_providers(SandboxOptions(self.sandbox_port)) if every_provider else {}),
            **FAST,
            **(settings or {}),
        }
        address = self.settings["REDIS_URL"]
        # By hand there is no address of Sentinels: such a test sends in another way.
        by_hand = broker.url if address.startswith("sentinel") else address
        self.marketplace = Marketplace(by_hand, SEAL_KEY)
        self._running: dict[str, Process] = {}
        self._lives = 0
        self._engine = create_engine(database_url, poolclass=NullPool)

    def migrate(self, release: Path | None = None) -> None:
        """Run the Procfile's release line."""
        self.start("release", release=release)
        released = self._running.pop("release")
        assert released.wait(60) == 0, released.tail()

    def start_sandbox(
        self,
        delay: float = 0.8,
        task_timeout: float = 3.0,
        *,
        password: str = "sandbox",
        callbacks: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """Start the providers' stand-ins and wait for them; `options` are `--set`'s."""
        line = ["--delay", str(delay), "--task-timeout", str(task_timeout)]
        line += ["--password", password, *["--callbacks"] * callbacks]
        line += [
            each for name, value in (options or {}).items() for each in ("--set", f"{name}={value}")
        ]
        # A double, and no part of what is shipped: it has the tests' own Python.
        command = [sys.executable, "-P", "-m", "uprid_sandbox", "--port", str(self.sandbox_port)]
        self._running["sandbox"] = self._start("sandbox", [*command, *line])
        self._running["sandbox"].wait_for_output("sandbox ready")

    def start(self, *names: str, release: Path | None = None) -> None:
        """Start roles of the Procfile: `worker`, `poller`; a second one is named `poller-2`.

        `release` is a folder with another release than the tree's.
        """
        for name in names:
            assert name not in self._running, f"{name} runs already"
            line = procfile()[name.partition("-")[0]]
            if release is not None:
                line = [*_module(_command_line_of(release)), *line[1:]]
            self._running[name] = self._start(name, line, release)

    def wait_until_started(self, *names: str) -> None:
        """Wait until workers and pollers take messages."""
        for name in names:
            self._running[name].wait_for_output("worker_started", timeout=40)

    def kill9(self, *names: str) -> None:
        """Kill processes as a power cut does: all of them before one of them is looked at."""
        for name in names:
            self._running[name].send(signal.SIGKILL)
        for name in names:
            self._running.pop(name).kill9()

    def freeze(self, name: str) -> None:
        """Have a process stand still (SIGSTOP), at any moment.

        But for a transaction on SQLite: everybody else would have to stand still, too.
        """
        process = self._running[name]
        stopped = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)

        def stands_still() -> bool:
            process.send(signal.SIGSTOP)
            state = psutil.Process(process.pid).status
            wait_until(lambda: state() in stopped, 5, "a process that was stopped")
            if self._others_can_write():
                return True
            process.send(signal.SIGCONT)
            return False

        wait_until(stands_still, 10, "a moment between two transactions", interval=0.005)

    def _others_can_write(self) -> bool:
        if self._engine.dialect.name != "sqlite":
            return True
        connection = sqlite3.connect(self._engine.url.database or "", timeout=0.5)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        finally:
            connection.close()
        return True

    def thaw(self, name: str) -> None:
        """Have it go on."""
        self._running[name].send(signal.SIGCONT)

    def stop(self, *names: str) -> None:
        """End processes cleanly (SIGTERM) and look at how they ended."""
        for name in names:
            self._running[name].send(signal.SIGTERM)
        for name in names:
            process = self._running.pop(name)
            status = process.wait(_GRACE)
            process.kill9()
            assert status == 0, process.tail()

    def forget(self, name: str) -> None:
        """Clear up behind a process that has ended by itself."""
        self._running.pop(name).kill9()

    def process(self, name: str) -> Process:
        """Return a running process."""
        return self._running[name]

    def is_running(self, name: str) -> bool:
        """Tell whether a process was started and has not ended."""
        return name in self._running and self._running[name].is_running

    def close(self) -> None:
        """End what still runs, at once: who wants to see a clean stop asks for one (`stop`)."""
        self.kill9(*self._running)
        self.marketplace.__exit__(None, None, None)
        self._engine.dispose()

    def uprid(self, *arguments: str, status: int = 0) -> str:
        """Run an on-call command, check its exit status and return what it printed."""
        done = subprocess.run(
            [programs() / "uprid", *arguments],
            env=self._environment(),
            cwd=self.directory,
            capture_output=True,
            timeout=60 * PATIENCE,
            check=False,
        )
        assert done.returncode == status, done.stderr.decode()
        return done.stdout.decode()

    def shown(self, reference: str, *options: str) -> str:
        """Return what `uprid show` prints; in this process, where it takes no start of its own."""
        ended = uprid(self.settings, "show", reference, *options)
        assert ended.status == 0, ended.err
        return ended.out

    def show(self, reference: str) -> dict[str, Any]:
        """Return what `uprid show --json` says."""
        shown: dict[str, Any] = json.loads(self.shown(reference, "--json"))
        return shown

    def rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Read the database beside the workers."""
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def execute(self, statement: str) -> None:
        """Change the database under the workers."""
        with self._engine.begin() as connection:
            connection.execute(text(statement))

    def count(self, statement: str, **values: object) -> int:
        """Return the number that a statement selects."""
        [(number,)] = self.rows(statement, **values)
        return int(number)

    def calls(self) -> dict[str, Any]:
        """Return the sandbox's counters: `requests` by kind, `units` by id."""
        return self.calls_of("moneta")

    def calls_of(self, provider: str) -> dict[str, Any]:
        """Return a stand-in's counters: `requests` by kind, `subjects` by what it counts."""
        answer = requests.get(f"http://127.0.0.1:{self.sandbox_port}/_sandbox/calls", timeout=60)
        calls: dict[str, Any] = answer.json()[provider]
        return calls

    def polls(self) -> int:
        """Return how many polls have arrived at the sandbox."""
        return int(self.calls()["requests"].get("poll", 0))

    def unit(self, unit_id: int) -> dict[str, Any]:
        """Return the sandbox's counters of a unit."""
        found: dict[str, Any] = self.calls()["units"].get(str(unit_id), {"submits": 0, "polls": 0})
        return found

    def outage(self, mode: str, provider: str = "moneta") -> None:
        """Make a provider sick (`down`, `hang`, `credentials`) or well (`up`)."""
        answer = requests.post(
            f"http://127.0.0.1:{self.sandbox_port}/_sandbox/outage",
            json={"provider": provider, "mode": mode},
            timeout=60,
        )
        assert answer.ok

    def logs(self) -> dict[str, str]:
        """Return what every process of this system has written, dead ones too."""
        return {
            path.stem: path.read_text("utf-8", errors="replace")
            for path in sorted(self.directory.glob("*.log"))
        }

    def log_of(self, name: str) -> str:
        """Return what a running process has written."""
        return self._running[name].output()

    def _start(self, name: str, command: Sequence[str], release: Path | None = None) -> Process:
        self._lives += 1
        log = self.directory / f"{self._lives:02}-{name}.log"
        env = self._environment()
        if release is not None:
            env["PYTHONPATH"] = str(release)
        return start(command, log=log, env=env, cwd=self.directory)

    def _environment(self) -> dict[str, str]:
        return shipped.environment(self.settings)


@contextmanager
def system(
    directory: Path,
    broker: ValkeyServer,
    database_url: str,
    settings: Mapping[str, str] | None = None,
    *,
    every_provider: bool = False,
) -> Iterator[System]:
    """Give a system of which nothing runs yet; at the end everything of it is stopped."""
    made = System(directory, broker, database_url, settings, every_provider=every_provider)
    try:
        yield made
    finally:
        made.close()
