"""The address of a Redis server, in parts. All our code that connects to one gets these parts.

kombu, redis-py and Flower each read an address in their own way: another database, another
password, certificates verified here and not there. They get parts from here and read none.
"""

from dataclasses import dataclass, field

from uprid_client.redis_server.tls import Tls


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where a server is, and how it is spoken to. Its `repr` shows no password."""

    #: One server, or the Sentinels that know which server it is. Empty for a socket.
    hosts: tuple[tuple[str, int], ...] = ()
    #: A unix socket.
    path: str | None = None
    database: int = 0
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    #: What the Sentinels call the servers; None: the host is the server itself.
    service: str | None = None
    sentinel_username: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)
