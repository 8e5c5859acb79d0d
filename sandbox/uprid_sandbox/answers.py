"""Answers of a stand-in: whole, broken, late, or none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON_TYPE = "application/json;charset=UTF-8"
HTML_TYPE = "text/html"


@dataclass(frozen=True, slots=True)
class Page:
    """A whole HTTP reply. The body may hold personal data: it is never shown."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = HTML_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is closed without a byte of reply."""


@dataclass(frozen=True, slots=True)
class Hang:
    """No reply for as long as the client waits."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is closed in the middle of the page's body."""

    page: Page


@dataclass(frozen=True, slots=True)
class Drip:
    """The body comes so slowly that no single read times out."""

    page: Page


@dataclass(frozen=True, slots=True)
class Late:
    """The page comes so many seconds after it was made."""

    page: Page
    seconds: float


Answer = Page | Drop | Hang | Cut | Drip | Late


def json_page(status: int, content: object) -> Page:
    """Return `content` as a JSON reply."""
    body = json.dumps(content, ensure_ascii=False).encode()
    return Page(status, body, JSON_TYPE)


def html_page(status: int, title: str, headers: Mapping[str, str] | None = None) -> Page:
    """Return what a proxy in front of the provider says."""
    body = f"<html><head><title>{status} {title}</title></head><body>{title}</body></html>"
    return Page(status, body.encode(), HTML_TYPE, headers or {})


def read_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object in `body`, or None where it holds none."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
