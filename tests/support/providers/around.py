"""What may stand around a reply: before it, behind it."""

from typing import Final

_BOM: Final = b"\xef\xbb\xbf"

#: What says nothing.
HARMLESS: Final = {
    "byte order mark": (_BOM, b""),
    "byte order mark and blanks": (_BOM + b"\r\n \t", b"\r\n"),
    "blanks": (b"\r\n\r\n ", b" \t\r\n"),
    "blanks and byte order mark": (b"\n" + _BOM, b""),
    "two byte order marks": (_BOM + _BOM, b""),
}
#: What spoils a reply.
SPOILING: Final = {
    "zero before": (b"\x00", b""),
    "zero behind": (b"", b"\x00"),
    "letter before": (b"x", b""),
    "letter behind": (b"", b"x"),
    "half a mark": (b"\xef\xbb", b""),
    "vertical tab": (b"\x0b", b""),
    "no-break space": (b"\xc2\xa0", b""),
    "mark behind": (b"", _BOM),
    "mark of UTF-16": (b"\xff\xfe", b""),
}
