"""Who asks: the `X-Auth` header."""

import hashlib
import hmac
from typing import Final

HEADER: Final = "X-Auth"
_PARTS: Final = 3


class Gate:
    """Lets in who signs, and each request once: a `requestId` is never good a second time."""

    def __init__(self, merchant_id: str, secret: str) -> None:
        self._merchant_id = merchant_id
        self._secret = secret
        self._used: set[str] = set()

    def objection(self, header: str | None) -> str | None:
        """Return why a request stays outside, `unauthorized` or `replayed`; None: it may enter.

        The header is `{merchantId}-{sha256(merchantId-requestId-secret)}-{requestId}`, the digest
        in lower-case hex; none of the three parts holds a dash.
        """
        parts = (header or "").split("-")
        if len(parts) != _PARTS or not _is_plain(parts[2]):
            return "unauthorized"
        merchant_id, digest, request_id = parts
        signed = f"{self._merchant_id}-{request_id}-{self._secret}".encode()
        expected = hashlib.sha256(signed).hexdigest()
        # As bytes: a header may hold what is not ASCII, which `compare_digest` refuses as text.
        if merchant_id != self._merchant_id or not hmac.compare_digest(
            digest.encode(), expected.encode()
        ):
            return "unauthorized"
        if request_id in self._used:
            return "replayed"
        self._used.add(request_id)
        return None


def _is_plain(request_id: str) -> bool:
    return bool(request_id) and request_id.isascii() and request_id.isprintable()
