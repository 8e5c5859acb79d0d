"""Mutations of a reply's bytes: damaged, cut, encoded differently."""

from collections.abc import Callable
from random import Random
from typing import Final

from tests.harnesses.hostile.case import LATIN_MARKER, MARKER

Break = Callable[[Random, bytes], bytes]

_HTML: Final = (
    b"<!DOCTYPE html><html><head><title>502</title></head><body>Markerova7 Anna</body></html>",
    b"<html><body>maintenance<br></body></html>",
    b"<html xmlns='http://www.w3.org/1999/xhtml'><body><p>true</p></body></html>",
)
_BOMB: Final = (
    '<!DOCTYPE bomb [<!ENTITY a "{m}"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c '
    '"&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY bomb '
    '"&d;&d;&d;&d;&d;&d;&d;&d;">]>'
)
_DOCTYPES: Final = (
    _BOMB.format(m="true" * 50),
    f'<!DOCTYPE r [<!ENTITY bomb "{MARKER}">]>',
    '<!DOCTYPE r SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">',
    '<!DOCTYPE r [<!ENTITY bomb SYSTEM "file:///etc/hostname">]>',
    '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p">%p;]>',
    "<!DOCTYPE r>",
    "<!DOCTYPE r []>",
    '<!DOCTYPE r [<!ATTLIST success nil CDATA "true"><!ELEMENT a ANY>]>',
    '<!DOCTYPE r PUBLIC "-//X" "x">',
)
_DECLARED: Final = (
    "utf-16", "windows-1251", "koi8-r", "utf-7", "ascii", "iso-8859-1", "utf-32", "ebcdic-cp-us",
    "no-such", "UTF-8\x00", "shift_jis", "gb18030", "",
)  # fmt: skip
_REAL: Final = (
    "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1251", "koi8-r", "utf-8-sig", "utf-7",
    "cp037", "latin-1",
)  # fmt: skip


def cut(random: Random, body: bytes) -> bytes:
    return body[: random.randint(0, len(body))]


def cut_at_the_end(random: Random, body: bytes) -> bytes:
    return body[: -random.randint(1, 40)]


def beheaded(random: Random, body: bytes) -> bytes:
    return body[random.randint(0, min(60, len(body))) :]


def torn(random: Random, body: bytes) -> bytes:
    """Remove a piece."""
    start = random.randint(0, len(body))
    return body[:start] + body[start + random.randint(1, 60) :]


def repeated(random: Random, body: bytes) -> bytes:
    """Repeat a piece."""
    start = random.randint(0, len(body))
    end = start + random.randint(1, 200)
    return body[:end] + body[start:end] + body[end:]


def flipped(random: Random, body: bytes) -> bytes:
    broken = bytearray(body or b"\x00")
    for _ in range(random.choice((1, 1, 1, 2, 8))):
        broken[random.randrange(len(broken))] = random.randrange(256)
    return bytes(broken)


def sprinkled(random: Random, body: bytes) -> bytes:
    """Insert a few bytes."""
    at = random.randint(0, len(body))
    piece = random.choice((
        b"\x00", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf0\x9f", b"\xef\xbb\xbf", b"\r\n", b" ",
        b"<!-- x -->", b"<?pi?>", b"]]>", b"<![CDATA[", b"&bomb;", b"&#x1F600;", b"&#0;",
        b"\x1b[2J",
        b"//", b"/*x*/", b",", b"}", b"{", b'"', b"\\u0000", b"\\ud800", b"<a>", b"</a>", b"<a/>",
        b"\x0b", b"\xe2\x80\xa8", b"\xc2\xa0", b"\\", b"'", LATIN_MARKER.encode(),
    ))  # fmt: skip
    return body[:at] + piece + body[at:]


def followed(random: Random, body: bytes) -> bytes:
    """Add something behind the body or before it."""
    piece = random.choice(
        (body, b"\n" + body, b"x", b"\x00", b"{}", b"<a/>", b"null", b"  \n", MARKER.encode())
    )
    return random.choice((body + piece, piece + body))


def spaced(random: Random, body: bytes) -> bytes:
    """Insert many blanks."""
    blank = random.choice((b" ", b"\n", b"\t", b"\x00", b"\xc2\xa0"))
    blanks = blank * random.choice((10, 5_000, 100_000))
    at = random.choice((0, len(body), random.randint(0, len(body))))
    return body[:at] + blanks + body[at:]


def encoded(random: Random, body: bytes) -> bytes:
    """Encode the body differently from what it declares, or declare nothing."""
    return body.decode("utf-8", "replace").encode(random.choice(_REAL), "replace")


def said_encoded(random: Random, body: bytes) -> bytes:
    """Declare another encoding than it has, and sometimes use that one."""
    name = random.choice(_DECLARED)
    said = body.replace(b"UTF-8", name.encode()).replace(
        b'version="1.0"?', f'version="1.0" encoding="{name}"?'.encode()
    )
    if random.random() < 0.5:
        try:
            return said.decode("utf-8", "replace").encode(name, "replace")
        except (LookupError, ValueError):
            return said
    return said


def doctyped(random: Random, body: bytes) -> bytes:
    """Add a document type at the beginning."""
    head, sep, rest = body.partition(b"?>")
    doctype = random.choice(_DOCTYPES).encode()
    if random.random() < 0.5:
        rest = rest.replace(b">true<", b">&bomb;<", 1).replace(b">0<", b">&bomb;<", 1)
    return head + sep + doctype + rest if sep else doctype + body


def another_page(random: Random, body: bytes) -> bytes:
    """Replace the whole body by another page."""
    del body
    return random.choice((
        *_HTML, b"", b" ", b"null", b"true", b"0", b'""', b"[]", b"{}", b"[{}]", b"OK",
        b"\x00" * 50,
        b"\xff\xfe", b"<a/>", b"<Response/>", b"{" * 2000, b"[" * 100_000, b"<a>" * 5000,
        b"9" * 6000, b"-", b'{"":' * 1500, b"\x1f\x8b\x08", b"%PDF-1.4",
        b"<?xml version='1.0'?>",
    ))  # fmt: skip


BYTES: Final[tuple[Break, ...]] = (
    cut, cut_at_the_end, beheaded, torn, repeated, flipped, flipped, sprinkled, sprinkled, followed,
    spaced, encoded, said_encoded, doctyped, another_page,
)  # fmt: skip
