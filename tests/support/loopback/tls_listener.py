"""A server with TLS that only keeps what it is sent once the handshake is done."""

import socket
import ssl

from tests.support.loopback.server import LoopbackServer
from tests.support.servers.broker_certificates import Certificate


class TlsListener(LoopbackServer):
    """Reads, and never answers."""

    def __init__(self, certificate: Certificate) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate.path, certificate.key)
        super().__init__(self._read, tls)
        #: What was sent over all connections, decrypted.
        self.received = b""

    def _read(self, wire: socket.socket) -> None:
        while read := wire.recv(65_536):
            self.received += read
