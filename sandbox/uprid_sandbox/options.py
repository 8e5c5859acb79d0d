"""How the sandbox is set up."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Final

from uprid_sandbox.bell import is_loopback

_CHOICES: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """Everything that can be chosen. Nothing is read from the environment."""

    #: On 127.0.0.1; 0 takes a free one.
    port: int = 0
    #: MONETA's.
    username: str = "sandbox"
    password: str = field(default="sandbox", repr=False)
    #: The merchant's own groups of units at MONETA; every unit starts in the first.
    anonymous_group_id: int = 101
    simplified_group_id: int = 102
    full_group_id: int = 103
    #: Seconds that a task stays in progress.
    delay: float = 2.0
    #: Seconds from a submit to its `expirationDate`; the real one is 700 minutes.
    task_timeout: float = 10.0
    #: Call a `callbackUrl` on loopback when its task ends; others are never called.
    callbacks: bool = False

    mandarin_merchant_id: str = "42"
    mandarin_secret: str = field(default="mandarin-secret", repr=False)
    #: Seconds from a code to its verdict.
    mandarin_code_delay: float = 0.2

    npd_security_key: str = field(default="npd-security-key", repr=False)
    npd_secret_key: str = field(default="npd-secret-key", repr=False)
    #: Signatures are checked by the formula that the page prints, not by its rule.
    npd_printed_formula: bool = False
    #: Where notifications are sent, on loopback only; they are listed in any case.
    notify_url: str | None = None

    intellectmoney_login: str = "sandbox"
    intellectmoney_password: str = field(default="intellectmoney-password", repr=False)
    #: Without it and the next one it is the old API, which knows neither header.
    intellectmoney_bearer_token: str | None = field(default="intellectmoney-bearer", repr=False)
    intellectmoney_sign_secret_key: str | None = field(default="intellectmoney-sign", repr=False)
    #: Seconds that a UserToken is good for.
    intellectmoney_token_lifetime: float = 300.0
    #: Where results of queued operations are had, such as `operation/getResult/{operation_id}`.
    intellectmoney_result_path: str | None = None

    def __post_init__(self) -> None:
        groups = {self.anonymous_group_id, self.simplified_group_id, self.full_group_id}
        errors = []
        if len(groups) != 3:  # noqa: PLR2004 - the three of them
            errors.append("the three groups must differ")
        if not 0 <= self.port <= 65_535:  # noqa: PLR2004 - what TCP has
            errors.append("the port must be between 0 and 65535")
        if self.delay < 0 or self.mandarin_code_delay < 0:
            errors.append("a delay must not be negative")
        if self.task_timeout <= 0 or self.intellectmoney_token_lifetime <= 0:
            errors.append("the task timeout and the token lifetime must be positive")
        if self.notify_url is not None and not is_loopback(self.notify_url):
            errors.append("the notify URL must hold a loopback address in numbers")
        if errors:
            raise ValueError("; ".join(errors))


def read_settings(written: Iterable[str]) -> dict[str, Any]:
    """Return the options in `NAME=VALUE` each, for `SandboxOptions(**…)`.

    Nothing after `=` means none, where there may be none. Raises ValueError with a text for people:
    an unknown name, a value of the wrong type.
    """
    types = {each.name: each.type for each in fields(SandboxOptions)}
    found = {}
    for pair in written:
        name, given, value = pair.partition("=")
        if name not in types or not given:
            known = ", ".join(sorted(types))
            raise ValueError(f"--set takes NAME=VALUE with one of these names: {known}")
        try:
            found[name] = _read(value, types[name])
        except (KeyError, ValueError):
            raise ValueError(f"--set {name}: this value cannot be read") from None
    return found


def _read(value: str, of: object) -> bool | int | float | str | None:
    if of is bool:
        return _CHOICES[value]
    if of is int:
        return int(value)
    if of is float:
        return float(value)
    return None if not value and of is not str else value
