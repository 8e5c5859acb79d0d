"""One turn's questions: each with the shared token, counted, and again where it was refused."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from worker.domain.errors import CallFailed
from worker.domain.outcomes import Misconfigured, Pending, Reason, ReasonCode
from worker.providers.intellectmoney.said import Done, Failed, Queued, Said, TokenRefused, Unlike
from worker.providers.intellectmoney.tokens import LOOK_AGAIN, NoToken, Token, Tokens
from worker.providers.intellectmoney.troubles import failed, not_known

T = TypeVar("T")
#: A question, given the token.
Question = Callable[[str], Said[T]]

#: One from the shelf, one that somebody else put there meanwhile, one that was fetched here.
_TOKENS_TRIED: Final = 3


class Asking:
    """The questions of one turn."""

    def __init__(self, tokens: Tokens, progress: Mapping[str, Any]) -> None:
        self._tokens = tokens
        self._progress = progress
        #: Requests made, those for tokens included.
        self.calls = 0

    def token(self) -> Token | NoToken:
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

        Raises `CallFailed` where the question itself, whatever became of the token, got no usable
        reply.
        """
        for tried in range(_TOKENS_TRIED):
            before = self.calls
            token = self.token()
            if not isinstance(token, Token):
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


_REFUSED: Final = Reason(
    ReasonCode.CONFIGURATION,
    "IntellectMoney refuses the UserToken that it has just given: check the login's rights.",
)
