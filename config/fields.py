"""The kinds of values that settings are made of, with the checks that belong to them."""

from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from uprid_client.database.address import check_database_url
from uprid_client.host_names import can_be_asked_for
from uprid_client.redis_server.reading import parse

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def _duration(value: object) -> object:
    """Take plain seconds (`1.5`, `"90"`) beside ISO 8601 (`PT90S`)."""
    if isinstance(value, str):
        try:
            return timedelta(seconds=float(value))
        except (ValueError, OverflowError):
            return value
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        message = "must not hold control characters: no message could carry them"
        raise ValueError(message)
    return value


def _printable_secret(value: SecretStr) -> SecretStr:
    _printable(value.get_secret_value())
    return value


def _service_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "must be an address such as https://host/path"
        raise ValueError(message)
    if parts.username or parts.password:
        message = "must not hold credentials"
        raise ValueError(message)
    if parts.query or parts.fragment:
        message = "must not hold a query or a fragment"
        raise ValueError(message)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        message = "must be https: plain http is taken only for loopback"
        raise ValueError(message)
    if not can_be_asked_for(parts.hostname):
        message = "must name a host that can be looked up"
        raise ValueError(message)
    if not _has_sound_port(parts):
        message = "must hold no port, or one from 1 to 65535"
        raise ValueError(message)
    return value.rstrip("/")


def _has_sound_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:  # whose text quotes what was given
        return False


def split(value: object) -> object:
    """Take a list as an environment writes it: separated by commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _fernet_key(value: SecretStr) -> SecretStr:
    try:
        Fernet(value.get_secret_value())
    except ValueError:
        message = "must be a Fernet key (make one with `uprid keys generate`)"
        raise ValueError(message) from None
    return value


def _redis_url(value: SecretStr) -> SecretStr:
    address = value.get_secret_value().strip()
    parse(address)
    return SecretStr(address)


Duration = Annotated[
    timedelta, BeforeValidator(_duration), Field(gt=timedelta(0), le=timedelta(days=36_500))
]
ServiceUrl = Annotated[
    str, Field(max_length=500), AfterValidator(_printable), AfterValidator(_service_url)
]
GroupId = Annotated[int, Field(gt=0)]
Word = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Secret = Annotated[
    SecretStr, Field(min_length=1, max_length=1_000), AfterValidator(_printable_secret)
]
DatabaseUrl = Annotated[str, AfterValidator(check_database_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
FernetKey = Annotated[SecretStr, AfterValidator(_fernet_key)]


class Block(BaseModel):
    """Settings that belong together."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
