"""Looks for secrets in anything: in every writing, behind escapes, inside of Base64."""

import base64
import binascii
import html
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote

from tests.support.people import Payload

#: How deep Base64 within Base64 is looked into.
_DEPTH: Final = 4
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
#: A sealed value: random to whoever has no key.
_FERNET: Final = "gAAAA"
_UNICODE_ESCAPE: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
_BYTE_ESCAPES: Final = re.compile(r"(?:\\+x[0-9a-fA-F]{2})+")
_BETWEEN: Final = r"[\s\-()]{0,2}"


class Scanner:
    """Finds named secrets. Texts are compared without case, numbers without separators."""

    def __init__(self, secrets: Mapping[str, re.Pattern[str]]) -> None:
        self._secrets = dict(secrets)

    def found(self, content: str | bytes) -> set[str]:
        """Return the names of the secrets that the content holds, however written."""
        if isinstance(content, bytes):
            content = content.decode("utf-8", errors="replace")
        text = "\n".join(_readings(content, _DEPTH)).casefold()
        return {name for name, pattern in self._secrets.items() if pattern.search(text)}


def text(value: str) -> re.Pattern[str]:
    """Return what finds a name, a password, a key."""
    return re.compile(re.escape(value.casefold()))


def number(value: str) -> re.Pattern[str]:
    """Return what finds a long number, however it is grouped."""
    digits = re.sub(r"\D", "", value)
    return re.compile(_BETWEEN.join(digits))


def short_number(value: str) -> re.Pattern[str]:
    """Return what finds a number that might stand in a longer one, or in a time, by chance."""
    return re.compile(rf"(?<![\w.]){re.escape(value)}(?!\w)")


def date(value: str) -> re.Pattern[str]:
    """Return what finds an ISO date, also as it is written in Russian, and without separators."""
    year, month, day = value.split("-")
    return re.compile(rf"{year}\D?{month}\D?{day}|{day}\D{month}\D{year}")


def of_person(name: str, payload: Payload) -> dict[str, re.Pattern[str]]:
    """Return what finds every field of a person."""
    profile, document = payload["profile"], payload["document"]
    series = document["series"]
    return {
        f"{name}.first_name": text(profile["first_name"]),
        f"{name}.last_name": text(profile["last_name"]),
        f"{name}.middle_initial_name": text(profile["middle_initial_name"]),
        # Without the country's 7, 8 or +7.
        f"{name}.cell_phone": number(re.sub(r"\D", "", profile["cell_phone"])[-10:]),
        f"{name}.date_of_birth": date(profile["date_of_birth"]),
        f"{name}.snils": number(profile["snils"]),
        f"{name}.inn": number(profile["inn"]),
        # Four digits are anywhere: only with their name, or before the number.
        f"{name}.series": re.compile(
            rf"series[\W_]{{1,12}}{series}|{series}\W{{0,3}}{document['number']}"
        ),
        f"{name}.number": short_number(document["number"]),
        f"{name}.issuer": text(document["issuer"]),
        f"{name}.issued": date(document["issued"]),
        f"{name}.department": short_number(document["department"]),
    }


def _readings(content: str, depth: int) -> Iterator[str]:
    yield content
    plain = _unescaped(content)
    if plain != content:
        yield plain
    if depth == 0:
        return
    for run in _BASE64.findall(plain):
        if not run.startswith(_FERNET):
            yield from _decoded(run, depth)


def _decoded(run: str, depth: int) -> Iterator[str]:
    padded = run.rstrip("=").replace("-", "+").replace("_", "/")
    padded += "=" * (-len(padded) % 4)
    try:
        inner = base64.b64decode(padded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return
    yield from _readings(inner, depth - 1)


def _unescaped(content: str) -> str:
    plain = _UNICODE_ESCAPE.sub(lambda found: chr(int(found[1], 16)), content)
    plain = _BYTE_ESCAPES.sub(_bytes, plain)
    return html.unescape(unquote(plain, errors="replace"))


def _bytes(found: re.Match[str]) -> str:
    digits = re.sub(r"\\+x", "", found[0])
    return bytes.fromhex(digits).decode("utf-8", errors="replace")
