"""How the address of a Redis server is read: once, in one way, for all that connect to one."""

import re
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final

from uprid_client.redis_server.address import RedisAddress
from uprid_client.redis_server.hosts import read_hosts
from uprid_client.redis_server.percent_encoding import ENCODE, resolved
from uprid_client.redis_server.tls import OPTIONS as TLS_OPTIONS
from uprid_client.redis_server.tls import Tls


class RedisAddressError(ValueError):
    """The address of a Redis server cannot be used; the text holds no part of it."""


class Scheme(StrEnum):
    """How the servers are reached."""

    TCP = "redis"
    TLS = "rediss"
    SOCKET = "unix"
    #: As Celery writes a socket.
    CELERY_SOCKET = "redis+socket"
    SENTINEL = "sentinel"
    #: TLS to the Sentinels and to the servers that they name.
    SENTINEL_TLS = "sentinels"


_SOCKETS: Final = frozenset({Scheme.SOCKET, Scheme.CELERY_SOCKET})
_SENTINELS: Final = frozenset({Scheme.SENTINEL, Scheme.SENTINEL_TLS})
_ENCRYPTED: Final = frozenset({Scheme.TLS, Scheme.SENTINEL_TLS})
_REDIS_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_LARGEST_DATABASE: Final = 2**31 - 1

_DATABASE_NAMES: Final = ("db", "virtual_host")
_SERVICE_NAMES: Final = ("master_name", "service_name")
_CREDENTIALS: Final = frozenset({"username", "password", "user", "pass"})
#: A word that can be repeated: it is a name, and no part of a password.
_PLAIN_WORD: Final = re.compile(r"[a-z]+(_[a-z]+)*")


def parse(value: str, name: str = "") -> RedisAddress:
    """Read an address; blanks around it do not count. `name`: what it was given as.

    Raises `RedisAddressError`, which names the part and quotes nothing of it.
    """
    found = _read(value.strip())
    if isinstance(found, str):
        # Raised here, where no other exception is handled: one of those would hold the password.
        raise RedisAddressError(f"{name}: {found}" if name else found)
    return found


def _read(value: str) -> RedisAddress | str:
    name, found, rest = value.partition("://")
    if not found or name.lower() not in set(Scheme):
        return (
            "must begin with redis://, rediss://, unix://, redis+socket://, sentinel:// or "
            "sentinels://"
        )
    scheme = Scheme(name.lower())
    if scheme in _SENTINELS:
        joined = _joined(rest, name)
        if joined is None:
            return "the Sentinels must all have the same user name and password"
        rest = joined
    wrong = _misread(rest)
    if wrong is not None:
        return wrong
    authority, path, query = _split(rest)
    if "@" in path or ("@" in query and "@" not in authority):
        return f"holds a / or ? before the @: {ENCODE} (%2F, %3F)"
    userinfo, _, place = authority.rpartition("@")
    credentials = _credentials(userinfo)
    if isinstance(credentials, str):
        return credentials
    options = _options(query, scheme)
    if isinstance(options, str):
        return options
    begun = RedisAddress(username=credentials[0], password=credentials[1])
    if scheme in _SOCKETS:
        return _at_socket(begun, place, path, options)
    return _at_hosts(begun, scheme, place, path, options)


def _joined(rest: str, scheme: str) -> str | None:
    """Bring kombu's list of Sentinels, `a:1;sentinel://b:2/0`, to the one with commas.

    None where their credentials differ.
    """
    first, *others = re.split(rf";{re.escape(scheme)}://", rest)
    if not others:
        return rest
    userinfo, found, _ = first.rpartition("@")
    # Each of them may repeat the credentials, and all but the last the database.
    others = [each.removeprefix(userinfo + found) for each in others]
    if any("@" in each for each in others):
        return None
    tail = others[-1][len(_split(others[-1])[0]) :]
    alike = [each.removesuffix(tail) if tail else each for each in (first, *others)]
    return ",".join(alike) + tail


def _misread(rest: str) -> str | None:
    """Return what no reader could take as it was meant."""
    if re.search(r";\s*[a-z+]+://", rest, re.IGNORECASE):
        return "names several servers: name one, or Sentinels as sentinel://host,host,host"
    if "#" in rest:
        return f"holds a #: {ENCODE} (# is %23)"
    if re.search(r"\s", rest) or not rest.isprintable():
        return f"holds a blank or a control character: {ENCODE} (a blank is %20)"
    if re.search(r"%(?![0-9A-Fa-f]{2})", rest):
        return f"holds a % that stands for no character: {ENCODE} (% is %25)"
    return None


def _split(rest: str) -> tuple[str, str, str]:
    location, _, query = rest.partition("?")
    authority, slash, path = location.partition("/")
    return authority, slash + path, query


def _credentials(userinfo: str) -> tuple[str | None, str | None] | str:
    name, _, password = userinfo.partition(":")
    decoded = resolved(name), resolved(password)
    if None in decoded:
        return "the user name or the password is no percent-encoded UTF-8"
    return decoded[0] or None, decoded[1] or None


def _options(query: str, scheme: Scheme) -> dict[str, str] | str:
    options: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _, text = pair.partition("=")
        shown = name if "=" in pair and _PLAIN_WORD.fullmatch(name) else ""
        wrong = _unusable(name, shown, scheme)
        if wrong is not None:
            return wrong
        value = resolved(text)
        if not value:
            return f"the option {shown} is empty or no percent-encoded UTF-8"
        if name in options:
            return f"the option {shown} is given twice"
        options[name] = value
    return options


def _unusable(name: str, shown: str, scheme: Scheme) -> str | None:
    """Return why an option cannot be taken with a scheme."""
    known: frozenset[str] = frozenset(_DATABASE_NAMES)
    if scheme in _SENTINELS:
        known |= {*_SERVICE_NAMES, "sentinel_username", "sentinel_password"}
    if scheme in _ENCRYPTED:
        known |= TLS_OPTIONS
    if shown and name in known:
        return None
    if shown in _CREDENTIALS:
        return "user name and password belong before the host, as user:password@host"
    if shown in TLS_OPTIONS or shown == "ssl":
        needed = Scheme.SENTINEL_TLS if scheme in _SENTINELS else Scheme.TLS
        return f"the option {shown} needs {needed}://, which alone means TLS"
    listed = ", ".join(sorted(known))
    named = f"the option {shown} is unknown" if shown else "an option has no name that is known"
    return f"{named}: there are {listed} (and ? is %3F in a password)"


def _chosen(options: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """Return what an option of two spellings says; an empty text where they contradict."""
    given = {options[name] for name in names if name in options}
    return "" if len(given) > 1 else next(iter(given), None)


def _with_database(
    address: RedisAddress, path: str, options: Mapping[str, str]
) -> RedisAddress | str:
    named = _chosen(options, _DATABASE_NAMES)
    number = path.removeprefix("/")
    if named is not None and number and named != number:
        return "names two databases"
    number = (number if named is None else named) if number or named is not None else "0"
    sound = re.fullmatch(r"[0-9]{1,10}", number) and int(number) <= _LARGEST_DATABASE
    if not sound:
        return f"the database must be a number from 0, as in redis://host/0 ({ENCODE})"
    return replace(address, database=int(number))


def _at_socket(
    begun: RedisAddress, place: str, path: str, options: Mapping[str, str]
) -> RedisAddress | str:
    decoded = resolved(path)
    if place or decoded is None or not decoded.strip("/") or "\0" in decoded:
        return "must name a socket by its whole path, as in unix:///run/redis.sock?db=0"
    return _with_database(replace(begun, path=decoded), "", options)


def _at_hosts(
    begun: RedisAddress, scheme: Scheme, place: str, path: str, options: Mapping[str, str]
) -> RedisAddress | str:
    behind_sentinels = scheme in _SENTINELS
    service = _chosen(options, _SERVICE_NAMES)
    if behind_sentinels and not service:
        return "must name the servers' name at the Sentinels once, as in ?master_name=mymaster"
    hosts = read_hosts(place, _SENTINEL_PORT if behind_sentinels else _REDIS_PORT)
    if isinstance(hosts, str):
        return hosts
    if len(hosts) > 1 and not behind_sentinels:
        return "names several hosts: name one, or Sentinels as sentinel://host,host,host"
    tls = None
    if scheme in _ENCRYPTED:
        read = Tls.of({name: text for name, text in options.items() if name in TLS_OPTIONS})
        if isinstance(read, str):
            return read
        tls = read
    made = replace(
        begun,
        hosts=hosts,
        tls=tls,
        service=service,
        sentinel_username=options.get("sentinel_username"),
        sentinel_password=options.get("sentinel_password"),
    )
    return _with_database(made, path, options)
