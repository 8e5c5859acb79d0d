"""What kombu is given of an address: one that is put together of its parts anew."""

from typing import Any
from urllib.parse import quote

from uprid_client.redis_server.address import RedisAddress
from uprid_client.redis_server.options import sentinel_options


def kombu_options(address: RedisAddress) -> dict[str, Any]:
    """Return Celery's settings of where the broker is: `broker_url` and what belongs to it.

    `broker_use_ssl` always holds how to verify: without it kombu verifies nothing.
    """
    url = _kombu_url(address)
    # kombu keeps one pool for all apps of a process, and tells connections apart by these options
    # among others, but not by TLS: a connection that another app verified less must not be ours.
    options: dict[str, Any] = {"tls": repr(address.tls)}
    if address.service is not None:
        options["master_name"] = address.service
        options["sentinel_kwargs"] = sentinel_options(address)
    return {
        "broker_url": url,
        "broker_read_url": url,
        "broker_write_url": url,
        "broker_use_ssl": False if address.tls is None else address.tls.options(),
        "broker_transport_options": options,
    }


def _kombu_url(address: RedisAddress) -> str:
    credentials = _credentials(address)
    if address.path is not None:
        query = f"?virtual_host={address.database}"
        return f"redis+socket://{credentials}{quote(address.path)}{query}"
    scheme = "redis" if address.tls is None else "rediss"
    if address.service is not None:
        scheme = "sentinel"
    return ";".join(
        f"{scheme}://{credentials}{_bracketed(host)}:{port}/{address.database}"
        for host, port in address.hosts
    )


def _credentials(address: RedisAddress) -> str:
    if address.username is None and address.password is None:
        return ""
    # What means something in an address, or between two of them, is encoded.
    name = quote(address.username or "", safe="")
    return f"{name}:{quote(address.password or '', safe='')}@"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
