"""The engine: what a chunk task does, from the claim to the next wake. Knows no provider."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from config.queues import Provider, Wake
from worker.engine import gate
from worker.engine.asks import Answer
from worker.engine.chunk import Chunk, Guard, Working, opened
from worker.engine.decisions import decide
from worker.engine.host import THIS, Host
from worker.engine.parts import Leaseholder, Relay, Sealing
from worker.engine.pen import PATIENCE, Pen
from worker.engine.picking import NOTHING, Picker
from worker.engine.share import Place, Share
from worker.engine.solitude import BesideOthers, Solitude
from worker.engine.wakes import Wakes
from worker.operations.database import DATABASE_ERRORS, Database
from worker.operations.identifiers import new_id
from worker.operations.outcomes import Misconfigured
from worker.operations.states import State
from worker.operations.store import claims, notices, pausing, supplying, writeback
from worker.operations.store.changes import Move, Stay
from worker.operations.store.claims import Claimed
from worker.operations.store.supplying import Supplying
from worker.providers.base import Limits, Plugin

log = structlog.get_logger(__name__)

#: A slot whose message came earlier than this is published again, else awaited. Seconds.
_EARLY: Final = 0.05
#: Calls that one question to a provider consists of at most, by far; a name that is looked up for
#: long, and a write-back that waits for its database, are in it.
_MOST_CALLS: Final = 10
#: Seconds between two looks whether the others have ended.
_LOOK_EVERY: Final = 0.02


@dataclass(frozen=True, slots=True)
class Taken:
    """What a claim brought."""

    chunk: Chunk
    #: When a successor should come for what was left behind; None: nothing was.
    successor_at: datetime | None
    #: The breaker had nothing to remember when this was claimed.
    calm: bool
    #: The provider is sick, and is looked at unless what was claimed has it called.
    looks: bool = False
    #: An operation is due that this process may only work on while it does nothing else.
    alone_next: bool = False


class Engine:
    """One process's engine over all its providers."""

    def __init__(  # noqa: PLR0913 - an engine is put together of all its parts
        self,
        database: Database,
        plugins: Mapping[Provider, Plugin],
        wakes: Wakes,
        relay: Relay,
        leaseholder: Leaseholder,
        sealing: Sealing,
        *,
        places: int,
        side_places: int,
        host: Host = THIS,
    ) -> None:
        self._database = database
        self._plugins = plugins
        self._wakes = wakes
        self._relay = relay
        self._leaseholder = leaseholder
        self._sealing = sealing
        self._host = host
        self._pen = Pen(database, leaseholder, host)
        self._solitude = Solitude(host.monotonic)
        self._beside_others = BesideOthers(leaseholder, self._solitude)
        limits = [plugin.limits for plugin in plugins.values()]
        #: How long one call lasts at most, whosever it is.
        self._longest_call = max((each.total_timeout for each in limits), default=0.0)
        #: Providers at which this process claimed a suspect last.
        self._others_next: set[Provider] = set()
        self._shares = {provider: Share(places, side_places) for provider in plugins}
        # One more than a chunk takes: a single submit is not to wait until another chunk is drawn.
        self._executors = {
            provider: host.threads(plugin.limits.threads + 1, f"{provider}-call")
            for provider, plugin in plugins.items()
        }

    def work(self, provider: Provider, wake: Wake = Wake.POLL, slot: datetime | None = None) -> int:
        """Work on what is due at a provider; return how many operations were worked on.

        `slot` is the moment that the message was meant for: one that came early goes back.
        """
        plugin = self._plugins.get(provider)
        if plugin is None or self._leaseholder.halted(self._host.monotonic()) is not None:
            return 0
        early = 0.0 if slot is None else (slot - self._database.now()).total_seconds()
        if slot is not None and early > _EARLY:
            self._wakes.again(provider, wake, slot)
            return 0
        if early > 0:
            # What is due only at the slot itself has no other message.
            self._leaseholder.pause(early)
        worked, alone_next = self._beside(provider, plugin)
        if alone_next:
            worked += self._alone(provider, plugin)
        return worked

    def close(self) -> None:
        """Let running calls end and stop the threads."""
        for executor in self._executors.values():
            executor.shutdown(wait=True)

    def _beside(self, provider: Provider, plugin: Plugin) -> tuple[int, bool]:
        """Work on one chunk beside others of this process; tell whether one is to be alone next."""
        if not self._solitude.enter():
            # Who is alone wakes every provider afterwards.
            return 0, False
        try:
            place = self._shares[provider].enter()
            if place is None:
                return 0, False
            step_aside = partial(self._step_aside, provider, place)
            try:
                with self._held(plugin) as token:
                    taken = self._take(provider, plugin, token, alone=False)
                    worked = self._work_off(
                        provider, plugin, taken, self._beside_others, step_aside
                    )
                    return worked, taken.alone_next
            finally:
                if place.leave():
                    # Somebody was turned away while this process was full: there may be work left.
                    self._wakes.now(provider)
        finally:
            self._solitude.leave()

    def _alone(self, provider: Provider, plugin: Plugin) -> int:
        """Work on an operation that is next to be called poison, and meanwhile on nothing else."""
        # Twice: what is under way ends first, however long its call.
        if not self._solitude.seek(2 * (self._longest_call + plugin.limits.total_timeout)):
            return 0
        try:
            while not self._solitude.is_alone:
                if not self._solitude.is_sought or self._halted():
                    return 0
                self._leaseholder.pause(_LOOK_EVERY)
            log.info("works_alone", provider=provider)
            with self._held(plugin) as token:
                taken = self._take(provider, plugin, token, alone=True)
                return self._work_off(provider, plugin, taken, self._leaseholder, _nobody_waits)
        finally:
            self._solitude.end()
            for each in self._plugins:
                # They were turned away, or have broken off.
                self._wakes.now(each)

    def _halted(self) -> bool:
        return self._leaseholder.halted(self._host.monotonic()) is not None

    @contextmanager
    def _held(self, plugin: Plugin) -> Iterator[str]:
        """Hold a token for a chunk's time."""
        token = new_id()
        # Before the claim: committed, perhaps, and only not confirmed, nobody else would free it.
        self._leaseholder.hold(token, longest_wait(plugin.limits))
        suspected = False
        try:
            yield token
        except DATABASE_ERRORS:
            raise
        except BaseException:
            suspected = True
            raise
        finally:
            self._leaseholder.release(token, suspected=suspected)

    def _work_off(
        self,
        provider: Provider,
        plugin: Plugin,
        taken: Taken,
        guard: Guard,
        step_aside: Callable[[], None],
    ) -> int:
        """Work on what was taken, and return how many operations were worked on."""
        chunk = taken.chunk
        # Before the work, not after it: the successor shares the load, and outlives this chunk.
        if taken.successor_at is not None and taken.successor_at > chunk.now:
            self._wakes.soon(provider, taken.successor_at)
        elif taken.successor_at is not None:
            self._wakes.now(provider)
        if not chunk.claimed and not taken.looks:
            return 0
        unwritten = {row.id for row in chunk.claimed}
        working = Working(
            chunk,
            plugin,
            guard,
            unseal=self._sealing.open,
            mark=lambda row, now: self._mark(chunk, row, now),
            supply=lambda row, now: self._supply(chunk, row, now),
            host=self._host,
        )
        try:
            working.run(
                self._executors[provider],
                plugin.limits.threads,
                lambda answers: self._flush(provider, plugin, chunk, answers, unwritten),
                step_aside,
            )
            if taken.looks:
                working.look()
            if not (taken.calm and working.flawless and working.calls == len(chunk.claimed)):
                self._feed(provider, plugin, working, chunk)
        except DATABASE_ERRORS as error:
            name = type(error).__name__
            log.warning("chunk_abandoned", provider=provider, operations=len(unwritten), error=name)
            raise
        self._give_back(chunk, unwritten)
        if working.halt is not None:
            log.info("chunk_halted", provider=provider, why=working.halt, left=len(unwritten))
        return len(chunk.claimed) - len(unwritten)

    def _step_aside(self, provider: Provider, place: Place) -> None:
        if place.step_aside():
            self._wakes.now(provider)

    def _take(self, provider: Provider, plugin: Plugin, token: str, *, alone: bool) -> Taken:
        """Ask the gate and claim what it grants, in one transaction."""
        owner = self._leaseholder.id
        with self._database.begin() as connection:
            shared = claims.lock_provider(connection, provider, self._database.now())
            # Only now: the row may have been waited for, and what it fills up by is time.
            now, began = self._database.now(), self._host.monotonic()
            granted = gate.grant(shared, plugin.limits, now)
            calm = shared.failures == 0 and shared.closed_until is None and not granted.probing
            if granted.limit == 0:
                return Taken(Chunk((), {}, {}, token, now, began), granted.again_at, calm)

            is_sick = granted.probing and gate.is_sick(shared, plugin.limits)
            picker = Picker(connection, provider, owner, token, now)
            if alone:
                picked = NOTHING if is_sick else picker.pick_alone()
            elif is_sick:
                picked = picker.pick_harmless(plugin)
            else:
                others_first = provider in self._others_next
                picked = picker.pick(granted, self._host.draw, others_first=others_first)
            claimed, looks = picked.claimed, is_sick and picked.left_behind
            if claimed or looks:
                # Never back: who waited long for the row knows the time of before that only.
                at = max(now, shared.tokens_at)
                values: dict[str, Any] = {
                    "tokens": granted.tokens - max(len(claimed), 1),
                    "tokens_at": at,
                }
                if granted.probing:
                    lasting = timedelta(seconds=plugin.limits.total_timeout + 1)
                    values["probing_until"] = now + lasting
                claims.share(connection, provider, **values)
            payloads = claims.payloads(
                connection, [row for row in claimed if row.state is State.ACCEPTED]
            )
            spoken_of = notices.of(
                connection, [(row.id, row.attempt) for row in claimed if row.notices]
            )
            waits = not (alone or is_sick) and claims.any_alone(connection, provider, now)
        if picked.alone:
            self._others_next.add(provider)
        else:
            self._others_next.discard(provider)
        successor = None
        if picked.left_behind and not granted.probing:
            successor = now if picked.alone else granted.again_at
        chunk = Chunk(claimed, payloads, spoken_of, token, now, began)
        return Taken(chunk, successor, calm, looks, waits)

    def _mark(self, chunk: Chunk, row: Claimed, now: datetime) -> bool:
        with self._database.begin() as connection:
            return writeback.mark_submitting(connection, row, chunk.token, now)

    def _supply(self, chunk: Chunk, row: Claimed, now: datetime) -> Supplying | None:
        with self._database.begin() as connection:
            marked = supplying.mark_supplying(connection, row.id, row.attempt, chunk.token, now)
            if marked is not None:
                # Within the transaction: an input that does not open must not count as sent.
                opened(self._sealing.open, marked.sealed)
            return marked

    def _flush(
        self,
        provider: Provider,
        plugin: Plugin,
        chunk: Chunk,
        answers: list[Answer],
        unwritten: set[str],
    ) -> None:
        now = self._database.now()
        changes = []
        for answer in answers:
            try:
                changes.append(
                    decide(answer, plugin, now, self._host.draw(), self._sealing.seal_bytes)
                )
            except Exception as error:  # noqa: BLE001 - one operation's trouble, never its chunk's
                self._pen.refused(chunk.token, answer.claimed, error)
        stays = [change for change in changes if isinstance(change, Stay)]
        moves = [change for change in changes if isinstance(change, Move)]
        written = self._pen.write(chunk.token, stays, moves, now)
        unwritten.difference_update(answer.claimed.id for answer in answers)
        self._leaseholder.renew(chunk.token)
        late = [move for move in moves if move.claimed.id not in written and move.events]
        self._pen.tell_late(late, now)
        self._wake_next(
            provider, [change for change in changes if change.claimed.id in written], now
        )
        if any(written.values()):
            # Somebody asked for them while they were being worked on.
            self._wakes.soon(provider, now)
        if late or any(move.events for move in moves):
            self._relay.wake()

    def _wake_next(self, provider: Provider, written: Sequence[Stay | Move], now: datetime) -> None:
        polls: list[datetime] = []
        settlements: list[datetime] = []
        at_once = False
        for change in written:
            if change.due_at is not None:
                state = change.state if isinstance(change, Move) else change.claimed.state
                (settlements if state is State.SETTLING else polls).append(change.due_at)
                # The next step or the next page: not to be held up for a whole slot.
                at_once = at_once or change.due_at <= now
        if at_once:
            self._wakes.soon(provider, now)
        if polls:
            self._wakes.at(provider, Wake.POLL, polls)
        if settlements:
            self._wakes.at(provider, Wake.SETTLE, settlements)

    def _feed(self, provider: Provider, plugin: Plugin, working: Working, chunk: Chunk) -> None:
        """Tell the others what this chunk saw of the provider."""
        misconfigured = working.misconfigured
        with self._database.begin() as connection:
            shared = claims.lock_provider(connection, provider, self._database.now())
            now = self._database.now()  # as in `_take`
            passed = (now - chunk.now).total_seconds()
            left = gate.returned(max(len(chunk.claimed), 1), working.calls, passed, plugin.limits)
            values = gate.fed(shared, working.health, plugin.limits, now)
            values.setdefault("tokens", shared.tokens + left)
            if any(getattr(shared, name) != value for name, value in values.items()):
                claims.share(connection, provider, **values)
            if misconfigured is not None:
                self._pause(connection, provider, misconfigured, now)
        closed_until = values["closed_until"]
        if isinstance(closed_until, datetime) and closed_until > now:
            log.warning("provider_rests", provider=provider, failures=values["failures"])
            self._wakes.at(provider, Wake.POLL, [closed_until])
        elif gate.is_half_open(shared, plugin.limits):
            if working.health.any_answered and not working.health.only_looked:
                log.info("provider_is_back", provider=provider)
            self._wakes.now(provider)

    def _pause(
        self,
        connection: Connection,
        provider: Provider,
        cause: Misconfigured,
        now: datetime,
    ) -> None:
        note = f"{cause.reason.message} ({cause.note})"
        if pausing.pause(connection, provider, "uprid-worker", note, now, cause.reason):
            log.error("provider_paused", provider=provider, code=cause.reason.provider_code)
            self._relay.wake()

    def _give_back(self, chunk: Chunk, unwritten: set[str]) -> None:
        if not unwritten:
            return
        try:
            with self._database.begin() as connection:
                writeback.give_back(connection, chunk.token, sorted(unwritten))
        except DATABASE_ERRORS as error:
            # The next beat frees what is left under a token that is not worked on.
            log.warning("give_back_waits", error=type(error).__name__)


def _nobody_waits() -> None:
    """Have nobody begin in one's stead."""


def longest_wait(limits: Limits) -> float:
    """Return the seconds after which a chunk that wrote nothing back hangs in something."""
    return _MOST_CALLS * limits.total_timeout + 2 * PATIENCE
