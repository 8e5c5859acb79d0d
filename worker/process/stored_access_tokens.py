"""The shelf where the workers keep an access token, sealed, in the database."""

import threading
from datetime import timedelta

import structlog

from uprid_client.errors import Unsealable
from uprid_client.sealing import Sealer
from worker.domain.ids import new_id
from worker.providers.access_tokens import LOOK_AGAIN, AccessToken
from worker.store import access_tokens as store
from worker.store.database import Database

log = structlog.get_logger(__name__)


class StoredAccessTokens:
    """A `AccessTokenShelf` over one row. Every transaction is over before a method returns."""

    def __init__(self, database: Database, sealer: Sealer, name: str) -> None:
        self._database = database
        self._sealer = sealer
        self._name = name
        self._holder = new_id()
        # The row tells processes apart, this the threads of one.
        self._fetching = threading.Lock()

    def current(self) -> AccessToken | None:
        """Return the token that is believed to be good, if there is one."""
        with self._database.read() as connection:
            found = store.current(connection, self._name, self._database.now())
        if found is None:
            return None
        try:
            return AccessToken(self._sealer.open_bytes(found.sealed).decode(), found.generation)
        except Unsealable:
            # Its key was taken away: a fresh one costs one call.
            log.warning("access_token_does_not_open", name=self._name)
            return None

    def hold(self, lasting: float) -> float:
        """Take the right to fetch: 0.0, or the seconds after which to look again."""
        if not self._fetching.acquire(blocking=False):
            return LOOK_AGAIN
        wait = LOOK_AGAIN
        try:
            wait = self._hold(timedelta(seconds=lasting))
        finally:
            if wait > 0:
                self._fetching.release()
        return wait

    def put(self, value: str, lasting: float) -> AccessToken:
        """Keep a fresh token for `lasting` seconds."""
        sealed = self._sealer.seal_bytes(value.encode())
        expires_at = self._database.now() + timedelta(seconds=lasting)
        with self._database.begin() as connection:
            return AccessToken(value, store.put(connection, self._name, sealed, expires_at))

    def drop(self, access_token: AccessToken) -> None:
        """Forget a token that was refused, unless a fresh one is there already."""
        with self._database.begin() as connection:
            store.drop(connection, self._name, access_token.generation)

    def release(self, resting: float = 0.0) -> None:
        """Give back the right to fetch; no process gets it within `resting` seconds."""
        try:
            until = self._database.now() + timedelta(seconds=resting) if resting > 0 else None
            with self._database.begin() as connection:
                store.release(connection, self._name, self._holder, until)
        finally:
            self._fetching.release()

    def _hold(self, lasting: timedelta) -> float:
        now = self._database.now()
        with self._database.begin() as connection:
            held = store.hold(connection, self._name, self._holder, now, lasting)
        if held is None:
            return 0.0
        left = max((held.until - now).total_seconds(), 0.01)
        return left if held.resting else min(left, LOOK_AGAIN)
