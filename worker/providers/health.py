"""What `uprid doctor` finds of a provider's host."""

from datetime import UTC, datetime, timedelta
from typing import Final

from worker.errors import CallFailed
from worker.providers.base import Finding
from worker.providers.http import PinnedSession

_CLOCK_TOLERANCE: Final = timedelta(seconds=60)


def check_host(name: str, session: PinnedSession) -> list[Finding]:
    """Look whether the host answers, whatever it answers, and whether its clock is ours.

    Sends no credentials, and nothing that is billed. The clock is left out where the host did not
    tell it.
    """
    try:
        reply = session.probe()
    except CallFailed as failure:
        return [Finding(f"{name} host", ok=False, detail=failure.note)]
    answered = Finding(f"{name} host", ok=True, detail=f"answers with http {reply.status}")
    theirs = reply.sent_at
    if theirs is None:
        return [answered]
    apart = abs(datetime.now(UTC) - theirs)
    detail = f"{apart.total_seconds():.0f} s apart"
    return [answered, Finding(f"{name} clock", apart <= _CLOCK_TOLERANCE, detail)]
