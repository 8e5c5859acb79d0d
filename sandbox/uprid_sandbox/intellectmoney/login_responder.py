"""Serves UserTokens."""

import hmac
from collections import Counter as Numbers

from uprid_sandbox.intellectmoney.acts import DONE, UNAUTHENTICATED
from uprid_sandbox.intellectmoney.counter import Counter, Decision
from uprid_sandbox.intellectmoney.logins import login_scenario
from uprid_sandbox.intellectmoney.queue import Matter
from uprid_sandbox.intellectmoney.requests import Request
from uprid_sandbox.intellectmoney.scenarios import login_number
from uprid_sandbox.intellectmoney.user_tokens import UserTokens
from uprid_sandbox.options import SandboxOptions


class LoginResponder:
    """Takes the login of the options, and the same one with a scenario's number at its end."""

    def __init__(self, options: SandboxOptions, counter: Counter, user_tokens: UserTokens) -> None:
        self._options = options
        self._counter = counter
        self._user_tokens = user_tokens
        self._asked: Numbers[str] = Numbers()

    def serve(self, request: Request) -> Decision:
        """Return a UserToken, or what befalls who asks for one."""
        login = request.text("Login")
        if not self._is_known(login, request.text("Password")):
            return self._counter.say(UNAUTHENTICATED)
        scenario = login_scenario(login)
        self._asked[login] += 1
        act = None if scenario.trouble is None else scenario.trouble.act_at(self._asked[login])
        matter = Matter(
            (request.method.kind, login),
            lambda data: (
                {"UserToken": self._user_tokens.issue(scenario.token_calls)} if data else {}
            ),
            _nothing,
        )
        return self._counter.act(act or DONE, matter)

    def clear(self) -> None:
        """Forget who asked, and every UserToken."""
        self._asked.clear()
        self._user_tokens.clear()

    def _is_known(self, login: str, password: str) -> bool:
        expected = self._options.intellectmoney_login
        number = login_number(login)
        known = {expected, f"{expected}-{number:03}"} if number is not None else {expected}
        secret = self._options.intellectmoney_password.encode()
        return login in known and hmac.compare_digest(password.encode(), secret)


def _nothing() -> None:
    """Count no answer: the requests of every kind are counted."""
