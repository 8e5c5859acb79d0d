"""The engine: what a chunk task does, from the claim to the next wake. Knows no provider."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection
from structlog.contextvars import bound_contextvars

from config.queues import Wake
from uprid_client.names import Provider
from worker.domain.ids import new_id
from worker.domain.outcomes import Misconfigured
from worker.engine import admission
from worker.engine.admission import Breaker
from worker.engine.bulkhead import Bulkhead, Permit
from worker.engine.calls import Answer
from worker.engine.chunk import Chunk, Working, opened
from worker.engine.environment import REAL, Environment
from worker.engine.halt import HaltCheck
from worker.engine.meter import NO_METER, Measuring, Meter
from worker.engine.parts import Incarnation, Relay, Sealing
from worker.engine.recording import Recorder
from worker.engine.result_writer import PATIENCE
from worker.engine.solitude import BesideOthers, Solitude
from worker.engine.taking import Taken, Taker
from worker.engine.wakeups import Wakeups
from worker.providers.protocol import Limits, Plugin
from worker.store import claims, input_delivery, provider_pauses, writeback
from worker.store.claims import ClaimedSnapshot
from worker.store.database import DATABASE_ERRORS, Database
from worker.store.input_delivery import Supplying

log = structlog.get_logger(__name__)

#: A message that is earlier than its slot by more is published again, else waited for. Seconds.
_EARLY: Final = 0.05
#: More calls than any question to a provider consists of. That covers a slow name lookup too, and a
#: write-back that waits for its database.
_MOST_CALLS: Final = 10
#: Seconds between two looks whether the others have ended.
_LOOK_EVERY: Final = 0.02


class Engine:
    """One process's engine over all its providers."""

    def __init__(  # noqa: PLR0913 - an engine is put together of all its parts
        self,
        database: Database,
        plugins: Mapping[Provider, Plugin],
        wakeups: Wakeups,
        relay: Relay,
        incarnation: Incarnation,
        sealing: Sealing,
        *,
        max_chunks: int,
        max_ending_chunks: int,
        environment: Environment = REAL,
        meter: Meter = NO_METER,
    ) -> None:
        self._database = database
        self._plugins = plugins
        self._wakeups = wakeups
        self._relay = relay
        self._incarnation = incarnation
        self._sealing = sealing
        self._environment = environment
        self._meter = meter
        self._taker = Taker(database, incarnation.id, environment)
        self._recorder = Recorder(database, wakeups, relay, incarnation, sealing, environment)
        self._solitude = Solitude(environment.monotonic)
        self._beside_others = BesideOthers(incarnation, self._solitude)
        limits = [plugin.limits for plugin in plugins.values()]
        #: How long one call lasts at most, at any of the providers.
        self._longest_call = max((each.total_timeout for each in limits), default=0.0)
        self._bulkheads = {
            provider: Bulkhead(max_chunks, max_ending_chunks) for provider in plugins
        }
        # One more than a chunk takes, so that a single submit need not wait for another chunk.
        self._executors = {
            provider: environment.threads(plugin.limits.threads + 1, f"{provider}-call")
            for provider, plugin in plugins.items()
        }

    def work(self, provider: Provider, wake: Wake = Wake.POLL, slot: datetime | None = None) -> int:
        """Work on what is due at a provider; return how many operations were worked on.

        `slot` is the moment that the message is for: a message that came early goes back.
        """
        plugin = self._plugins.get(provider)
        if plugin is None or self._is_halted():
            return 0
        with bound_contextvars(provider=provider.value):
            if slot is not None and not self._is_time(provider, wake, slot):
                return 0
            worked, alone_next = self._beside(plugin)
            if alone_next:
                worked += self._alone(plugin)
            return worked

    def close(self) -> None:
        """Let running calls end and stop the threads."""
        for executor in self._executors.values():
            executor.shutdown(wait=True)

    def _beside(self, plugin: Plugin) -> tuple[int, bool]:
        """Work on one chunk beside others of this process; return whether one must be alone."""
        if not self._solitude.enter():
            # The one that is alone wakes every provider afterwards.
            return 0, False
        try:
            permit = self._bulkheads[plugin.name].enter()
            if permit is None:
                return 0, False
            try:
                with self._held(plugin) as lease_id:
                    taken = self._taker.take(plugin, lease_id, alone=False)
                    step_aside = partial(self._step_aside, plugin.name, permit)
                    worked = self._work_off(plugin, taken, self._beside_others, step_aside)
                    return worked, taken.alone_next
            finally:
                if permit.leave():
                    # A chunk was turned away while this process was full: there may be work left.
                    self._wakeups.now(plugin.name)
        finally:
            self._solitude.leave()

    def _alone(self, plugin: Plugin) -> int:
        """Work on an operation that may be poison, and on nothing else meanwhile."""
        # Twice: calls under way end first, and each may last that long.
        if not self._solitude.seek(2 * (self._longest_call + plugin.limits.total_timeout)):
            return 0
        try:
            while not self._solitude.is_alone:
                if not self._solitude.is_sought or self._is_halted():
                    return 0
                self._incarnation.pause(_LOOK_EVERY)
            log.info("works_alone")
            with self._held(plugin) as lease_id:
                taken = self._taker.take(plugin, lease_id, alone=True)
                return self._work_off(plugin, taken, self._incarnation, _do_nothing)
        finally:
            self._solitude.end()
            for each in self._plugins:
                # They were turned away, or have broken off.
                self._wakeups.now(each)

    def _is_halted(self) -> bool:
        return self._incarnation.halted(self._environment.monotonic()) is not None

    def _is_time(self, provider: Provider, wake: Wake, slot: datetime) -> bool:
        """Return whether a message's slot has come; put an early message back, or wait for it."""
        early = (slot - self._database.now()).total_seconds()
        if early > _EARLY:
            self._wakeups.again(provider, wake, slot)
            return False
        if early > 0:
            # What is due only at the slot itself has no other message.
            self._incarnation.pause(early)
        return True

    @contextmanager
    def _held(self, plugin: Plugin) -> Iterator[str]:
        """Hold a lease id for a chunk's time."""
        lease_id = new_id()
        # Before the claim: only so is a claim freed whose commit was never confirmed.
        self._incarnation.hold(lease_id, longest_wait(plugin.limits))
        suspected = False
        try:
            yield lease_id
        except DATABASE_ERRORS:
            raise
        except BaseException:
            suspected = True
            raise
        finally:
            self._incarnation.release(lease_id, suspected=suspected)

    def _work_off(
        self, plugin: Plugin, taken: Taken, check: HaltCheck, step_aside: Callable[[], None]
    ) -> int:
        """Work on what was taken, and return how many operations were worked on."""
        chunk = taken.chunk
        self._wake_successor(plugin.name, taken)
        if not chunk.claimed and not taken.looks:
            return 0
        unwritten = {row.id for row in chunk.claimed}
        measuring, breaker = Measuring(chunk), taken.breaker
        working = self._working(plugin, chunk, check)

        def record(answers: Sequence[Answer]) -> None:
            measuring.count(answers)
            self._recorder.record(plugin, chunk, answers, unwritten)

        try:
            executor = self._executors[plugin.name]
            working.run(executor, plugin.limits.threads, record, step_aside)
            if taken.looks:
                working.look()
            if not (taken.calm and working.flawless and working.calls == len(chunk.claimed)):
                breaker = self._feed(plugin, working, chunk)
        except DATABASE_ERRORS as error:
            log.warning("chunk_abandoned", operations=len(unwritten), error=type(error).__name__)
            raise
        finally:
            self._meter.chunk_done(measuring.measures(plugin.name, breaker))
        self._give_back(chunk, unwritten)
        if working.halt is not None:
            log.info("chunk_halted", why=working.halt, left=len(unwritten))
        return len(chunk.claimed) - len(unwritten)

    def _working(self, plugin: Plugin, chunk: Chunk, check: HaltCheck) -> Working:
        return Working(
            chunk,
            plugin,
            check,
            unseal=self._sealing.open,
            mark=lambda row, now: self._mark(chunk, row, now),
            supply=lambda row, now: self._supply(chunk, row, now),
            environment=self._environment,
        )

    def _wake_successor(self, provider: Provider, taken: Taken) -> None:
        """Wake another chunk for the operations that were left behind.

        Before the work, not after it: the successor shares the load, and outlives this chunk.
        """
        if taken.successor_at is not None and taken.successor_at > taken.chunk.now:
            self._wakeups.soon(provider, taken.successor_at)
        elif taken.successor_at is not None:
            self._wakeups.now(provider)

    def _step_aside(self, provider: Provider, permit: Permit) -> None:
        if permit.step_aside():
            self._wakeups.now(provider)

    def _mark(self, chunk: Chunk, row: ClaimedSnapshot, now: datetime) -> bool:
        with self._database.begin() as connection:
            return writeback.mark_submitting(connection, row, chunk.lease_id, now)

    def _supply(self, chunk: Chunk, row: ClaimedSnapshot, now: datetime) -> Supplying | None:
        with self._database.begin() as connection:
            marked = input_delivery.mark_supplying(
                connection, row.id, row.attempt, chunk.lease_id, now
            )
            if marked is not None:
                # Within the transaction: an input that does not open must not count as sent.
                opened(self._sealing.open, marked.sealed)
            return marked

    def _feed(self, plugin: Plugin, working: Working, chunk: Chunk) -> Breaker:
        """Share with the other workers what this chunk saw of the provider; return its breaker."""
        provider = plugin.name
        with self._database.begin() as connection:
            shared = claims.lock_provider(connection, provider, self._database.now())
            # Read after the row was locked: we may have waited for it, and tokens accrue with time.
            now = self._database.now()
            passed = (now - chunk.now).total_seconds()
            left = admission.returned(
                max(len(chunk.claimed), 1), working.calls, passed, plugin.limits
            )
            after = admission.fed(shared, working.health, plugin.limits, now, left)
            claims.write_changes(connection, provider, shared, after)
            if working.misconfigured is not None:
                self._pause(connection, provider, working.misconfigured, now)
        if after.closed_until is not None and after.closed_until > now:
            log.warning("provider_rests", failures=after.failures)
            self._wakeups.at(provider, Wake.POLL, [after.closed_until])
        elif admission.is_half_open(shared, plugin.limits):
            if working.health.any_answered and not working.health.only_looked:
                log.info("provider_is_back")
            self._wakeups.now(provider)
        return admission.breaker(after, plugin.limits, now)

    def _pause(
        self,
        connection: Connection,
        provider: Provider,
        cause: Misconfigured,
        now: datetime,
    ) -> None:
        note = f"{cause.reason.message} ({cause.note})"
        if provider_pauses.pause(connection, provider, "uprid-worker", note, now, cause.reason):
            log.error("provider_paused", code=cause.reason.provider_code)
            self._relay.wake()

    def _give_back(self, chunk: Chunk, unwritten: set[str]) -> None:
        if not unwritten:
            return
        try:
            with self._database.begin() as connection:
                writeback.give_back(connection, chunk.lease_id, sorted(unwritten))
        except DATABASE_ERRORS as error:
            # The next beat frees what is left under a lease id that is not worked on.
            log.warning("give_back_waits", error=type(error).__name__)


def _do_nothing() -> None:
    """Begin no other chunk: this one must be alone to its end."""


def longest_wait(limits: Limits) -> float:
    """Return the seconds after which a chunk that wrote nothing back counts as hung."""
    return _MOST_CALLS * limits.total_timeout + 2 * PATIENCE
