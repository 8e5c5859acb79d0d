"""What Mandarin says."""

from collections.abc import Mapping
from typing import Final

from uprid_sandbox.answers import Page, json_page

#: The only error that the page documents, for every fault.
INVALID: Final = json_page(400, {"error": "Invalid request"})
#: A guess: no page tells what an unknown merchant gets.
UNAUTHORIZED: Final = json_page(401, {"error": "Unauthorized"})


def session_reply(session_id: str) -> Page:
    """Return what a POST and a PUT get that was taken."""
    return json_page(200, {"id": session_id})


def status_reply(status: Mapping[str, object]) -> Page:
    """Return what a GET gets."""
    return json_page(200, status)
