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
    Answer,
    Done,
    Failed,
    Queued,
    TokenRefused,
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
_TOKENS_TRIED: Final = 3
#: A policy's draw: the wait itself.
_NO_JITTER: Final = 0.5


#: The outcome where there is no token.
NoToken = Pending | NeedsPerson | Misconfigured


class Tokens:
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

    def get(self, progress: Progress) -> tuple[AccessToken | NoToken, int]:
        """Return the token, or the outcome where there is none, and how many requests that took."""
        try:
            found = self._shelf.current()
            return self._fetched(progress) if found is None else (found, 0)
        except DatabaseUnavailable:
            log.warning("token_shelf_away")
            return Pending(_AWAY, again_in=LOOK_AGAIN, calls=0), 0

    def drop(self, token: AccessToken) -> bool:
        """Forget a token that was refused; False where that could not be written down."""
        try:
            self._shelf.drop(token)
        except DatabaseUnavailable:
            log.warning("token_shelf_away")
            return False
        return True

    def _fetched(self, progress: Progress) -> tuple[AccessToken | NoToken, int]:
        wait = self._shelf.hold(self._held_for)
        if wait > 0:
            return Pending(_FETCHING, again_in=wait, calls=0), 0
        resting = 0.0
        try:
            # Another process may have fetched between the first look and the right to fetch.
            found = self._shelf.current()
            if found is not None:
                return found, 0
            said = self._asked(progress)
            if isinstance(said, str):
                return self._shelf.put(said, self._lasting), 1
            if isinstance(said, Pending):
                resting = said.again_in or 0.0
            elif isinstance(said, Misconfigured):
                resting = _UNTIL_PAUSED
            return said, 1
        finally:
            self._shelf.release(resting)

    def _asked(self, progress: Progress) -> str | NoToken:
        """Ask for a token. Called only with the right to fetch."""
        try:
            said = self._client.user_token()
        except ReplyTooLarge as failure:
            # No page size makes this one smaller.
            return not_known(f"token: {failure.note}", progress)
        except CallFailed as failure:
            return failed(failure, progress)
        match said:
            case Done():
                self._queued = 0
                return said.result
            case Queued():
                # The same call again is the only way: the result's path would need a UserToken.
                wait = self._policy.wait(self._queued, _NO_JITTER)
                self._queued += 1
                return Pending("token is queued", again_in=wait)
            case Failed() | TokenRefused():
                # The page has one error for all: that the login is wrong is the likely one.
                return Misconfigured(_LOGIN, "login refused")
            case Unlike():
                # Without the answer, which may hold the token.
                return not_known(f"token: {said.what}", progress)
            case _:
                assert_never(said)


class Questions:
    """The questions of one turn."""

    def __init__(self, tokens: Tokens, progress: Progress) -> None:
        self._tokens = tokens
        self._progress = progress
        #: Requests made, those for tokens included.
        self.calls = 0

    def token(self) -> AccessToken | NoToken:
        """Return the token, fetched where there is none."""
        token, calls = self._tokens.get(self._progress)
        self.calls += calls
        return token

    def read(self, question: Question[T]) -> Done[T] | Queued | Failed | NoToken:
        """Ask what has no effect, and say what to do where there is no good answer."""
        try:
            said = self.ask(question)
        except CallFailed as failure:
            return failed(failure, self._progress)
        if isinstance(said, Unlike):
            return not_known(said.what, self._progress, said.answer)
        return said

    def ask(self, question: Question[T]) -> Done[T] | Queued | Failed | Unlike | NoToken:
        """Ask; a refused token means that nothing was done, so that a fresh one is tried.

        Raises `CallFailed` where the question itself got no usable reply. Trouble with the token
        does not raise.
        """
        for tried in range(_TOKENS_TRIED):
            before = self.calls
            token = self.token()
            if not isinstance(token, AccessToken):
                return token
            is_fresh = self.calls > before
            self.calls += 1
            said = question(token.value)
            if not isinstance(said, TokenRefused):
                return said
            if not self._tokens.drop(token):
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
