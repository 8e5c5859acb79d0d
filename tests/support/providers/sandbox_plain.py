"""Asks those of the sandbox's stand-ins that speak plain JSON, with `requests` alone."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

import requests

from tests.support.providers.silence import PATIENCE, closed

_LIMIT: Final = 1_000_000


@dataclass
class SandboxReply:
    """What came back: a word that sums it up, and the members where there were some."""

    word: str
    content: dict[str, Any] = field(default_factory=dict)


def ask(session: requests.Session, method: str, url: str, **sent: Any) -> SandboxReply:
    """Send a request and say what came: `page 502`, `hung`, `200`, `400 Invalid request`."""
    why = closed()
    try:
        answer = session.request(
            method, url, timeout=PATIENCE, allow_redirects=False, stream=True, **sent
        )
        return _heard(answer)
    except requests.exceptions.ChunkedEncodingError:
        return SandboxReply("cut")
    except requests.ConnectionError:
        return SandboxReply(why())


def in_short(words: list[str]) -> str:
    """Say `2x page 502, success=True` for three words."""
    runs = [(word, len(list(run))) for word, run in groupby(words)]
    return ", ".join(word if times == 1 else f"{times}x {word}" for word, times in runs)


def _heard(answer: requests.Response) -> SandboxReply:
    body = b""
    with answer:
        for chunk in _chunks(answer):
            body += chunk
            if len(body) > _LIMIT:
                return SandboxReply("huge")
            if not body.strip() and len(body) < 4:
                return SandboxReply("dripping")
    if not answer.headers["Content-Type"].startswith("application/json"):
        return SandboxReply(f"page {answer.status_code}")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return SandboxReply("garbage" if body else "empty")
    if not isinstance(content, dict):
        return SandboxReply("no object")
    error = f" {content['error']}" if "error" in content else ""
    return SandboxReply(f"{answer.status_code}{error}", content)


def _chunks(answer: requests.Response) -> Iterator[bytes]:
    yield from answer.iter_content(65_536)
