"""Start messages: which data came under which reference, and what each message had to become."""

from collections.abc import Mapping
from typing import Any, Final

from tests.harnesses.simulation.database import store
from tests.harnesses.simulation.violation import require
from uprid_client.sealing import Sealer

_TAKEN: Final = (
    "SELECT a.sealed FROM attempt a JOIN operation o ON o.id = a.operation_id WHERE o.reference = ?"
)
_REFUSED: Final = "SELECT message_id FROM refusal"


class Starts:
    """Remembers the messages, and compares them with what the database took and refused.

    The first message under a reference decides whose data the operation has. After a fail-over that
    lost the operation, this may be another message than before.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        #: Reference and data of each message, by its id.
        self._sent: dict[str, tuple[str, Mapping[str, Any]]] = {}

    def sent(self, message_id: str, reference: str, data: Mapping[str, Any]) -> None:
        """Remember a message."""
        self._sent[message_id] = reference, data

    def put_back(self, taken: set[str]) -> None:
        """Forget the messages that were taken: the database has lost commits, perhaps theirs."""
        for message_id in self._sent.keys() & taken:
            del self._sent[message_id]

    def judge(self, taken: set[str]) -> None:
        """Check the messages: those with other data than their operation must have been refused."""
        refused = {row[0] for row in store().raw.execute(_REFUSED)}
        for message_id in sorted(self._sent.keys() & taken):
            reference, data = self._sent[message_id]
            if data in self._data_of(reference):
                require(
                    message_id not in refused, "the same data under a reference are not refused",
                    message_id,
                )  # fmt: skip
            else:
                require(
                    message_id in refused, "other data under a reference are refused",
                    message_id,
                )  # fmt: skip

    def _data_of(self, reference: str) -> list[object]:
        """Return the data of each attempt."""
        rows = store().raw.execute(_TAKEN, (reference,))
        return [self._sealer.open(sealed) for (sealed,) in rows]
