"""Picking: which of a provider's due operations a chunk takes, as many as are granted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from uprid_client.names import Provider
from worker.engine.admission import Grant
from worker.engine.calls import HARMLESS, next_call
from worker.providers.protocol import Plugin
from worker.store import claims
from worker.store.claims import ALONE_AFTER, ORDINARY, URGENT, ClaimedSnapshot

#: Due operations of a lane among which a harmless one is looked for.
_LOOKED_AT: Final = 20


@dataclass(frozen=True, slots=True)
class Picked:
    """What was claimed."""

    claimed: list[ClaimedSnapshot]
    #: Whether more is due than was claimed.
    left_behind: bool
    #: The one claimed is a suspect, which has a chunk of its own.
    alone: bool = False


NOTHING: Final = Picked([], left_behind=False)


@dataclass(frozen=True, slots=True)
class Picker:
    """Claims within one transaction, under one lease id."""

    connection: Connection
    provider: Provider
    owner: str
    lease_id: str
    now: datetime

    def pick(self, granted: Grant, draw: Callable[[], float], *, others_first: bool) -> Picked:
        """Claim a suspect, or as many others as are granted.

        The two take turns, so that many suspects do not keep all the others waiting, nor the others
        them: `others_first` says whose turn it is. Where nothing of one kind is due, the other kind
        has the turn.
        """
        if not others_first:
            suspects = self._suspects()
            return suspects if suspects.claimed else self._others(granted, draw)
        others = self._others(granted, draw)
        if not others.claimed:
            return self._suspects()
        waits = others.left_behind or claims.any_suspect(self.connection, self.provider, self.now)
        return Picked(others.claimed, waits)

    def pick_harmless(self, plugin: Plugin) -> Picked:
        """Claim one operation whose next call is harmless; `left_behind`: any is due."""
        due = [
            each
            for lane in (ORDINARY, URGENT)
            for each in claims.due(self.connection, self.provider, lane, _LOOKED_AT, self.now)
        ]
        for each in due:
            if each.claims < ALONE_AFTER and next_call(each, self.now, plugin) in HARMLESS:
                claimed = claims.claim_one(
                    self.connection,
                    self.provider,
                    each.id,
                    owner=self.owner,
                    lease_id=self.lease_id,
                    now=self.now,
                )
                return Picked(claimed, left_behind=True)
        return Picked([], bool(due))

    def pick_alone(self) -> Picked:
        """Claim one operation that must be the only one of its process."""
        claimed = claims.claim_alone(
            self.connection, self.provider, owner=self.owner, lease_id=self.lease_id, now=self.now
        )
        # This counts as a suspect's turn, so the others have the next one.
        return Picked(claimed, left_behind=False, alone=bool(claimed))

    def _suspects(self) -> Picked:
        claimed = claims.claim_suspect(
            self.connection, self.provider, owner=self.owner, lease_id=self.lease_id, now=self.now
        )
        return Picked(claimed, bool(claimed), bool(claimed))

    def _others(self, granted: Grant, draw: Callable[[], float]) -> Picked:
        lanes = granted.lanes(draw())
        urgent = self._some(URGENT, lanes.urgent)
        ordinary = self._some(ORDINARY, lanes.ordinary_beside(len(urgent)))
        urgent += self._some(URGENT, lanes.urgent_beside(len(urgent), len(ordinary)))
        return Picked(urgent + ordinary, lanes.are_full(len(urgent), len(ordinary)))

    def _some(self, lane: int, limit: int) -> list[ClaimedSnapshot]:
        if limit <= 0:
            return []
        return claims.claim(
            self.connection,
            self.provider,
            lane,
            limit,
            owner=self.owner,
            lease_id=self.lease_id,
            now=self.now,
        )
