"""The body of a message: taken out of its envelope, within a limit of bytes."""

import base64
import bz2
import lzma
import zlib
from typing import Any, Final, Protocol

from uprid_client.names import LARGEST_MESSAGE
from worker.process.queueing.unreadable import Cause

#: Bytes of a body that was compressed. It is not compressed when it is sent once more, and must not
#: be too large then.
LARGEST_BODY: Final = LARGEST_MESSAGE * 3 // 4 - 16 * 1024

#: Bytes that unpacking may take: what the strongest packing needs, and a little.
_LZMA_MEMORY: Final = 80 * 2**20
#: What zlib calls it.
_ANY_HEAD: Final = 32
_BASE64: Final = "base64"
_PLAIN: Final = frozenset({"utf-8", "utf8"})


class Misread(Exception):
    """An entry cannot be read."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class _Inflating(Protocol):
    """What `zlib`, `bz2` and `lzma` have in common."""

    @property
    def eof(self) -> bool:
        """Whether the end was reached."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return no more than so many bytes."""


def _inflating(compression: object) -> _Inflating | None:
    match compression:
        case "application/x-gzip" | "gzip" | "zlib":
            # Celery's gzip is zlib; everybody else's has another head. Either is opened.
            return zlib.decompressobj(zlib.MAX_WBITS | _ANY_HEAD)
        case "application/x-bz2" | "bzip2" | "bzip":
            return bz2.BZ2Decompressor()
        case "application/x-lzma" | "lzma" | "xz":
            return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)
    return None


def decoded(body: object, encoding: object) -> bytes:
    """Return a body's bytes as `body_encoding` says; raise `Misread`."""
    if not isinstance(body, str):
        raise Misread(Cause.BODY_ENCODING)
    name = encoding.lower() if isinstance(encoding, str) else encoding
    try:
        if name == _BASE64:
            return base64.b64decode(body)
        if name is None or name == "" or name in _PLAIN:
            return body.encode()
    except (ValueError, TypeError):
        raise Misread(Cause.BODY_ENCODING) from None
    raise Misread(Cause.BODY_ENCODING)


def inflated(body: bytes, compression: Any) -> bytes:  # noqa: ANN401 - any value that the header holds
    """Return a compressed body as it was, if it is not too large; raise `Misread`."""
    inflating = _inflating(compression)
    if inflating is None:
        raise Misread(Cause.COMPRESSION)
    try:
        content = inflating.decompress(body, LARGEST_BODY + 1)
    except (zlib.error, OSError, ValueError, EOFError, lzma.LZMAError):
        raise Misread(Cause.COMPRESSION) from None
    if len(content) > LARGEST_BODY:
        raise Misread(Cause.TOO_LARGE)
    if not inflating.eof:
        raise Misread(Cause.COMPRESSION)
    return content
