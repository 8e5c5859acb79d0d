"""Who waits for a stand-in that never answers: the stand-in says so, not the time.

On a busy machine a slow answer looks like none. So while this lasts a stand-in of this process
that would leave its client without a reply closes the connection instead, and says that it was
this. That it does leave the client waiting, `test_sandbox_server.py` looks at.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from unittest.mock import patch

from uprid_sandbox.answers import Answer, Hang
from uprid_sandbox.delivery import DeliveryHandler

#: Seconds in which a stand-in on loopback answers, however busy the machine.
PATIENCE: Final = 60.0


class _Told:
    """How many requests were left without a reply."""

    count = 0


@contextmanager
def silences_told() -> Iterator[None]:
    """Have stand-ins tell of their silence for as long as the block runs."""
    usual = DeliveryHandler.deliver

    async def deliver(self: DeliveryHandler, answer: Answer) -> None:
        if isinstance(answer, Hang):
            _Told.count += 1
            self._close()
            return
        await usual(self, answer)

    with patch.object(DeliveryHandler, "deliver", deliver):
        yield


def closed() -> Callable[[], str]:
    """Return what says why a connection was closed since: `hung`, or `dropped`."""
    before = _Told.count
    return lambda: "hung" if _Told.count > before else "dropped"
