"""The scenarios of UserTokens: a login's is the number that it ends in, as in `sandbox-901`."""

from typing import Final

from uprid_sandbox.answers import Drop, Hang
from uprid_sandbox.flaws import Flaw
from uprid_sandbox.intellectmoney.acts import (
    FAILED,
    UNAUTHENTICATED,
    WARNED,
    Act,
    Codes,
    Nonsense,
    Queued,
    Spoilt,
    Trouble,
)
from uprid_sandbox.intellectmoney.scenarios import Login, login_number
from uprid_sandbox.pages import SERVER_ERROR, UNAVAILABLE, WELCOME
from uprid_sandbox.steps import EVER


def _token(number: int, name: str, act: Act, what: str, times: int | None = EVER) -> Login:
    return Login(number, name, what, Trouble(act, times))


_LOGINS: Final = (
    Login(900, "token", "a UserToken at once"),
    _token(901, "token_queued", Queued(), "queued, and had a delay later"),
    _token(902, "token_queued_for_ever", Queued(None), "queued without end: expired"),
    _token(903, "token_error", FAILED, "OperationState 2: failed"),
    _token(904, "token_unauthenticated", UNAUTHENTICATED, "State 2: configuration"),
    _token(905, "token_with_warnings", WARNED, "State 1 and a UserToken"),
    _token(906, "token_missing", Codes(data=False), "State 0 without a UserToken: a person"),
    _token(907, "token_503", UNAVAILABLE, "HTTP 503 twice, then a UserToken", 2),
    _token(908, "token_500", SERVER_ERROR, "HTTP 500 once, then a UserToken", 1),
    _token(909, "token_hangs", Hang(), "no reply once, then a UserToken", 1),
    _token(910, "token_dropped", Drop(), "connection closed once, then a UserToken", 1),
    _token(911, "token_html", WELCOME, "HTML with HTTP 200 once, then a UserToken", 1),
    _token(912, "token_hostile", Nonsense.HOSTILE, "entities or depth once, then a UserToken", 1),
    _token(913, "token_huge", Spoilt(Flaw.HUGE), "16 MB once, then a UserToken", 1),
    Login(920, "token_for_two_calls", "every UserToken is good for two calls", token_calls=2),
    Login(921, "token_never_good", "every UserToken is refused: configuration", token_calls=0),
)  # fmt: skip

LOGINS: Final[dict[int, Login]] = {each.number: each for each in _LOGINS}


def login_scenario(login: str) -> Login:
    """Return what befalls a login."""
    return LOGINS.get(login_number(login) or 0, LOGINS[900])
