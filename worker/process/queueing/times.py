"""The times in a task message's headers: when it runs, and when it expires."""

from datetime import UTC, datetime, timedelta

from worker.process.queueing.bodies import Misread
from worker.process.queueing.unreadable import Cause


def moment(given: object, cause: Cause) -> datetime | None:
    """Return a header's time in UTC, None where there is none; raise `Misread`."""
    if given is None or given == "":
        return None
    if not isinstance(given, str):
        raise Misread(cause)
    try:
        read = datetime.fromisoformat(given)
        # Celery's own zone is UTC, for all that names none.
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Misread(cause) from None


def waiting_until(given: object, longest: timedelta) -> str | None:
    """Return the header `eta` of a message that is to wait, None of one that is not.

    Raises `Misread` beyond `longest`: the worker would hold the message in its memory for all that
    time, and the broker would hand it out again and again meanwhile.
    """
    eta = moment(given, Cause.ETA)
    now = datetime.now(UTC)
    if eta is None or eta <= now:
        return None
    if eta - now > longest:
        raise Misread(Cause.ETA)
    return eta.isoformat()


def wanted_until(given: object) -> str | None:
    """Return the header `expires`; raise `Misread`. It is looked at when the message is taken."""
    expires = moment(given, Cause.EXPIRES)
    return None if expires is None else expires.isoformat()


def has_passed(expires: object) -> bool:
    """Return whether a message is no longer wanted, by its header as `wanted_until` returns it."""
    until = moment(expires, Cause.EXPIRES)
    return until is not None and until < datetime.now(UTC)
