"""A gateway before a provider that loses one request: it takes it, and never passes it on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import requests

#: Seconds: for longer than any call waits.
_PATIENCE: Final = 120.0
#: Of the connection, not of the request or the reply.
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "host"})


class LossyGateway:
    """Passes everything on, but for the first request of a path: that waits for the second one.

    Once the second has been answered, the first one's connection is closed.
    """

    def __init__(self, target: str, lost: str) -> None:
        #: The base address.
        self.target = target
        self._lost_path = lost
        self._lock = threading.Lock()
        self._closing = threading.Event()
        #: The body of the request that was lost.
        self.lost: bytes | None = None
        self.url = ""

    def stop(self) -> None:
        """Let go of what is still held."""
        self._closing.set()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Pass a request on, or lose it."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        is_watched = handler.path.endswith(self._lost_path)
        if is_watched and self._is_first(body):
            self._closing.wait(_PATIENCE)
            handler.close_connection = True
            return
        self._pass_on(handler, body)
        if is_watched:
            self._closing.set()

    def _is_first(self, body: bytes) -> bool:
        with self._lock:
            is_first = self.lost is None
            self.lost = body if is_first else self.lost
            return is_first

    def _pass_on(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        said = {k: v for k, v in handler.headers.items() if k.lower() not in _HOP_BY_HOP}
        url = self.target + handler.path
        reply = requests.request(
            handler.command, url, data=body, headers=said, timeout=_PATIENCE, allow_redirects=False
        )
        handler.send_response(reply.status_code)
        for name, value in reply.headers.items():
            if name.lower() not in {*_HOP_BY_HOP, "content-length"}:
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.content)))
        handler.end_headers()
        handler.wfile.write(reply.content)


@contextmanager
def lossy_gateway(target: str, lost: str) -> Iterator[LossyGateway]:
    """Serve a gateway to a base address; `lost` is the end of the path of which one is lost."""
    gateway = LossyGateway(target, lost)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            gateway.serve(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    gateway.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield gateway
    finally:
        gateway.stop()
        server.shutdown()
        server.server_close()
        thread.join()
