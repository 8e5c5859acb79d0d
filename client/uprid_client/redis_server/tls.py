"""TLS to a Redis server: verified unless the address says otherwise."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_VERIFICATIONS: Final = {
    "required": ssl.CERT_REQUIRED,
    "cert_required": ssl.CERT_REQUIRED,
    "optional": ssl.CERT_OPTIONAL,
    "cert_optional": ssl.CERT_OPTIONAL,
    "none": ssl.CERT_NONE,
    "cert_none": ssl.CERT_NONE,
}
_TRUTHS: Final = {
    "true": True, "1": True, "yes": True, "false": False, "0": False, "no": False,
}  # fmt: skip
#: What an address may say of TLS, in the words of kombu and redis-py.
OPTIONS: Final = frozenset(
    {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)


@dataclass(frozen=True, slots=True)
class Tls:
    """How the server's certificate is checked, and which one is shown to it."""

    verification: ssl.VerifyMode = ssl.CERT_REQUIRED
    #: Whether the certificate must be the host's that was asked for.
    checks_host: bool = True
    #: A PEM file of authorities that are trusted beside the system's.
    authorities: str | None = None
    certificate: str | None = None
    key: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, str]) -> "Tls | str":
        """Read the options of an address; return what is wrong with them as a text.

        The text names the option and never its value. It is returned and not raised: an exception
        from below could carry the address along.
        """
        verification = _VERIFICATIONS.get(options.get("ssl_cert_reqs", "required").lower())
        if verification is None:
            return "ssl_cert_reqs must be required, optional or none"
        named = options.get("ssl_check_hostname")
        checks_host = verification != ssl.CERT_NONE
        if named is not None:
            known = _TRUTHS.get(named.lower())
            if known is None:
                return "ssl_check_hostname must be true or false"
            if known and not checks_host:
                return "ssl_check_hostname=true needs ssl_cert_reqs=required"
            checks_host = known
        made = cls(
            verification,
            checks_host,
            options.get("ssl_ca_certs"),
            options.get("ssl_certfile"),
            options.get("ssl_keyfile"),
        )
        return made._error() or made

    def options(self) -> dict[str, Any]:
        """Return the keywords that redis-py takes, and kombu hands on to it."""
        return {
            "ssl_cert_reqs": self.verification,
            "ssl_check_hostname": self.checks_host,
            "ssl_ca_certs": self.authorities,
            "ssl_certfile": self.certificate,
            "ssl_keyfile": self.key,
        }

    def _error(self) -> str | None:
        """Look into the files now: what is wrong with them would else come up at each connect."""
        if self.key is not None and self.certificate is None:
            return "ssl_keyfile needs ssl_certfile"
        files = {
            "ssl_ca_certs": self.authorities,
            "ssl_certfile": self.certificate,
            "ssl_keyfile": self.key,
        }
        for option, path in files.items():
            if path is not None and (wrong := _unreadable(path)) is not None:
                return f"{option} {wrong}"
        if self.authorities is not None and not _holds_authorities(self.authorities):
            return "ssl_ca_certs must be a PEM file of certificates"
        if self.certificate is not None and not _fits(self.certificate, self.key):
            return (
                "ssl_certfile and ssl_keyfile must be PEM files that belong together, the key not "
                "encrypted"
            )
        return None


def _unreadable(path: str) -> str | None:
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        return "names no file"
    except (OSError, ValueError):
        return "names a file that cannot be read"
    return None


def _holds_authorities(path: str) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except (OSError, ValueError):
        return False
    return bool(context.get_ca_certs()) or bool(context.cert_store_stats()["x509"])


def _fits(certificate: str, key: str | None) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        # Without a password of ours, OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError):
        return False
    return True
