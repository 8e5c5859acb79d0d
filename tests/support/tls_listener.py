"""A listener with TLS that only writes down what it is sent once the handshake is done."""

import socket
import ssl
import threading
from types import TracebackType
from typing import Self

from tests.support.broker_certificates import Certificate


class TlsListener:
    """Accepts connections on loopback and never answers; a context manager."""

    def __init__(self, certificate: Certificate) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.path, certificate.key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        #: How many connections came.
        self.connections = 0
        #: What was sent over them, decrypted.
        self.received = b""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A listening socket that is only closed leaves its thread waiting.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._socket.getsockname()[1]
        return port

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._read, args=(plain,), daemon=True).start()

    def _read(self, plain: socket.socket) -> None:
        try:
            with self._context.wrap_socket(plain, server_side=True) as wrapped:
                wrapped.settimeout(5)
                while read := wrapped.recv(65_536):
                    self.received += read
        except OSError:  # the client refused the certificate, or fell silent
            return
