"""The access token (UserToken): one for all workers, and the questions that are asked with it."""

from collections.abc import Callable
from typing import Final, TypeVar, assert_never

import structlog

from config.polling import PollPolicy
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.errors import DatabaseUnavailable
from worker.domain.errors import CallFailed, ReplyTooLarge
from worker.domain.outcomes import Misconfigured, NeedsPerson, Pending, Reason
from worker.providers.access_tokens import LOOK_AGAIN, AccessToken, AccessTokenShelf
from worker.providers.intellectmoney.answers import (
    AccessTokenRefused,
    Answer,
    Done,
    Failed,
    Queued,
    Unlike,
)
from worker.providers.intellectmoney.client import Client
from worker.providers.intellectmoney.endings import failed, not_known
from worker.providers.intellectmoney.progress import Progress

T = TypeVar("T")
#: A question, given the token.
Question = Callable[[str], Answer[T]]

log = structlog.get_logger(__name__)

#: Seconds after a refused login in which no worker logs in, until all know of the pause: a wrong
#: password that every thread tries may lock the account.
_UNTIL_PAUSED: Final = 2.0
_FETCHING: Final = "token is being fetched"
_AWAY: Final = "token shelf away"
#: One from the shelf, one that another process put there meanwhile, one that was fetched here.
_ACCESS_TOKENS_TRIED: Final = 3
#: A policy's draw: the wait itself.
_NO_JITTER: Final = 0.5


#: The outcome where there is no token.
NoAccessToken = Pending | NeedsPerson | Misconfigured


class AccessTokens:
    """Gives out the shared token, and fetches it where there is none."""

    def __init__(
        self,
        client: Client,
        shelf: AccessTokenShelf,
        policy: PollPolicy,
        *,
        lasting: float,
        longest_fetch: float,
    ) -> None:
        self._client = client
        self._shelf = shelf
        self._policy = policy
        self._lasting = lasting
        # After that the process with the right to fetch counts as dead, and another one takes it.
        self._held_for = longest_fetch + 5.0
        #: Answers in a row that the token is queued, for the countdown between two questions.
        self._queued = 0

    def get(self, progress: Progress) -> tuple[AccessToken | NoAccessToken, int]:
        """Return the token, or the outcome where there is none, and how many requests that took."""
        try:
            found = self._shelf.current()
            return self._fetched(progress) if found is None else (found, 0)
        except DatabaseUnavailable:
            log.warning("token_shelf_away")
            return Pending(_AWAY, again_in=LOOK_AGAIN, calls=0), 0

    def drop(self, access_token: AccessToken) -> bool:
        """Forget a token that was refused; False where that could not be written down."""
        try:
            self._shelf.drop(access_token)
        except DatabaseUnavailable:
            log.warning("token_shelf_away")
            return False
        return True

    def _fetched(self, progress: Progress) -> tuple[AccessToken | NoAccessToken, int]:
        wait = self._shelf.hold(self._held_for)
        if wait > 0:
            return Pending(_FETCHING, again_in=wait, calls=0), 0
        resting = 0.0
        try:
            # Another process may have fetched between the first look and the right to fetch.
            found = self._shelf.current()
            if found is not None:
                return found, 0
            reply = self._asked(progress)
            if isinstance(reply, str):
                return self._shelf.put(reply, self._lasting), 1
            if isinstance(reply, Pending):
                resting = reply.again_in or 0.0
            elif isinstance(reply, Misconfigured):
                resting = _UNTIL_PAUSED
            return reply, 1
        finally:
            self._shelf.release(resting)

    def _asked(self, progress: Progress) -> str | NoAccessToken:
        """Ask for a token. Called only with the right to fetch."""
        try:
            reply = self._client.user_token()
        except ReplyTooLarge as failure:
            # No page size makes this one smaller.
            return not_known(f"token: {failure.note}", progress)
        except CallFailed as failure:
            return failed(failure, progress)
        match reply:
            case Done():
                self._queued = 0
                return reply.result
            case Queued():
                # The same call again is the only way: the result's path would need a UserToken.
                wait = self._policy.wait(self._queued, _NO_JITTER)
                self._queued += 1
                return Pending("token is queued", again_in=wait)
            case Failed() | AccessTokenRefused():
                # The page has one error for all: that the login is wrong is the likely one.
                return Misconfigured(_LOGIN, "login refused")
            case Unlike():
                # Without the answer, which may hold the token.
                return not_known(f"token: {reply.what}", progress)
            case _:
                assert_never(reply)


class Questions:
    """The questions of one turn."""

    def __init__(self, access_tokens: AccessTokens, progress: Progress) -> None:
        self._access_tokens = access_tokens
        self._progress = progress
        #: Requests made, those for tokens included.
        self.calls = 0

    def access_token(self) -> AccessToken | NoAccessToken:
        """Return the token, fetched where there is none."""
        access_token, calls = self._access_tokens.get(self._progress)
        self.calls += calls
        return access_token

    def read(self, question: Question[T]) -> Done[T] | Queued | Failed | NoAccessToken:
        """Ask what has no effect, and say what to do where there is no good answer."""
        try:
            reply = self.ask(question)
        except CallFailed as failure:
            return failed(failure, self._progress)
        if isinstance(reply, Unlike):
            return not_known(reply.what, self._progress, reply.answer)
        return reply

    def ask(self, question: Question[T]) -> Done[T] | Queued | Failed | Unlike | NoAccessToken:
        """Ask; a refused token means that nothing was done, so that a fresh one is tried.

        Raises `CallFailed` where the question itself got no usable reply. Trouble with the token
        does not raise.
        """
        for tried in range(_ACCESS_TOKENS_TRIED):
            before = self.calls
            access_token = self.access_token()
            if not isinstance(access_token, AccessToken):
                return access_token
            is_fresh = self.calls > before
            self.calls += 1
            reply = question(access_token.value)
            if not isinstance(reply, AccessTokenRefused):
                return reply
            if not self._access_tokens.drop(access_token):
                break
            if is_fresh and tried:
                return Misconfigured(_REFUSED, "fresh token refused")
        return Pending("token refused", again_in=LOOK_AGAIN)


_LOGIN: Final = Reason(
    ReasonCode.CONFIGURATION,
    "IntellectMoney gives no UserToken: check LOGIN and PASSWORD, BEARER_TOKEN, SIGN_SECRET_KEY.",
)
_REFUSED: Final = Reason(
    ReasonCode.CONFIGURATION,
    "IntellectMoney refuses the UserToken that it has just given: check the login's rights.",
)
