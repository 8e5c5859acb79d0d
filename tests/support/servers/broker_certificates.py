"""Certificates for a Redis server with TLS, made for the test that uses them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, as PEM files."""

    path: Path
    key: Path


class Authority:
    """An authority of a test's own, which nothing but the test trusts."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = (
            self._begun(self._name, self._key, -_DAY, 365 * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, SHA256())
        )
        #: Its own certificate, to be trusted.
        self.path = directory / f"{name}.pem"
        self.path.write_bytes(made.public_bytes(Encoding.PEM))

    def certificate(
        self,
        *names: str,
        begins: timedelta = -_DAY,
        ends: timedelta = 30 * _DAY,
        password: bytes | None = None,
    ) -> Certificate:
        """Issue a certificate of hosts, valid between two times from now on."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([_host(name) for name in names])
        made = (
            self._begun(subject, key, begins, ends)
            .add_extension(alternatives, critical=False)
            .sign(self._key, SHA256())
        )
        stem = self._directory / f"{self.path.stem}-{names[0]}-{made.serial_number:x}"
        issued = Certificate(stem.with_suffix(".crt"), stem.with_suffix(".key"))
        issued.path.write_bytes(made.public_bytes(Encoding.PEM))
        hidden: KeySerializationEncryption = NoEncryption()
        if password is not None:
            hidden = BestAvailableEncryption(password)
        form = PrivateFormat.PKCS8
        issued.key.write_bytes(key.private_bytes(Encoding.PEM, form, hidden))
        return issued

    def _begun(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        begins: timedelta,
        ends: timedelta,
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
        )


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
