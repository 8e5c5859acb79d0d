"""The hosts of a Redis address: names or IP addresses, each with its port."""

import re
from ipaddress import IPv6Address
from typing import Final

from uprid_client.host_names import can_be_asked_for
from uprid_client.redis_server.percent_encoding import ENCODE, resolved

_LARGEST_PORT: Final = 65_535
_HOST: Final = re.compile(r"[^\s/?#@:\[\],;%\\]+")


def read_hosts(place: str, usual_port: int) -> tuple[tuple[str, int], ...] | str:
    """Return hosts and ports, or a text that says what is wrong with them and quotes nothing."""
    hosts = []
    for each in place.split(","):
        found = re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([^:\[\]]*))?", each)
        if found is None:
            return f"the host cannot be read: an IPv6 address stands in brackets, and {ENCODE}"
        host, port = found[1], found[2]
        if not host or host == "[]":
            return "has no host"
        known = _host(host)
        if known is None:
            return f"the host is none: a name, an IPv4 address, or an IPv6 one in []; {ENCODE}"
        if port is not None and not _is_port(port):
            return f"the port must be a number from 1 to {_LARGEST_PORT} ({ENCODE})"
        hosts.append((known, usual_port if port is None else int(port)))
    return tuple(hosts)


def _host(text: str) -> str | None:
    if not text.startswith("["):
        return text if _HOST.fullmatch(text) and can_be_asked_for(text) else None
    bare = (resolved(text) or "")[1:-1]
    return bare if _is_ipv6(bare) else None


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_port(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,5}", text)) and 0 < int(text) <= _LARGEST_PORT
