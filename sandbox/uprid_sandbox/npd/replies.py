"""What the API says."""

from typing import Final

from uprid_sandbox.answers import Page, json_page
from uprid_sandbox.moneta.replies import instant
from uprid_sandbox.moneta.tasks import Task
from uprid_sandbox.npd.acts import Error, Members

#: A guess: no page tells what a request gets that is not as documented.
INVALID: Final = json_page(400, {"error": "invalid request"})


def error(code: str) -> Page:
    """Return an error: they come with HTTP 200."""
    return json_page(200, {"error": code})


STRANGER: Final = error(Error.NO_PARTNER)


def updated() -> Members:
    """Return the end of `updatemonetaprofile`."""
    return {"updated": True}


def document(unit_id: int, document_id: int | None) -> Members:
    """Return the end of `updateuserdoc`."""
    return {"unitId": unit_id, "docId": document_id}


def created(task: Task) -> Members:
    """Return the end of `startuprid`."""
    return {
        "asyncId": task.id,
        "asyncStatus": "CREATED",
        "expirationDate": instant(task.expires_at),
    }
