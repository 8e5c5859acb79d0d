"""A tunnel through an HTTP proxy (CONNECT): the proxy sees where it goes, and nothing of a request.

Until it stands nothing of a request has been written, so that all but a 2xx means
that nothing was sent.
"""

import re
import socket
from typing import Final

from config.proxy import Proxy
from worker.providers.transport.failures import ProxyRefused, ProxyTimedOut, ProxyUnusable

#: Bytes of what a proxy answers before its tunnel stands.
_LARGEST: Final = 64 * 1024
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
_END: Final = re.compile(rb"\r?\n\r?\n")


def open_tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Have the proxy at the other end connect to a host; raise `ConnectionRefused` of a kind.

    Every wait is bounded by the socket's timeout, and their sum by the watchdog.
    """
    try:
        sock.sendall(_request(proxy, host, port))
        status = _answered(sock)
    except TimeoutError:
        raise ProxyTimedOut from None
    except OSError as error:
        raise ProxyUnusable(f"({type(error).__name__})") from None
    if not 200 <= status < 300:  # noqa: PLR2004 -- RFC 9110, 9.3.6: any 2xx
        raise ProxyRefused(status)


def _request(proxy: Proxy, host: str, port: int) -> bytes:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}", "User-Agent: uprid-worker"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _answered(sock: socket.socket) -> int:
    """Read the head of the answer and return its status."""
    answer = b""
    while True:
        end = _END.search(answer)
        if end is None:
            answer += _more(sock, answer)
            continue
        status_line = _STATUS.match(answer)
        if status_line is None:
            raise ProxyUnusable("(no HTTP)")
        rest = answer[end.end() :]
        if not status_line[1].startswith(b"1"):
            break
        answer = rest  # An interim answer.
    status = int(status_line[1])
    if rest and status < 300:  # noqa: PLR2004 -- as above
        # A host says nothing before it is spoken to, so that this would be the proxy's own word.
        raise ProxyUnusable("(more than an answer)")
    return status


def _more(sock: socket.socket, answer: bytes) -> bytes:
    if len(answer) > _LARGEST:
        raise ProxyUnusable("(endless answer)")
    more = sock.recv(4096)
    if not more:
        raise ProxyUnusable("(closed)")
    return more
