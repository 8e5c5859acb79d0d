"""The simulation's stream and the real one on a real server: same actions, same answers."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.harnesses.simulation.stream import MemoryStream
from tests.support.servers.fresh import ValkeyServer
from worker.store.outbox import Line
from worker.stream.stream import Appended, Stream

NAME = "uprid:events"
Either = Stream | MemoryStream
#: An action on a stream. `lose` removes entries from its tail, `wipe` removes everything.
Act = Callable[["Double"], object]


class Double:
    """One of the two streams, and what can happen to its server."""

    def __init__(self, stream: Either, server: ValkeyServer | None) -> None:
        self.stream = stream
        self._server = server
        self.known = ("", "0-0")

    def append(self, *numbers: int, deduplicate: bool = True) -> Appended:
        mark, last_id = self.known
        appended = self.stream.append(
            [line(number) for number in numbers],
            mark=mark,
            last_id=last_id,
            new_mark="-".join(["mark", *map(str, numbers)]),
            deduplicate=deduplicate,
        )
        if appended.verdict == "ok":
            self.known = (appended.mark, max([appended.last_id, *appended.ids], key=_order))
        return appended

    def forget(self) -> None:
        """Forget the server's mark and position, like a database that was just created."""
        self.known = ("", "0-0")

    def wipe(self) -> None:
        if isinstance(self.stream, MemoryStream):
            self.stream.wipe()
        elif self._server is not None:
            self._server.flush()

    def drop(self) -> None:
        if isinstance(self.stream, MemoryStream):
            self.stream.drop()
        elif self._server is not None:
            with self._server.client() as client:
                client.delete(NAME)

    def trim(self) -> int:
        return self.stream.trim(datetime.now(UTC) + timedelta(hours=1))

    def read(self) -> list[Any]:
        return self.stream.read("0-0", count=100, block=None)


def line(number: int) -> Line:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Line(number, f"id-{number}", "uprid.operation.accepted", f"o-{number}", moment, "{}")


def _order(stream_id: str) -> tuple[int, int]:
    milliseconds, _, number = stream_id.partition("-")
    return int(milliseconds), int(number)


ACTS: dict[str, Sequence[Act]] = {
    "events in their order": [lambda d: d.append(1, 2), lambda d: d.append(3), Double.read],
    "nothing": [lambda d: d.append(), Double.read],
    "doubles": [lambda d: d.append(1, 2), lambda d: d.append(1, 2, 3), Double.read],
    "doubles of a relay that knew nothing": [
        lambda d: d.append(1, 2), Double.forget, lambda d: d.append(1, 2), Double.read,
    ],
    "a replay": [lambda d: d.append(1), lambda d: d.append(1, deduplicate=False), Double.read],
    "a wiped server": [
        lambda d: d.append(1, 2), Double.wipe, lambda d: d.append(3), Double.forget,
        lambda d: d.append(1, 2, 3), Double.read,
    ],
    "another one's mark": [
        lambda d: d.append(1), Double.wipe, Double.forget, lambda d: d.append(2),
        lambda d: setattr(d, "known", ("mark-1", "0-0")), lambda d: d.append(3), Double.read,
    ],
    "a stream that is gone, its mark not": [
        lambda d: d.append(1, 2), Double.drop, lambda d: d.append(3),
        lambda d: setattr(d, "known", (d.known[0], "0-0")), lambda d: d.append(1, 2, 3),
        Double.read,
    ],
    "a server behind": [
        lambda d: d.append(1), lambda d: setattr(d, "known", (d.known[0], "99999999999999-0")),
        lambda d: d.append(2), Double.read,
    ],
    "a trimmed stream": [
        lambda d: d.append(1, 2), Double.trim, lambda d: d.append(3), Double.read,
    ],
}  # fmt: skip


@pytest.mark.parametrize("what", ACTS)
def test_double_answers_as_the_real_stream_does(valkey: ValkeyServer, what: str) -> None:
    real = Stream(valkey.url, NAME)
    now = datetime.now(UTC)
    both = [Double(real, valkey), Double(MemoryStream(lambda: now, NAME), None)]

    said = [[_plain(act(double)) for act in ACTS[what]] for double in both]

    real.close()
    assert said[0] == said[1]


def test_fail_over_loses_the_tail_and_what_was_remembered_of_it() -> None:
    double = Double(MemoryStream(lambda: datetime(2026, 1, 1, tzinfo=UTC)), None)
    double.append(1, 2, 3)
    assert isinstance(double.stream, MemoryStream)

    double.stream.lose_tail(2)

    assert double.append(4).verdict == "behind"
    double.known = (double.known[0], double.stream.last_id)
    assert double.append(2, 3).verdict == "ok"
    assert [fields["id"] for _, fields in double.read()] == ["id-1", "id-2", "id-3"]


def _plain(answer: object) -> object:
    """Replace the ids, which contain each server's own time. Equal ids stay equal."""
    if isinstance(answer, Appended):
        return answer.verdict, answer.mark, answer.last_id == "0-0", len(answer.ids)
    if isinstance(answer, list):
        return [fields for _, fields in answer]
    return None if isinstance(answer, int) else answer
