"""`uprid up`: the whole worker on one machine, in the foreground, until Ctrl-C."""

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config.settings import Need, Settings, SettingsError, load
from worker.cli.exits import MISUSED, Stop
from worker.cli.extra import NoLocalExtra, require_local
from worker.local import defaults, locks, secretfile
from worker.local.embedded import EmbeddedBroker, NoEmbeddedBroker
from worker.local.fleet import Fleet, Sizes, grace
from worker.local.follow import Follower
from worker.local.loopback import free_port
from worker.local.processes import LOOK_EVERY, Keeper, ProcessDied
from worker.local.stop_signals import StopRequests

if TYPE_CHECKING:
    from uprid_sandbox.options import SandboxOptions

_DATA: Final = Path("var")
#: Flower opens with a password only; where none is set, one is made for this run.
_FLOWER_AUTH: Final = "FLOWER_BASIC_AUTH"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to run, and what of it was chosen here."""

    fleet: Fleet
    #: What another shell has to know to speak with it.
    shared: Mapping[str, str]


def up(
    *,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Point every provider at the sandbox.")
    ] = False,
    flower: Annotated[bool, typer.Option("--flower", help="Add Flower.")] = False,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Number of worker processes, which take messages.")
    ] = 1,
    pollers: Annotated[
        int, typer.Option(min=1, max=64, help="Number of poller processes, which call providers.")
    ] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="Write the logs to var/log only.")] = False,
) -> None:
    """Run everything on this machine, until Ctrl-C.

    Without REDIS_URL it starts its own broker, without DATABASE_URL it uses SQLite in var/.
    At the end workers stop first, the broker last.
    """
    data = _DATA.resolve()
    data.mkdir(exist_ok=True)
    try:
        if sandbox:
            require_local()
        made = plan(os.environ, data, Sizes(workers, pollers, flower), sandbox=sandbox)
    except (NoEmbeddedBroker, NoLocalExtra) as error:
        raise Stop(MISUSED, [str(error)]) from None
    except (SettingsError, ValueError) as error:
        errors = list(error.errors) if isinstance(error, SettingsError) else [str(error)]
        if not sandbox:
            errors.append("or see it run without any settings: uprid up --sandbox")
        raise Stop(MISUSED, errors) from None
    with locks.held(data / "up.lock", f"`uprid up` runs on {data} already: stop it first."):
        _run(made, data, quiet=quiet)


def plan(given: Mapping[str, str], data: Path, sizes: Sizes, *, sandbox: bool) -> Plan:
    """Choose the settings that are missing, and check that all of them fit together.

    Raises `SettingsError` with every error, ValueError where a file in `data` is garbled,
    `NoEmbeddedBroker` where a broker is to be brought and is not installed.
    """
    shared: dict[str, str] = {}
    options = _stand_ins() if sandbox else None
    if options is not None:
        shared |= defaults.sandbox_keys(given, data / "sandbox.env")
        shared |= defaults.sandbox_providers(options)
        shared |= defaults.sandbox_pace(given, options)
    # Of its own where it is embedded: real operations must never be asked about at the sandbox,
    # which knows none of them and would let them be settled as not identified.
    kept, queued = ("sandbox", "sandbox-broker") if sandbox else ("uprid", "broker")
    broker = None if given.get("REDIS_URL") else EmbeddedBroker(data / queued)
    shared["REDIS_URL"] = given.get("REDIS_URL", "") if broker is None else broker.url
    shared["DATABASE_URL"] = given.get("DATABASE_URL") or f"sqlite:///{data / kept}.sqlite3"
    if sizes.flower and not given.get(_FLOWER_AUTH):
        shared[_FLOWER_AUTH] = f"uprid:{secrets.token_urlsafe(12)}"
    environment = {**given, **shared}
    settings = load([Need.BROKER, Need.KEYS, Need.PROVIDER], environment)
    return Plan(Fleet(settings, environment, sizes, broker, options), shared)


def _stand_ins() -> "SandboxOptions":
    # A production installation has no stand-ins.
    from uprid_sandbox.options import SandboxOptions  # noqa: PLC0415

    return SandboxOptions(port=free_port())


def _run(made: Plan, data: Path, *, quiet: bool) -> None:
    logs = data / "log"
    shared_file = data / "up.env"
    with ExitStack() as stack:
        stop = stack.enter_context(StopRequests())
        follower = Follower()
        stack.callback(follower.stop)
        keeper = stack.enter_context(
            Keeper(
                data.parent, logs, grace=grace(made.fleet.settings), hurried=stop.hurried, say=_say
            )
        )
        if not made.fleet.start(keeper, _say, stopped=stop.asked):
            return
        secretfile.write(shared_file, made.shared)
        stack.callback(shared_file.unlink, missing_ok=True)
        _greet(made, shared_file, logs)
        if not quiet:
            follower.start([child.log for child in keeper.children])
        while not stop.asked():
            fallen = keeper.fallen()
            if fallen is not None:
                # Not restarted: what supervises `up`, or the person in front of it, must know.
                raise ProcessDied(fallen.last_words())
            time.sleep(LOOK_EVERY)
        _say("stopping", "workers first, the broker last; Ctrl-C again stops faster")


def _greet(made: Plan, shared_file: Path, logs: Path) -> None:
    settings: Settings = made.fleet.settings
    _say("providers", ", ".join(settings.providers()))
    if made.fleet.sizes.flower:
        port = made.fleet.environment.get("FLOWER_PORT", "5555")
        _say("flower", f"http://127.0.0.1:{port} (name and password: {_FLOWER_AUTH})")
    _say("logs", str(logs))
    _say("ready", f"in another shell: set -a; . {shared_file}; set +a")


def _say(what: str, text: str) -> None:
    # The terminal may be gone, as after a hang-up: that must not keep it from stopping.
    with suppress(OSError):
        typer.echo(f"{what:10}{text}")
