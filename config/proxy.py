"""The proxy that a provider is reached through."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Annotated, Final, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, SecretStr

from uprid_client.host_names import can_be_asked_for

_SCHEME: Final = "http://"
_PORT: Final = 80
_SUCH_AS: Final = "such as http://name:password@proxy.example:3128"
#: What stands for itself in a name or a password, and what stands for another sign.
_WRITTEN: Final = re.compile(r"(?:[^/?#\[\]@\\\s%]|%[0-9A-Fa-f]{2})*")
_HOST: Final = re.compile(r"[^\s/?#@\\%]+")


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy, which is asked for a tunnel."""

    host: str
    port: int
    #: The value of `Proxy-Authorization`; None: the proxy asks for none.
    authorization: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """Read an address; raise `ValueError`, which quotes nothing of it."""
        if url[: len(_SCHEME)].lower() != _SCHEME:
            message = f"must begin with http://, {_SUCH_AS}: what goes through it is encrypted"
            raise ValueError(message)
        credentials, found, address = url[len(_SCHEME) :].rpartition("@")
        host, port = _address(address)
        return cls(host, port, _authorization(credentials) if found and credentials else None)


def _address(written: str) -> tuple[str, int]:
    try:
        parts = urlsplit(_SCHEME + written.removesuffix("/"))
        host, port = parts.hostname or "", parts.port
    except ValueError:  # whose text quotes what was given
        host, port = "", None
    beyond = set(written.removesuffix("/")) & set("/?#")
    if beyond or port == 0 or not (_HOST.fullmatch(host) and can_be_asked_for(host)):
        message = f"must name a host and a port, {_SUCH_AS}: percent-encode what a password holds"
        raise ValueError(message)
    return host, _PORT if port is None else port


def _authorization(credentials: str) -> str:
    if not _WRITTEN.fullmatch(credentials):
        message = "holds a sign in its name or password that must be percent-encoded, as # by %23"
        raise ValueError(message)
    name, _, password = credentials.partition(":")
    try:
        plain = [unquote(part, errors="strict") for part in (name, password)]
    except UnicodeDecodeError:
        message = "holds percent-encoded bytes in its name or password that are not UTF-8"
        raise ValueError(message) from None
    if ":" in plain[0] or not all(part.isprintable() for part in plain):
        message = "must hold neither a colon in its name nor control characters"
        raise ValueError(message)
    return "Basic " + b64encode(":".join(plain).encode()).decode()


def _proxy_url(value: SecretStr) -> SecretStr:
    # An environment's line end leaves blanks.
    bare = value.get_secret_value().strip()
    Proxy.of(bare)
    return SecretStr(bare)


#: It may hold a password.
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy_url)]
