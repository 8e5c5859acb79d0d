"""Access tokens: what a provider gives for a login, shared by all workers."""

from dataclasses import dataclass, field
from typing import Final, Protocol

#: Seconds after which a worker that waits for another one's fetch looks again.
LOOK_AGAIN: Final = 0.5


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that a provider gave."""

    value: str = field(repr=False)
    #: Which one it is, so that one that was refused is dropped once.
    generation: int


class AccessTokenShelf(Protocol):
    """Where the workers keep a provider's token. Calls may come from several threads.

    Every method may raise `DatabaseUnavailable`. No call holds anything open when it returns.
    """

    def current(self) -> AccessToken | None:
        """Return the token that is believed to be good, if there is one."""

    def hold(self, lasting: float) -> float:
        """Take the right to fetch for `lasting` seconds at most: 0.0; its holder calls `release`.

        Where another worker has it, return the seconds after which to look again.
        """

    def put(self, value: str, lasting: float) -> AccessToken:
        """Keep a fresh token for `lasting` seconds."""

    def drop(self, access_token: AccessToken) -> None:
        """Forget a token that was refused, unless a fresh one is there already."""

    def release(self, resting: float = 0.0) -> None:
        """Give back the right to fetch; no worker gets it within `resting` seconds."""
