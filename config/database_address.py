"""The database's address, read as libpq reads it and before anything connects.

What is wrong with it is named by its part, never by its value: a password that was not
percent-encoded may stand anywhere in it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final, NoReturn
from urllib.parse import unquote

from config.host_names import can_be_asked_for
from config.libpq_options import CHOICES, FILES, NAMES, NUMBERS, OURS

SQLITE: Final = "sqlite:///"
_SCHEMES: Final = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
#: Where the tables are, unless the address names another schema.
_SCHEMA: Final = "public"
_PORT: Final = "5432"
_LAST_PORT: Final = 65_535
_TAKES_NO_WRITES: Final = frozenset({"read-only", "standby", "prefer-standby"})
#: `options` may say one thing only: in which schema the tables are.
_SEARCH_PATH: Final = re.compile(r"\s*(?:-c\s*|--)search_path=([A-Za-z_][A-Za-z0-9_]{0,62})\s*")
_WORD: Final = re.compile(r"[A-Za-z_]{1,40}")
_BROKEN_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")

_ENCODE: Final = (
    "its user name or password holds a sign that means something else there: percent-encode it "
    "(@ as %40, # as %23, / as %2F, ? as %3F, % as %25)"
)
#: What people bring from other tools, and what does the same here.
_INSTEAD: Final[Mapping[str, str]] = {
    "pgbouncer": "leave it out: transaction poolers work without any option",
    "schema": "write options=-csearch_path%3D and the schema's name",
    "currentSchema": "write options=-csearch_path%3D and the schema's name",
}


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A PostgreSQL database, one server or several that stand in for each other."""

    #: libpq's own names and values, decoded. Without `options`.
    parameters: Mapping[str, str] = field(repr=False)
    #: Where the tables are.
    schema: str = _SCHEMA

    @property
    def database(self) -> str:
        """The database's name."""
        return self.parameters.get("dbname", "")

    @property
    def role(self) -> str:
        """As whom we connect; empty: as the account that the process runs under."""
        return self.parameters.get("user", "")

    @property
    def hosts(self) -> tuple[str, ...]:
        """The servers, in the order in which they are tried."""
        return tuple(self.parameters.get("host", "").split(","))


def check_database_url(value: str, *, writes: bool = True) -> str:
    """Return an address in the form that the worker passes on, without the blanks around it.

    Raises ValueError, whose text names the part that is wrong. `writes`: a server that takes no
    writes is of no use.
    """
    value = value.strip()
    scheme, found, rest = value.partition("://")
    if found and scheme in _SCHEMES:
        address = _read(rest)
        if writes and address.parameters.get("target_session_attrs") in _TAKES_NO_WRITES:
            _refuse("its option target_session_attrs must be read-write or primary: we write")
        return f"postgresql+psycopg://{rest}"
    path = value.removeprefix(SQLITE)
    # One in memory would be another one for every connection.
    if path != value and path not in {"", ":memory:"} and not path.startswith(":memory:?"):
        if "?" in path:
            _refuse("its file's name holds a ?: SQLite takes no options here")
        return value
    message = (
        "must begin with postgresql://, postgres:// or postgresql+psycopg://, or be sqlite:/// and "
        "a file"
    )
    raise ValueError(message)


def read_postgres(value: str) -> PostgresAddress:
    """Return what a PostgreSQL address says; raise ValueError as `check_database_url` does."""
    return _read(value.strip().partition("://")[2])


def is_sqlite(value: str) -> bool:
    """Tell which of the two databases an address is of."""
    return value.strip().startswith(SQLITE)


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)


def _read(rest: str) -> PostgresAddress:
    if not rest.isprintable():
        _refuse("holds a line end or another control character")
    end = next((at for at, sign in enumerate(rest) if sign in "/?#"), len(rest))
    authority, tail = rest[:end], rest[end:]
    try:
        return _assembled(authority, tail)
    except ValueError:
        # A sign of the password may have ended the part that it stands in, and what is said of the
        # next part would be said of the rest of the password.
        if authority.count("@") > 1 or "@" in tail:
            _refuse(_ENCODE)
        raise


def _assembled(authority: str, tail: str) -> PostgresAddress:
    if authority.count("@") > 1:
        _refuse(_ENCODE)
    if "#" in tail:
        _refuse("holds a # that means something else there: percent-encode it as %23")
    path, _, query = tail.partition("?")
    given = dict(_options(query))
    userinfo, _, servers = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    hosts, ports = _servers(servers)
    parts = {
        "user": _decoded(user, "user name"),
        "password": _decoded(password, "password"),
        "host": ",".join(hosts),
        "port": ",".join(ports),
        "dbname": _database(path),
    }
    # What libpq is told twice it takes from the options.
    parameters = {name: value for name, value in (parts | given).items() if value}
    schema = _schema(parameters.pop("options", ""))
    _check(parameters)
    return PostgresAddress(parameters, schema)


def _database(path: str) -> str:
    name = path.removeprefix("/")
    if "/" in name or "@" in name:
        _refuse("its database name holds a sign that must be percent-encoded (/ as %2F, @ as %40)")
    return _decoded(name, "database name")


def _servers(text: str) -> tuple[list[str], list[str]]:
    """Return hosts and ports, as many of one as of the other; none where none is named."""
    hosts, ports = [], []
    for each in text.split(",") if text else ():
        if each.startswith("["):
            host, closed, port = each[1:].partition("]")
            if not closed or (port and not port.startswith(":")):
                _refuse("its host is an IPv6 address without its closing bracket")
            port = port.removeprefix(":")
        else:
            host, _, port = each.partition(":")
        hosts.append(_decoded(host, "host"))
        ports.append(_port(port) if port else "")
    return hosts, ports if any(ports) else []


def _port(text: str) -> str:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= _LAST_PORT):
        _refuse("its port must be a number from 1 to 65535")
    return text


def _options(query: str) -> Iterator[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for each in query.split("&") if query else ():
        name, is_pair, value = each.partition("=")
        if not is_pair:
            _refuse("its options must be pairs: name=value&name=value")
        name = name if _WORD.fullmatch(name) else ""
        found.setdefault(name, []).append(_decoded(value, f"option {name}"))
    for name, values in found.items():
        if name not in NAMES and name != "ssl":
            # A name that is none may be a part of a password, which is not for any screen.
            named = f" {name}" if name else ""
            _refuse(f"its option{named} is unknown to PostgreSQL{_instead(name)}")
        if name == "host":
            yield from _several(values)
        elif len(values) > 1:
            _refuse(f"its option {name} is given twice")
        elif name == "ssl":
            if values != ["true"]:
                _refuse("its option ssl can only be true: use sslmode")
            yield "sslmode", "require"
        else:
            yield name, values[0]


def _instead(name: str) -> str:
    return f": {_INSTEAD[name]}" if name in _INSTEAD else ": look for a typing error"


def _several(values: list[str]) -> Iterator[tuple[str, str]]:
    """Read `host=`: libpq's list, or SQLAlchemy's, an option a server, each with its port."""
    hosts, ports = [], []
    for each in ",".join(values).split(","):
        host, _, port = each.rpartition(":")
        is_pair = host and "/" not in each and ":" not in host
        hosts.append(host if is_pair else each)
        ports.append(_port(port) if is_pair else "")
    yield "host", ",".join(hosts)
    if any(ports):
        yield "port", ",".join(ports)


def _decoded(text: str, part: str) -> str:
    if _BROKEN_PERCENT.search(text):
        _refuse(f"its {part} holds a % that begins no sign: percent-encode it as %25")
    try:
        found = unquote(text, errors="strict")
    except UnicodeDecodeError:
        found = "\0"
    if not found.isprintable():
        _refuse(f"its {part} is percent-encoded to something that is no printable UTF-8")
    return found


def _schema(options: str) -> str:
    if not options:
        return _SCHEMA
    named = _SEARCH_PATH.fullmatch(options)
    if named is None:
        _refuse(
            "its option options may only name one schema, as options=-csearch_path%3Duprid: all "
            "other session parameters are ours"
        )
    # As PostgreSQL reads a name without quotation marks.
    return named.group(1).lower()


def _check(parameters: dict[str, str]) -> None:
    if "dbname" not in parameters and "service" not in parameters:
        _refuse("names no database: add /name after the host")
    for name, value in parameters.items():
        if name in OURS and value.lower() not in OURS[name]:
            _refuse(f"its option {name} is ours to choose: leave it out")
        if name in CHOICES and value not in CHOICES[name]:
            _refuse(f"its option {name} must be one of {', '.join(sorted(CHOICES[name]))}")
        if name in NUMBERS and not re.fullmatch(r"-?[0-9]{1,9}", value):
            _refuse(f"its option {name} must be a whole number")
        if name in FILES and not _readable(name, value):
            _refuse(f"its option {name} names a file that cannot be read")
    _check_servers(parameters)


def _check_servers(parameters: dict[str, str]) -> None:
    hosts = parameters.get("host", "").split(",")
    if len(hosts) > 1 and not all(hosts):
        _refuse("one of its hosts is empty")
    if not all(_can_be_looked_up(each) for each in hosts if each):
        _refuse("its host is no host's name")
    if "port" in parameters:
        ports = [_port(each) if each else _PORT for each in parameters["port"].split(",")]
        if len(ports) not in {1, len(hosts)}:
            _refuse("it must name one port for all hosts, or one for each")
        paired = zip_longest(hosts, ports, fillvalue=ports[0])
        parameters["port"] = ",".join(port for _, port in paired)
    if len(hosts) > 1:
        # libpq takes the first that answers, a standby too, which would refuse all that we do.
        parameters.setdefault("target_session_attrs", "read-write")


def _can_be_looked_up(host: str) -> bool:
    if host.startswith(("/", "@")):  # a socket's folder
        return True
    return can_be_asked_for(host)


def _readable(name: str, value: str) -> bool:
    if name == "sslrootcert" and value == "system":
        return True
    try:
        with open(value, "rb"):  # noqa: PTH123 - a name that no path can have is an OSError here, too
            return True
    except (OSError, ValueError):
        return False
