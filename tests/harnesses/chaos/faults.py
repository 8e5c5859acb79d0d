"""The faults: how each one is made, one after the other in a thread."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from celery import Celery

from tests.harnesses.chaos.fleet import CLOCK_OFF, Fleet, Stop
from tests.harnesses.chaos.plan import Event, Fault
from tests.harnesses.chaos.proxy import Link
from tests.harnesses.chaos.rates import Back, watch_return
from tests.support.servers.frozen import frozen
from tests.support.servers.read_only import read_only

#: Seconds that a server is away.
_AWAY: Final = 1.5
#: Seconds after which a kernel gives up a dead connection to the database, as the worker sets it.
_GIVEN_UP: Final = 20.0
#: Seconds to wait for a call whose commit is to be lost.
_CALL_WITHIN: Final = 4.0
_IN_A_CALL: Final = (
    "SELECT COUNT(*) FROM operation WHERE state = 'submitting' AND lease_token IS NOT NULL"
)
#: Seconds for which the providers' gateways behave in undocumented ways, beside all other faults.
_WEATHER: Final = 25.0
#: Least seconds for which a frozen database stands still: longer than the lease silence, so that
#: every process looks dead when the database resumes.
_STANDSTILL: Final = 6.5
#: Seconds after a standstill in which no process can know which other one is silent: the lease
#: silence, for which a process must have beaten steadily, minus half a heartbeat.
_UNJUDGED: Final = 5.0
_FREED: Final = "leases_freed"
#: Every owner of a lease has beaten recently, so that no lease is about to be freed rightly.
_ALL_BEAT: Final = (
    "SELECT COUNT(*) = 0 FROM operation LEFT JOIN incarnation ON incarnation.id = lease_owner"
    " WHERE lease_owner IS NOT NULL"
    " AND (beat_at IS NULL OR beat_at < now() - interval '4 seconds')"
)
#: Seconds to wait for a moment in which every owner has beaten.
_BEAT_WITHIN: Final = 10.0
#: Seconds.
_STRANGERS_TIMEOUT: Final = 1


@dataclass(slots=True)
class Toll:
    """What was done, and its effects."""

    faults: Counter[Fault] = field(default_factory=Counter)
    returns: list[Back] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    #: Failures that no fault excuses: a process that does not stop, a fault that cannot be made.
    misbehaved: list[str] = field(default_factory=list)
    #: The latest fault, so that a reader of the output knows why nothing happens.
    latest: str = ""


class Chaos:
    """Makes the faults of a fleet."""

    def __init__(self, fleet: Fleet, say: Callable[[str], None]) -> None:
        self.toll = Toll()
        self._fleet = fleet
        self._say = say
        self._timers: list[threading.Timer] = []
        self._acts: Mapping[Fault, Callable[[Event], object]] = {
            Fault.KILL_WORKER: lambda event: fleet.kill(event.process),
            Fault.KILL_POLLER: lambda event: fleet.kill(event.process),
            Fault.STOP_WORKER: self._stop,
            Fault.STOP_POLLER: self._stop,
            Fault.FLUSH: lambda _: self._flush(),
            Fault.BROKER_KILLED: lambda _: self._restart_broker(keeps_log=True),
            Fault.BROKER_LOST: lambda _: self._restart_broker(keeps_log=False),
            Fault.BROKER_DEMOTED: self._demote,
            Fault.BROKER_ALONE: lambda event: self._configured(event, "min-replicas-to-write", 1),
            Fault.BROKER_FULL: lambda event: self._configured(event, "maxmemory", 1_000_000),
            Fault.DATABASE_KILLED: self._kill_database,
            Fault.BROKER_CUT: lambda _: self._each(self._to_broker, Link.cut),
            Fault.BROKER_STALLED: lambda event: self._stall(event, self._to_broker),
            Fault.BROKER_HALF_OPEN: lambda event: fleet.links[event.process].broker.half_open(),
            Fault.DATABASE_CUT: lambda _: self._each(self._to_database, Link.cut),
            Fault.DATABASE_STALLED: lambda event: self._stall(event, self._to_database),
            Fault.DATABASE_HALF_OPEN: self._half_open_database,
            Fault.DATABASE_READ_ONLY: self._close_to_writes,
            Fault.DATABASE_FROZEN: self._freeze_database,
            Fault.DATABASE_SLOW: self._slow_down,
            Fault.DATABASE_FAILED_OVER: self._fail_over,
            Fault.EVENTS_FROZEN: self._freeze_events,
            Fault.PROVIDER_DOWN: lambda event: self._outage(event, "down"),
            Fault.PROVIDER_HANGS: lambda event: self._outage(event, "hang"),
            Fault.INTERIM_REPLIES: lambda _: self._send_interim(),
            Fault.IDLE_CLOSED: lambda _: self._close_idle(),
            Fault.CLOCK_OFF: self._shift_clock,
            Fault.STRANGER: lambda _: look_in(fleet.broker.url),
            Fault.TWO_BEATS: self._beat_twice,
        }

    def run(self, plan: Sequence[Event], began: float, stopping: threading.Event) -> None:
        """Make all faults of a plan, each at its time or as soon as the one before it is over."""
        for event in plan:
            if stopping.wait(max(began + event.at - time.monotonic(), 0)):
                return
            self.do(event)

    def do(self, event: Event) -> None:
        """Make one fault."""
        self._say(str(event))
        self.toll.latest = event.fault.value
        try:
            self._acts[event.fault](event)
        except Exception as error:  # noqa: BLE001 - the report names it, and the chaos goes on
            self.toll.misbehaved.append(f"{event.fault.value}: {type(error).__name__}: {error}")
        self.toll.faults[event.fault] += 1

    def heal(self) -> None:
        """End every fault that still lasts."""
        for timer in self._timers:
            timer.cancel()
        self._clear_up()
        for link in (*self._to_broker, *self._to_database):
            link.flow()
        for link in self._to_database:
            link.cut_half_open()

    @property
    def _to_broker(self) -> list[Link]:
        return [*(links.broker for links in self._fleet.links.values()), self._fleet.outside]

    @property
    def _to_database(self) -> list[Link]:
        return [link for links in self._fleet.links.values() for link in links.databases]

    @staticmethod
    def _each(links: Sequence[Link], act: Callable[[Link], None]) -> None:
        for link in links:
            act(link)

    def _stop(self, event: Event) -> None:
        self.toll.stops.append(self._fleet.bounce(event.process))

    def _restart_broker(self, *, keeps_log: bool) -> None:
        broker = self._fleet.broker
        broker.kill()
        if not keeps_log:
            shutil.rmtree(broker._directory / "appendonlydir", ignore_errors=True)
        time.sleep(_AWAY)
        broker.start()

    def _demote(self, event: Event) -> None:
        with self._fleet.broker.client() as server:
            # The server is demoted to a replica of a server that does not exist: it keeps its data
            # and refuses writes.
            server.execute_command("REPLICAOF", "127.0.0.1", "9")
            try:
                time.sleep(event.lasting)
            finally:
                server.execute_command("REPLICAOF", "NO", "ONE")

    def _configured(self, event: Event, name: str, value: int) -> None:
        with self._fleet.broker.client() as server:
            server.config_set(name, value)
            try:
                time.sleep(event.lasting)
            finally:
                server.config_set(name, 0)

    def _flush(self) -> None:
        self._fleet.broker.flush()
        if self._fleet.are_events_apart:
            self._fleet.events_server.flush()

    def _kill_database(self, _event: Event) -> None:
        self._await_a_call()
        self._fleet.postgres.kill()
        time.sleep(_AWAY)
        self._fleet.postgres.start()

    def _await_a_call(self) -> None:
        give_up = time.monotonic() + _CALL_WITHIN
        while time.monotonic() < give_up and not self._fleet.count(_IN_A_CALL):
            time.sleep(0.002)

    def _close_to_writes(self, event: Event) -> None:
        """Refuse writes for a second or two.

        Every other time the sessions are ended as well, so that new ones meet the refusal.
        """
        self._await_a_call()
        with read_only(self._fleet.database_url, ends_sessions=event.lasting > 5):
            time.sleep(event.lasting / 4)

    def _freeze_database(self, event: Event) -> None:
        all_beat = self._await_beats()
        with self._fleet.silence(), frozen(self._fleet.postgres.pid):
            time.sleep(_STANDSTILL + event.lasting * 0.4)
            freed = self._freed()
        if all_beat:
            self._later(_UNJUDGED, lambda: self._expect_unjudged(freed))

    def _await_beats(self) -> bool:
        give_up = time.monotonic() + _BEAT_WITHIN
        while not (all_beat := bool(self._fleet.count(_ALL_BEAT))):
            if time.monotonic() > give_up:
                break
            time.sleep(0.1)
        return all_beat

    def _freed(self) -> int:
        """Return how often processes have freed the leases of others so far."""
        return sum(log.count(_FREED) for log in self._fleet.logs().values())

    def _expect_unjudged(self, freed: int) -> None:
        if (since := self._freed() - freed) > 0:
            self.toll.misbehaved.append(f"leases freed {since} times as the database went on")

    def _slow_down(self, event: Event) -> None:
        late = event.lasting / 100
        self._each(self._to_database, lambda link: link.slow_down(late))
        try:
            time.sleep(event.lasting)
        finally:
            self._each(self._to_database, lambda link: link.slow_down(0.0))

    def _fail_over(self, _event: Event) -> None:
        """Start the standby only for this: two databases are too much for a test machine."""
        self._fleet.standby.follow(self._fleet.postgres)
        time.sleep(_AWAY)
        self._await_a_call()
        self._fleet.fail_over()

    def _freeze_events(self, event: Event) -> None:
        with self._fleet.silence(), frozen(self._fleet.events_server.pid):
            time.sleep(event.lasting)

    def _send_interim(self) -> None:
        self._fleet.weather.sends_interim = True
        self._later(_WEATHER, self._send_no_interim)

    def _send_no_interim(self) -> None:
        self._fleet.weather.sends_interim = False

    def _close_idle(self) -> None:
        self._fleet.weather.closes_idle = True
        self._later(_WEATHER, self._close_nothing)

    def _close_nothing(self) -> None:
        self._fleet.weather.closes_idle = False

    def _clear_up(self) -> None:
        self._send_no_interim()
        self._close_nothing()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, act)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _stall(self, event: Event, links: Sequence[Link]) -> None:
        self._each(links, Link.stall)
        time.sleep(event.lasting)
        self._each(links, Link.flow)

    def _half_open_database(self, event: Event) -> None:
        links = self._fleet.links[event.process].databases
        self._each(links, Link.half_open)
        self._later(_GIVEN_UP, lambda: self._each(links, Link.cut_half_open))

    def _outage(self, event: Event, mode: str) -> None:
        self._fleet.outage(mode, event.provider)
        try:
            time.sleep(event.lasting)
        finally:
            self.toll.returns.append(watch_return(self._fleet, event.provider))

    def _shift_clock(self, event: Event) -> None:
        off = CLOCK_OFF if event.lasting > 5 else -CLOCK_OFF
        self.toll.stops.append(self._fleet.bounce(event.process, off))

    def _beat_twice(self, event: Event) -> None:
        self._fleet.start_beats()
        time.sleep(2 * event.lasting)
        self._fleet.stop_beats()


def look_in(broker: str) -> None:
    """Ping the workers as a monitoring probe does that does not know their settings."""
    app = Celery("stranger", broker=broker, set_as_current=False)
    app.conf.update(
        broker_transport_options={"visibility_timeout": _STRANGERS_TIMEOUT},
        broker_connection_retry=False,
    )
    # A process of its own, because all Celery apps of one process share connection pools, and these
    # hold connections from before the broker was killed.
    app.control.mailbox.producer_pool = None
    with app.connection_for_write() as connection:
        app.control.inspect(timeout=1.0, connection=connection).ping()
    app.close()
