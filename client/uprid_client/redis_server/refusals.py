"""Why a Redis server did not do what it was asked, in one line with what to do about it.

The text holds neither an address nor a password. A command or a key that a right is missing for is
named: both are ours.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterError,
    InvalidResponse,
    MasterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004 - redis-py's name
)
from redis.sentinel import MasterNotFoundError

#: What OpenSSL calls a certificate that is not ours to trust: expired, not yet valid, another
#: host's, another address's. Everything else: the authority is not known.
_TIMES: Final = frozenset({9, 10})
_HOSTS: Final = frozenset({62, 64})
_AUTHORITY: Final = (
    "its certificate is not of an authority that is trusted here: name that authority's PEM file "
    "in ssl_ca_certs of the address"
)
_ENDED: Final = "its certificate is not valid at this time: renew it, and look at both clocks"
_ANOTHERS: Final = "its certificate is another host's: name the host as the certificate does"
_WANTS_OURS: Final = (
    "it wants a certificate of ours that it trusts: name ssl_certfile and ssl_keyfile in the "
    "address"
)
_NO_TLS: Final = "it speaks no TLS on that port: write redis://, or name its TLS port"
NO_REDIS: Final = "it speaks no Redis there: look at host and port"
_PASSWORD: Final = "it refuses the user name or the password: correct it, or that of the server"  # noqa: S105
_ANONYMOUS: Final = "it wants a password: write it before the host, as :password@host"
_REPLICA: Final = "it is a replica and takes no writes: name the primary, or Sentinels"
_FULL: Final = "it has no memory left: raise its maxmemory, or see what fills it"
_CLIENTS: Final = "it takes no more clients: raise its maxclients, or see what connects to it"
_LOADING: Final = "it still reads its data: it answers once it has"
_DISK: Final = "it cannot write to its disk and takes no writes: look at its log"
CLUSTER: Final = "it is a Redis Cluster, whose queues cannot be read together: take one server"
NO_DATABASE: Final = "it has no database of that number: take another, or raise its `databases`"
_NO_PRIMARY: Final = (
    "the Sentinels know no primary by that master_name, or refuse us: look at them, and at "
    "sentinel_password"
)
_HOSTLESS: Final = "its host name is not known: look at the address"
_AWAY: Final = "no connection: look whether it runs, and at the address"
_CLOSED: Final = (
    "it closed the connection: look whether a Redis runs there, and whether that port speaks TLS "
    "(rediss://) or not (redis://)"
)
_REPLICAS: Final = "it has too few replicas in step and takes no writes: look at them"
_UNNAMED_RIGHT: Final = "a right is missing: `uprid doctor` names it"
_SILENT: Final = (
    "no answer in time: look whether it runs, at the network between, and whether that port speaks "
    "TLS (rediss://) or not (redis://)"
)

_COMMAND: Final = re.compile(r"(?:run|execute) the '([\w|-]{1,60})' command")
_KEY: Final = re.compile(r"access the '([^']{1,200})' (key|channel)")
_USER: Final = re.compile(r"User (\S{1,100}) has")

#: Errors that mean one thing, the more special ones first.
_KINDS: Final = (
    ((BusyLoadingError,), _LOADING),
    ((ReadOnlyError, MasterDownError), _REPLICA),
    ((OutOfMemoryError,), _FULL),
    ((MasterNotFoundError,), _NO_PRIMARY),
    ((MovedError, ClusterError, ClusterCrossSlotError, RedisClusterException), CLUSTER),
    ((InvalidResponse,), NO_REDIS),
    ((TimeoutError,), _SILENT),
)


def explained(error: BaseException) -> str:
    """Return what keeps a server from serving us."""
    chain = list(_chain(error))
    of_tls = next(filter(None, map(_of_tls, chain)), None)
    return of_tls or _of_answer(next((e for e in chain if isinstance(e, RedisError)), error))


def missing_command(error: NoPermissionError) -> str | None:
    """Return the command that the right is missing for; None: it is a key's or a channel's."""
    found = _COMMAND.search(str(error))
    return None if found is None else found[1]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from; kombu and redis-py wrap what the system says."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


def _of_tls(error: BaseException) -> str | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _TIMES:
            return _ENDED
        return _ANOTHERS if error.verify_code in _HOSTS else _AUTHORITY
    if isinstance(error, ssl.SSLError):
        text = (error.reason or str(error)).upper()
        # What a server objects to is our certificate, or that there is none; it may also hang up.
        objects = isinstance(error, ssl.SSLEOFError) or "CERTIFICATE" in text or "ALERT" in text
        return _WANTS_OURS if objects else _NO_TLS
    if isinstance(error, socket.gaierror):
        return _HOSTLESS
    return None


def _of_answer(error: BaseException) -> str:
    answer = str(error)
    if isinstance(error, NoPermissionError):
        return _of_rights(answer)
    if isinstance(error, AuthenticationError):
        return _ANONYMOUS if error.status_code == "NOAUTH" else _PASSWORD
    for kinds, text in _KINDS:
        if isinstance(error, kinds):
            return text
    if isinstance(error, ResponseError):
        return _of_response(answer)
    if "max number of clients" in answer:
        return _CLIENTS
    return _CLOSED if "closed" in answer or "reset" in answer else _AWAY


def _of_response(answer: str) -> str:
    known = {
        "MISCONF": _DISK,
        "NOREPLICAS": _REPLICAS,
        "DB index": NO_DATABASE,
        "cluster mode": CLUSTER,
        "can't run this command": _UNNAMED_RIGHT,
    }
    # A pipeline names the command, and with it the key, before what the server said.
    code = answer.rpartition("caused error: ")[2].partition(" ")[0]
    named = f"it answered {code}" if re.fullmatch(r"[A-Z]{2,20}", code) else "it answered an error"
    return next((text for sign, text in known.items() if sign in answer), named)


def _of_rights(answer: str) -> str:
    user = _USER.search(answer)
    name = user[1] if user else "NAME"
    command, key = _COMMAND.search(answer), _KEY.search(answer)
    if command is not None:
        return (
            f"the right to `{command[1]}` is missing: ACL SETUSER {name} +{command[1]} "
            "(`uprid doctor` names all that is missing)"
        )
    if key is not None:
        sign = "~" if key[2] == "key" else "&"
        return (
            f"the right to the {key[2]} {key[1]} is missing: ACL SETUSER {name} {sign}{key[1]} "
            "(`uprid doctor` names all that is missing)"
        )
    return _UNNAMED_RIGHT
