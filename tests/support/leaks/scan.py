"""Looks for secrets in anything: in every writing, behind escapes, inside of Base64."""

import base64
import binascii
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from tests.support.messages.people import Payload

#: How deep Base64 within Base64 is looked into.
_DEPTH: Final = 4
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
#: A sealed value: random to a reader without the key.
_FERNET: Final = re.compile(r"gAAAA[A-Za-z0-9_-]{40,}={0,2}")
#: What a database file is full of between its texts.
_FILLING: Final = re.compile("[\x00\ufffd]+")
_NUMBERS: Final = re.compile(r"\d{9,}")
#: How far around a writing its surroundings are looked at.
_AROUND: Final = 40
_UNICODE_ESCAPE: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
_BYTE_ESCAPES: Final = re.compile(r"(?:\\+x[0-9a-fA-F]{2})+")
#: What groups the digits of a number.
_SEPARATORS: Final = re.compile(r"(?<=\d)[\s\-()]{1,3}(?=\d)")


@dataclass(frozen=True, slots=True)
class Secret:
    """What must not be found."""

    #: Any of these, in lower case.
    writings: tuple[str, ...]
    #: What must hold as well, where a writing might be there by chance.
    surroundings: re.Pattern[str] | None = None
    #: Only digits, and so many that they are looked for without their separators.
    is_number: bool = False


class Scanner:
    """Finds named secrets. Texts are compared without case, numbers without separators."""

    def __init__(self, secrets: Mapping[str, Secret]) -> None:
        self._secrets = dict(secrets)

    def found(self, content: str | bytes) -> set[str]:
        """Return the names of the secrets that the content holds, however written."""
        if isinstance(content, bytes):
            content = content.decode("utf-8", errors="replace")
        text = "\n".join(dict.fromkeys(_readings(content, _DEPTH))).casefold()
        numbers = "\n".join(set(_NUMBERS.findall(_SEPARATORS.sub("", text)))).encode()
        whole = text.encode(errors="replace")
        return {
            name
            for name, secret in self._secrets.items()
            if _is_in(secret, numbers if secret.is_number else whole)
        }


def text(value: str) -> Secret:
    """Return a name, a password, a key."""
    return Secret((value.casefold(),))


def number(value: str) -> Secret:
    """Return a long number, however it is grouped."""
    return Secret((re.sub(r"\D", "", value),), is_number=True)


def short_number(value: str) -> Secret:
    """Return a number that might stand in a longer one, or in a time, by chance."""
    return Secret((value,), re.compile(rf"(?<![\w.]){re.escape(value)}(?!\w)"))


def date(value: str) -> Secret:
    """Return an ISO date, also as it is written in Russian, and without separators."""
    year, month, day = value.split("-")
    apart = (value, f"{day}.{month}.{year}", f"{day}/{month}/{year}")
    together = f"{year}{month}{day}"
    # Eight digits are in a drawn id or a hash by chance: not where they go on as one.
    word = rf"(?<![0-9a-f-]){together}(?![0-9a-f-])"
    return Secret((*apart, together), re.compile("|".join([*map(re.escape, apart), word])))


def of_person(name: str, payload: Payload) -> dict[str, Secret]:
    """Return every field of a person."""
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
        f"{name}.series": Secret(
            (series,),
            re.compile(rf"series[\W_]{{1,12}}{series}|{series}\W{{0,3}}{document['number']}"),
        ),
        f"{name}.number": short_number(document["number"]),
        f"{name}.issuer": text(document["issuer"]),
        f"{name}.issued": date(document["issued"]),
        f"{name}.department": short_number(document["department"]),
    }


def _is_in(secret: Secret, content: bytes) -> bool:
    return any(_stands_in(each.encode(), secret.surroundings, content) for each in secret.writings)


def _stands_in(writing: bytes, surroundings: re.Pattern[str] | None, content: bytes) -> bool:
    at = content.find(writing)
    while at >= 0:
        around = content[max(at - _AROUND, 0) : at + _AROUND].decode(errors="replace")
        if surroundings is None or surroundings.search(around):
            return True
        at = content.find(writing, at + 1)
    return False


def _readings(content: str, depth: int) -> Iterator[str]:
    content = _FERNET.sub(" ", _FILLING.sub(" ", content))
    yield content
    plain = _unescaped(content)
    if plain != content:
        yield plain
    if depth == 0:
        return
    for run in dict.fromkeys(_BASE64.findall(plain)):
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
