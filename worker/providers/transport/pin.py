"""The only address that a session talks to."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

from requests.utils import requote_uri

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Pin:
    """A base address, compared part by part.

    As strings, `https://host.example` would also cover `https://host.example.evil` and
    `https://host.example@evil`.
    """

    scheme: str
    host: str
    port: int
    #: The path's segments; every covered path begins with them.
    segments: tuple[str, ...]

    @classmethod
    def of(cls, url: str) -> Self:
        """Read an address; raise `ValueError` where it is no plain http(s) address."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
            message = "not a plain http or https address"
            raise ValueError(message)
        # As it is asked for, whichever way it was written.
        host = (
            parts.hostname.encode("idna").decode()
            if not parts.hostname.isascii()
            else parts.hostname
        )
        segments = tuple(segment for segment in requote_uri(parts.path).split("/") if segment)
        if any(_climbs(segment) for segment in segments):
            message = "the path climbs"
            raise ValueError(message)
        return cls(parts.scheme, host, parts.port or _PORTS[parts.scheme], segments)

    @property
    def path(self) -> str:
        """The base path as it is requested."""
        return "/" + "/".join(self.segments)

    @property
    def url(self) -> str:
        """The base address as it is requested."""
        return self._origin + self.path

    @property
    def _origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def below(self, path: str) -> str | None:
        """Return the address of a path below the base; None where it would leave it."""
        segments = path.removeprefix("/").split("/")
        sound = path.startswith("/") and path.isascii() and path.isprintable()
        if (
            not sound
            or any(not each or _climbs(each) for each in segments)
            or set(path) & set("?# ")
        ):
            return None
        return self._origin + "/" + "/".join((*self.segments, *segments))

    def covers(self, url: str) -> bool:
        """Return whether an address lies at or below the base."""
        try:
            other = Pin.of(url)
        except ValueError:
            return False
        return (other.scheme, other.host, other.port) == (self.scheme, self.host, self.port) and (
            other.segments[: len(self.segments)] == self.segments
        )


def _climbs(segment: str) -> bool:
    """Return whether a server may read this segment as a way up, or as more than one segment."""
    plain = unquote(segment)
    return plain in {".", ".."} or "/" in plain or "\\" in plain
