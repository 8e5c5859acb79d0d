"""UserTokens: for a time, and in some scenarios for some calls only."""

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from uprid_sandbox.clock import Clock

#: What a form must escape: every UserToken holds all of them.
_AWKWARD: Final = frozenset("+/=")
#: As many as leave one `=` at the end of 64 characters, the length of the page's example.
_BYTES: Final = 47


@dataclass(frozen=True, slots=True)
class _Issued:
    until: datetime
    #: None: any number of calls.
    calls: int | None


class UserTokens:
    """All UserTokens that were handed out. A further one leaves the older ones good (a guess)."""

    def __init__(self, lifetime: float, clock: Clock) -> None:
        self._lifetime = timedelta(seconds=lifetime)
        self._clock = clock
        # They go on after a reset, so that an old one is never good again.
        self._seeds = count(1)
        self._issued: dict[str, _Issued] = {}
        self._spent: Counter[tuple[str, str]] = Counter()

    def issue(self, calls: int | None) -> str:
        """Return a further UserToken, good for so many calls."""
        user_token = next(
            each for each in map(_new_user_token, self._seeds) if set(each) >= _AWKWARD
        )
        self._issued[user_token] = _Issued(self._clock() + self._lifetime, calls)
        return user_token

    def spend(self, user_token: str, subject: str, calls: int | None) -> bool:
        """Return whether a UserToken is good for a call about a subject, which allows so many."""
        issued = self._issued.get(user_token)
        if issued is None or self._clock() >= issued.until:
            return False
        left = (self._spend(user_token, "", issued.calls), self._spend(user_token, subject, calls))
        return all(left)

    def clear(self) -> None:
        """Forget all of them."""
        self._issued.clear()
        self._spent.clear()

    def _spend(self, user_token: str, subject: str, calls: int | None) -> bool:
        self._spent[user_token, subject] += 1
        return calls is None or self._spent[user_token, subject] <= calls


def _new_user_token(seed: int) -> str:
    digest = hashlib.sha512(str(seed).encode()).digest()
    return base64.b64encode(digest[:_BYTES]).decode()
