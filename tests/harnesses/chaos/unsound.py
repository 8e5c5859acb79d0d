"""`uprid` in a process with a wrong clock, or, to prove the harness, with broken code.

It is started in the place of a command of the Procfile: `python -m tests.harnesses.chaos.unsound
--clock 300 poller`.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.client import HTTPResponse
from typing import Any, Final

import time_machine


def _forget_outbox() -> None:
    """Let the relay skip every ninth event and mark it as published."""
    from worker.stream import stream  # noqa: PLC0415 - after the clock is wrong

    whole = stream.Stream.append

    def append(self: stream.Stream, lines: Any, **given: Any) -> stream.Appended:  # noqa: ANN401
        kept = [line for line in lines if line.seq % 9]
        appended = whole(self, kept, **given)
        ids = iter(appended.ids)
        published = tuple(next(ids) if line.seq % 9 else appended.last_id for line in lines)
        return stream.Appended(appended.verdict, appended.mark, appended.last_id, published)

    stream.Stream.append = append  # type: ignore[method-assign]


def _submit_twice() -> None:
    """Let a submit without a reply be sent again, even if the provider may have taken it."""
    from worker.domain.outcomes import Doubtful  # noqa: PLC0415
    from worker.engine import chunk  # noqa: PLC0415

    once = chunk.Working._asked

    def asked(self: chunk.Working, call: Any, work: Any) -> Any:  # noqa: ANN401
        outcome = once(self, call, work)
        return once(self, call, work) if isinstance(outcome, Doubtful) else outcome

    chunk.Working._asked = asked  # type: ignore[method-assign]


def _judge_at_once() -> None:
    """Let every process call others silent even if its own heartbeat was not steady."""
    from worker.engine import pulse  # noqa: PLC0415

    broken: Any = pulse.Pulse
    broken.may_call_silent = lambda _self, _now: True


def _reuse_connections() -> None:
    """Let billed calls share connections, as polls do."""
    from worker.providers.transport import pools  # noqa: PLC0415

    pools._NoShelf.put = pools._Shelf.put  # type: ignore[method-assign]


def _mix_replies() -> None:
    """Let an interim reply count as the reply, and let the connection be used again."""
    from worker.providers.transport import connections  # noqa: PLC0415

    _reuse_connections()
    broken: Any = connections
    usual: Any = HTTPResponse
    broken._Reply._read_status = usual._read_status
    broken._Reply._has_more = lambda _self: False
    broken._has_spoken = lambda _sock: False


#: Ways to break the worker on purpose.
SABOTAGES: Final[Mapping[str, Callable[[], None]]] = {
    "forget-outbox": _forget_outbox,
    "submit-twice": _submit_twice,
    "judge-at-once": _judge_at_once,
    "reuse-connections": _reuse_connections,
    "mix-replies": _mix_replies,
}


def main() -> None:
    """Break the process and run the command line in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clock", type=int, default=0, help="seconds that the clock is off")
    parser.add_argument("--sabotage", choices=SABOTAGES)
    given, arguments = parser.parse_known_args()
    if given.clock:
        wrong = datetime.now(UTC) + timedelta(seconds=given.clock)
        time_machine.travel(wrong, tick=True).start()
    # Some modules read the clock while they are imported.
    from worker.cli.main import main as uprid  # noqa: PLC0415

    if given.sabotage:
        SABOTAGES[given.sabotage]()
    sys.argv = ["uprid", *arguments]
    uprid()


if __name__ == "__main__":
    main()
