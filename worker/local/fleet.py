"""All the processes of one machine: broker, sandbox, workers, pollers, beat, Flower.

`uprid up` and `uprid demo` differ only in what they choose for it.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from config.settings import Settings
from worker.local.embedded import EmbeddedBroker
from worker.local.processes import Child, Keeper, Stage, python_module
from worker.process.forced_stop import longest_stop
from worker.store.database import Database
from worker.store.schema import migrate
from worker.store.tables import INCARNATIONS

if TYPE_CHECKING:
    from uprid_sandbox.options import SandboxOptions

#: Seconds in which the sandbox must listen, and the workers must have begun.
_READY_WITHIN: Final = 120.0
#: Seconds on top of what a worker gives itself to stop: one that hangs ends by itself before it
#: is killed.
_GRACE: Final = 5.0
_UPRID: Final = "worker.cli.main"
_SANDBOX: Final = "uprid_sandbox"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of what."""

    workers: int = 1
    pollers: int = 1
    flower: bool = False
    beat: bool = True


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is to run; `environment` is the whole environment of all of it."""

    settings: Settings
    environment: Mapping[str, str]
    sizes: Sizes
    broker: EmbeddedBroker | None
    sandbox: "SandboxOptions | None"
    #: Begins the names of its workers where several fleets run side by side.
    label: str = ""

    def start(
        self, keeper: Keeper, say: Callable[[str, str], None], *, stopped: Callable[[], bool]
    ) -> bool:
        """Start everything in order, saying (what, where); False if a stop was asked for.

        Raises `InUse`, `ProcessDied`, `StartTimedOut`, `DatabaseUnavailable`.
        """
        self.prepare(keeper, say, stopped=stopped)
        if stopped() or not self.wait(keeper, self.begin(keeper), stopped=stopped):
            return False
        say("running", ", ".join(child.name for child in keeper.children))
        return True

    def prepare(
        self, keeper: Keeper, say: Callable[[str, str], None], *, stopped: Callable[[], bool]
    ) -> None:
        """Start what the workers need, and bring the database to the newest schema."""
        if self.broker is not None:
            self.broker.start(keeper, self.environment, stopped=stopped)
            say("broker", f"Valkey on port {self.broker.port}, data in {self.broker.directory}")
        database = self._database()
        try:
            say("database", f"schema {migrate(database)}")
        finally:
            database.dispose()
        if self.sandbox is not None:
            self._start_sandbox(keeper, self.sandbox, say, stopped)

    def begin(self, keeper: Keeper) -> Sequence[Child]:
        """Start the rest; return those that must have begun before it is ready."""

        def begin(name: str, role: str) -> Child:
            command = python_module(_UPRID, role)
            return keeper.start(f"{self.label}{name}", command, Stage.WORK, self.environment)

        working = [
            *(begin(f"worker-{n}", "worker") for n in range(1, self.sizes.workers + 1)),
            *(begin(f"poller-{n}", "poller") for n in range(1, self.sizes.pollers + 1)),
        ]
        if self.sizes.beat:
            begin("beat", "beat")
        if self.sizes.flower:
            begin("flower", "flower")
        return working

    def wait(
        self, keeper: Keeper, working: Sequence[Child], *, stopped: Callable[[], bool]
    ) -> bool:
        """Wait until they take messages; False if a stop was asked for."""
        wanted = {child.pid for child in working}
        database = self._database()
        try:
            return keeper.wait(
                lambda: wanted <= _begun(database),
                "the workers",
                timeout=_READY_WITHIN,
                stopped=stopped,
            )
        finally:
            database.dispose()

    def _database(self) -> Database:
        return Database(self.settings.database_url, connections=2)

    def _start_sandbox(
        self,
        keeper: Keeper,
        options: "SandboxOptions",
        say: Callable[[str, str], None],
        stopped: Callable[[], bool],
    ) -> None:
        child = keeper.start("sandbox", sandbox_command(options), Stage.PEERS, self.environment)
        keeper.wait(
            lambda: b"ready" in child.log.read_bytes(),
            "the sandbox",
            timeout=_READY_WITHIN,
            stopped=stopped,
        )
        say("sandbox", f"in the place of every provider, on port {options.port}")


def grace(settings: Settings) -> float:
    """Return how long a stopping worker may take: longer than any call it may be in. Seconds."""
    return longest_stop(settings) + _GRACE


def sandbox_command(options: "SandboxOptions") -> list[str]:
    """Return the command that serves these options; credentials stay the sandbox's own.

    Not `uprid sandbox`, which first loads all that the other commands need.
    """
    notify_url = options.notify_url
    return python_module(
        _SANDBOX,
        *("--port", str(options.port)),
        *("--delay", str(options.delay)),
        *("--task-timeout", str(options.task_timeout)),
        *(() if notify_url is None else ("--set", f"notify_url={notify_url}")),
    )


def _begun(database: Database) -> set[int]:
    """Return the processes of this machine that have a heartbeat: they take messages."""
    with database.read() as connection:
        found = connection.execute(
            select(INCARNATIONS.c.pid).where(INCARNATIONS.c.host == socket.gethostname())
        ).scalars()
        return set(found)
