"""What the newer API asks for in the headers: the bearer token, and the signature of the values."""

import hashlib
import hmac
from collections.abc import Iterator, Sequence

from uprid_sandbox.intellectmoney.requests import Request


def is_bearer(header: str | None, bearer_token: str) -> bool:
    """Return whether an `Authorization` header holds the token."""
    # The server has read the bytes of a header as Latin-1.
    given = (header or "").encode("latin-1")
    return hmac.compare_digest(given, f"Bearer {bearer_token}".encode())


def is_signed(header: str | None, request: Request, key: str) -> bool:
    """Return whether a `Sign` header fits the values as they were sent."""
    order = request.method.signed
    if order is None:
        return True
    given = (header or "").encode("latin-1")
    signs = _signs(request, order, key)
    return any(hmac.compare_digest(given, each.encode()) for each in signs)


def _signs(request: Request, order: Sequence[str], key: str) -> Iterator[str]:
    """Yield the valid signatures: one, or one for each place that a value may have.

    Each is SHA-256, lower-case hex, of the values in the method's order and of the key.
    """
    segments = [request.text(name) if name else "" for name in order]
    strays = [request.text(name) for name in request.method.unplaced if name in request.values]
    places = range(len(segments) + 1) if strays else range(1)
    for place in places:
        signed = [*segments[:place], *strays, *segments[place:], key]
        yield hashlib.sha256("::".join(signed).encode()).hexdigest()
