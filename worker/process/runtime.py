"""The parts of a process: settings, database, keys, providers, engine. Built once."""

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from celery import Celery

from config.settings import Settings
from uprid_client.errors import DatabaseUnavailable
from uprid_client.names import Provider
from uprid_client.sealing import Sealer
from worker.domain.errors import ProviderOff, SchemaUnusable
from worker.engine.engine import Engine
from worker.engine.incarnation import Incarnation
from worker.engine.sweep import Sweep, Timing
from worker.engine.wakeups import Wakeups
from worker.periodic import Repeating
from worker.privacy.fingerprints import Fingerprinter
from worker.process.forced_stop import LastResort, longest_stop
from worker.process.publisher import CeleryPublisher
from worker.process.siblings import StoredSiblings
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.protocol import Plugin
from worker.providers.registry import plugins_of
from worker.providers.resources import Resources
from worker.repeated import Repeated
from worker.store.database import Database
from worker.store.retention import Retention
from worker.store.rights import require_rights
from worker.store.schema import require_usable
from worker.stream.relay import Relay
from worker.stream.stream import Stream

log = structlog.get_logger(__name__)

#: Chunks of one provider that a poller works on at a time, and those besides of which it only
#: awaits the last answers. The pool holds that many for every provider there can be and one more,
#: so that a hung provider never fills it.
MAX_CHUNKS: Final = 2
MAX_ENDING_CHUNKS: Final = 6
POOL: Final = (MAX_CHUNKS + MAX_ENDING_CHUNKS) * len(Provider) + 1
#: Of a process's connections to the database, those of heartbeat, relay and both halves of the
#: sweep: they wait for no chunk. The chunks share the rest; their transactions are short.
BACKGROUND_CONNECTIONS: Final = 4
#: Seconds between two looks for a database that is not there yet.
_LOOK_AGAIN: Final = 2.0


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts of one process."""

    settings: Settings
    database: Database
    #: The same one, for what must not wait for those who work with it.
    background: Database
    sealer: Sealer
    fingerprinter: Fingerprinter
    plugins: Mapping[Provider, Plugin]
    wakeups: Wakeups
    incarnation: Incarnation
    relay: Relay
    engine: Engine
    sweep: Sweep

    def plugin(self, provider: Provider) -> Plugin:
        """Return a provider's plugin; raise `ProviderOff` where it has no settings."""
        try:
            return self.plugins[provider]
        except KeyError:
            raise ProviderOff(f"Set UPRID_{provider.upper()}__URL and its companions.") from None

    def close(self) -> None:
        """Close every provider's plugin, the others too where one of them fails."""
        with ExitStack() as plugins:
            for plugin in self.plugins.values():
                plugins.callback(plugin.close)


def build(app: Celery, settings: Settings, role: str) -> Runtime:
    """Put the parts together; nothing runs yet."""
    engine_settings = settings.engine
    working = engine_settings.connections - BACKGROUND_CONNECTIONS
    database = Database(settings.database_url, connections=working)
    background = Database(settings.database_url, connections=BACKGROUND_CONNECTIONS)
    sealer = Sealer.of(settings)
    shelf_of = partial(StoredAccessTokens, database, sealer)
    plugins = plugins_of(Resources(settings, shelf_of, StoredSiblings(database)))
    fingerprint_key = (
        settings.fingerprint_key.get_secret_value() if settings.fingerprint_key else ""
    )
    wakeups = Wakeups(
        CeleryPublisher(app, settings.broker_url),
        database,
        width=engine_settings.slot,
        longest=engine_settings.max_countdown,
    )
    incarnation = Incarnation(
        background, role, every=engine_settings.heartbeat, silence=engine_settings.lease_silence
    )
    retention = Retention(
        settings.retention.payloads, settings.retention.journal, settings.retention.events
    )
    stream = Stream(settings.events_url, settings.events.stream)
    relay = Relay(background, stream, keep=retention.events, holder=incarnation.id)
    timing = Timing(
        every=engine_settings.sweep_every,
        silence=engine_settings.lease_silence,
        slot=engine_settings.slot,
        retention=retention,
    )
    return Runtime(
        settings=settings,
        database=database,
        background=background,
        sealer=sealer,
        fingerprinter=Fingerprinter(fingerprint_key),
        plugins=plugins,
        wakeups=wakeups,
        incarnation=incarnation,
        relay=relay,
        engine=Engine(
            database,
            plugins,
            wakeups,
            relay,
            incarnation,
            sealer,
            max_chunks=MAX_CHUNKS,
            max_ending_chunks=MAX_ENDING_CHUNKS,
        ),
        sweep=Sweep(background, frozenset(plugins), wakeups, relay, incarnation, timing),
    )


class _Process:
    """The runtime of this process, and its background threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.runtime: Runtime | None = None
        self.sweeping: list[Repeating] = []
        self.last_resort: LastResort | None = None


_PROCESS: Final = _Process()


def start(app: Celery, settings: Settings, *, role: str, give_up: Callable[[], bool]) -> None:
    """Begin to live as a worker: wait for the database, then beat, relay and sweep."""
    runtime = build(app, settings, role)
    # Before anything that can hang.
    _PROCESS.last_resort = LastResort(longest_stop(settings), runtime.incarnation.forsake)
    if not _database_ready(runtime.database, give_up):
        return
    with _PROCESS.lock:
        _PROCESS.runtime = runtime
    runtime.incarnation.start()
    runtime.relay.start()
    every = settings.engine.sweep_every.total_seconds()
    _PROCESS.sweeping = [
        Repeating("sweep", every, runtime.sweep.tidy),
        Repeating("rouse", every, runtime.sweep.rouse),
    ]
    for thread in _PROCESS.sweeping:
        thread.start()
    log.info("worker_started", role=role, providers=sorted(runtime.plugins))


def current() -> Runtime:
    """Return the runtime of this worker process."""
    runtime = _PROCESS.runtime
    if runtime is None:
        message = "this process has not been started as a worker"
        raise RuntimeError(message)
    return runtime


def stop_taking() -> None:
    """Have chunks finish the calls that are under way and give back the rest."""
    if _PROCESS.last_resort is not None:
        _PROCESS.last_resort.ask()
    if _PROCESS.runtime is not None:
        _PROCESS.runtime.incarnation.stop()


def leave() -> None:
    """End the background threads and free what is still held. The last thing a worker does."""
    runtime = _PROCESS.runtime
    if runtime is None:
        return
    for thread in _PROCESS.sweeping:
        thread.stop()
    runtime.engine.close()
    runtime.relay.stop()
    runtime.incarnation.leave()
    # Last: it may wait for a question that is under way, and nothing else is to wait for that.
    runtime.close()
    log.info("worker_left")


def _database_ready(database: Database, give_up: Callable[[], bool]) -> bool:
    pause, repeated = threading.Event(), Repeated()
    while not give_up():
        try:
            require_usable(database)
            require_rights(database)
        except (DatabaseUnavailable, SchemaUnusable) as error:
            if repeated.is_news(str(error)):
                log.warning("database_awaited", error=str(error))
            pause.wait(_LOOK_AGAIN)
        else:
            return True
    return False
