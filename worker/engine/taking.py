"""Taking: asks the provider's admission and claims what it grants, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.engine import admission
from worker.engine.admission import Breaker, Grant
from worker.engine.chunk import Chunk
from worker.engine.environment import Environment
from worker.engine.picking import NOTHING, Picked, Picker
from worker.providers.protocol import Plugin
from worker.store import claims, notifications
from worker.store.claims import ClaimedSnapshot
from worker.store.database import Database


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of a claim."""

    chunk: Chunk
    #: When another chunk should come for what was left behind; None: nothing was.
    successor_at: datetime | None
    #: How the breaker stood.
    breaker: Breaker
    #: The breaker counted no failures when this was claimed.
    calm: bool
    #: The provider is sick: its host is checked, unless a claimed operation calls it.
    looks: bool = False
    #: An operation is due that this process must work on alone.
    alone_next: bool = False


class Taker:
    """Takes chunks for one process, whose leases have `owner`."""

    def __init__(self, database: Database, owner: str, environment: Environment) -> None:
        self._database = database
        self._owner = owner
        self._environment = environment
        #: Providers at which this process claimed a suspect last.
        self._others_next: set[Provider] = set()

    def take(self, plugin: Plugin, lease_id: str, *, alone: bool) -> Taken:
        """Claim what the provider's admission grants; `alone`: one operation that must be alone."""
        taken, picked = self._take(plugin, lease_id, alone=alone)
        if picked is not None:
            self._note_turn(plugin.name, picked)
        return taken

    def _take(self, plugin: Plugin, lease_id: str, *, alone: bool) -> tuple[Taken, Picked | None]:
        """Return what was taken, and what was picked for it: None where nothing is granted."""
        provider = plugin.name
        with self._database.begin() as connection:
            shared = claims.lock_provider(connection, provider, self._database.now())
            # Read after the row was locked: we may have waited for it, and tokens accrue with time.
            now, began = self._database.now(), self._environment.monotonic()
            granted = admission.grant(shared, plugin.limits, now)
            calm = shared.failures == 0 and shared.closed_until is None and not granted.probing
            state = admission.breaker(shared, plugin.limits, now)
            if granted.limit == 0:
                chunk = Chunk((), {}, {}, lease_id, now, began)
                return Taken(chunk, granted.again_at, state, calm), None

            is_sick = granted.probing and admission.is_sick(shared, plugin.limits)
            picker = Picker(connection, provider, self._owner, lease_id, now)
            picked = self._picked(picker, granted, plugin, alone=alone, is_sick=is_sick)
            looks = is_sick and picked.left_behind
            if picked.claimed or looks:
                after = admission.spent(shared, granted, len(picked.claimed), plugin.limits, now)
                claims.write_changes(connection, provider, shared, after)
            payloads, sealed_notifications = _sealed(connection, picked.claimed)
            waits = not (alone or is_sick) and claims.any_alone(connection, provider, now)
        chunk = Chunk(picked.claimed, payloads, sealed_notifications, lease_id, now, began)
        successor_at = _successor(picked, granted, now)
        return Taken(chunk, successor_at, state, calm, looks, waits), picked

    def _picked(
        self, picker: Picker, granted: Grant, plugin: Plugin, *, alone: bool, is_sick: bool
    ) -> Picked:
        if alone:
            return NOTHING if is_sick else picker.pick_alone()
        if is_sick:
            return picker.pick_harmless(plugin)
        others_first = plugin.name in self._others_next
        return picker.pick(granted, self._environment.draw, others_first=others_first)

    def _note_turn(self, provider: Provider, picked: Picked) -> None:
        """Remember that the others have the next turn after a suspect."""
        if picked.alone:
            self._others_next.add(provider)
        else:
            self._others_next.discard(provider)


def _sealed(
    connection: Connection, claimed: list[ClaimedSnapshot]
) -> tuple[Mapping[str, str | None], Mapping[str, Sequence[str]]]:
    """Return the sealed payloads of submits, and the sealed notifications, by operation."""
    submits = [row for row in claimed if row.state is State.ACCEPTED]
    named = [(row.id, row.attempt) for row in claimed if row.notifications]
    return claims.payloads(connection, submits), notifications.of(connection, named)


def _successor(picked: Picked, granted: Grant, now: datetime) -> datetime | None:
    """Return when another chunk should come for what was left behind."""
    if not picked.left_behind or granted.probing:
        return None
    return now if picked.alone else granted.again_at
