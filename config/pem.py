"""Files with certificates and keys in PEM, looked at before anything relies on them.

What is wrong with one is said without a word of what it holds.
"""

import re
import ssl
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

from cryptography import x509
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----", re.ASCII
)
_KEY: Final = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_LOCKED: Final = re.compile(
    rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED", re.MULTILINE
)
_NONE: Final = (
    "holds no certificate in PEM (-----BEGIN CERTIFICATE-----): convert it with "
    "`openssl x509 -inform der` or `openssl pkcs12`"
)
#: The type of the error that a setting is of no use without another one.
COMPANION_MISSING: Final = "companion_missing"
#: More than every authority of the world together.
_LARGEST: Final = 16 * 1024 * 1024


def certificates_in(path: Path) -> str:
    """Return the certificates of a file in PEM, without all that stands around them.

    OpenSSL itself takes no comment that is not ASCII, and passes over the first certificate behind
    a byte order mark. Raises `ValueError` where there are none.
    """
    found = _CERTIFICATE.findall(_content(path))
    if not found:
        raise ValueError(_NONE)
    return b"\n".join(found).decode("ascii", "replace")


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            message = "is a directory: name a file"
            raise ValueError(message)
        if path.exists() and not path.is_file():
            message = "is no regular file"
            raise ValueError(message)
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        message = "names a file that is not there"
        raise ValueError(message) from None
    except PermissionError:
        message = "names a file that this process may not read: look at its rights"
        raise ValueError(message) from None
    except OSError:
        message = "names a file that cannot be read"
        raise ValueError(message) from None
    if len(content) > _LARGEST:
        message = "names a file that is too large to be one of certificates"
        raise ValueError(message)
    return content


def _validities(pem: str) -> list[tuple[datetime, datetime]]:
    """Return from when to when each certificate is valid; raise `ValueError` for a broken one.

    OpenSSL is who takes them in the end. One that it takes and the other library does not (such as
    an old authority's, whose number is negative) is not asked for its time.
    """
    message = "holds a certificate that cannot be read"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise ValueError(message) from None
    return [_validity(each) for each in _CERTIFICATE.findall(pem.encode())]


def _validity(pem: bytes) -> tuple[datetime, datetime]:
    with warnings.catch_warnings(action="ignore"):
        try:
            read = x509.load_pem_x509_certificate(pem)
        except ValueError:
            return datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return read.not_valid_before_utc, read.not_valid_after_utc


def _authorities(value: object) -> object:
    """Take one file; fail where it proves nothing."""
    if not isinstance(value, str | Path):
        return value
    path = Path(value.strip() if isinstance(value, str) else value)
    now = datetime.now(UTC)
    validities = _validities(certificates_in(path))
    if all(until < now for _, until in validities):
        message = "holds only certificates that have expired: get the newer ones"
        raise ValueError(message)
    return (path,)


def _client_certificate(path: Path) -> Path:
    since, until = _validities(certificates_in(path))[0]
    now = datetime.now(UTC)
    if until < now:
        message = "holds a certificate that has expired: get a new one"
        raise ValueError(message)
    if since > now:
        message = "holds a certificate that is not valid yet: look at this host's clock"
        raise ValueError(message)
    return path


def _client_key(path: Path) -> Path:
    content = _content(path)
    if _LOCKED.search(content):
        message = "is locked by a passphrase: give it without one (`openssl pkey`)"
        raise ValueError(message)
    if not _KEY.search(content):
        message = "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)"
        raise ValueError(message)
    return path


def require_pair(certificate: Path | None, key: Path | None) -> None:
    """Raise an error about the key unless it belongs to the certificate.

    None: the key stands in the certificate's file.
    """
    if certificate is None:
        if key is not None:
            message = "needs CLIENT_CERT, the certificate that it belongs to"
            raise PydanticCustomError(COMPANION_MISSING, message)
        return
    if key is None:
        try:
            _client_key(certificate)
        except ValueError:
            message = "is missing, and the file of CLIENT_CERT holds no key that can be used"
            raise PydanticCustomError(COMPANION_MISSING, message) from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        # A password is asked for at the terminal where none is given.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or ""
        message = (
            "does not belong to the first certificate of CLIENT_CERT"
            if reason.endswith("MISMATCH")
            else "cannot be used together with CLIENT_CERT: both must be PEM, and nothing before it"
        )
        raise ValueError(message) from None


def _bare(value: object) -> object:
    """Drop the blanks at the ends, which an environment's line end leaves."""
    return value.strip() if isinstance(value, str) else value


#: Files of authorities that are believed beside those that everyone believes. One is given.
Authorities = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_authorities)]
ClientCertificate = Annotated[Path, BeforeValidator(_bare), AfterValidator(_client_certificate)]
ClientKey = Annotated[Path, BeforeValidator(_bare), AfterValidator(_client_key)]
