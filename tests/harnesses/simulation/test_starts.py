"""The simulation notices which start messages had to be refused, also after a fail-over."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pytest

from tests.harnesses.simulation.alone import Simulated
from tests.harnesses.simulation.database import store
from tests.harnesses.simulation.starts import Starts
from tests.harnesses.simulation.violation import Violation
from tests.harnesses.simulation.world import SEALER
from tests.support.engine.operations import NOW, accept, start
from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.contract.refusal_reasons import reason_of
from worker.store import messages
from worker.store.messages import Taken

_Data = Mapping[str, str]

_FIRST: Final = {"phone": "79110000000", "name": "x"}
_OTHER: Final = {"phone": "79119999999", "name": "other"}
_TASK: Final = "tasks.moneta.start_identification"


class Shop:
    """Sends start messages under one reference to a sound worker, or to a broken one."""

    def __init__(self) -> None:
        self.simulated = Simulated()
        self.starts = Starts(SEALER)
        self.taken: set[str] = set()

    def send(self, message_id: str, data: _Data, *, refuses: bool | None = None) -> None:
        """Send a message. `refuses` says what a broken worker does with it."""
        self.starts.sent(message_id, "order-1", data)
        self.simulated.run((0.0, lambda: self._take(message_id, data, refuses)))
        self.taken.add(message_id)

    def fail_over(self, *messages: tuple[str, _Data]) -> None:
        """Send messages, and let the database lose their commits."""
        kept = store().copy()
        for message_id, data in messages:
            self.send(message_id, data)
        store().put_back(kept)
        self.starts.put_back(self.taken)

    def judge(self) -> None:
        self.starts.judge(self.taken)

    def _take(self, message_id: str, data: _Data, refuses: bool | None) -> None:
        database = self.simulated.database
        begun = replace(start(fingerprint=data["name"]), sealed=SEALER.seal(data))
        conflicts = accept(database, begun) is Taken.CONFLICT
        if conflicts if refuses is None else refuses:
            with database.begin() as connection:
                messages.refuse(
                    connection, message_id=message_id, task=_TASK, reference="order-1",
                    fields=("reference",), now=NOW,
                    reason=reason_of(RefusalCode.REFERENCE_CONFLICT, "It is used."),
                )  # fmt: skip


def test_other_data_are_refused_and_the_same_are_harmless() -> None:
    shop = Shop()
    shop.send("m1", _FIRST)
    shop.send("m2", _OTHER)
    shop.send("m3", _FIRST)

    shop.judge()


def test_other_data_that_are_not_refused_are_seen() -> None:
    shop = Shop()
    shop.send("m1", _FIRST)
    shop.send("m2", _OTHER, refuses=False)

    with pytest.raises(Violation, match="other data under a reference are refused: m2"):
        shop.judge()


def test_same_data_that_are_refused_are_seen() -> None:
    shop = Shop()
    shop.send("m1", _FIRST)
    shop.send("m2", _FIRST, refuses=True)

    with pytest.raises(Violation, match="the same data under a reference are not refused: m2"):
        shop.judge()


def test_other_data_may_take_a_reference_that_was_lost_by_a_fail_over() -> None:
    shop = Shop()
    shop.fail_over(("m1", _FIRST))
    shop.send("m2", _OTHER)

    shop.judge()


def test_first_data_are_others_once_a_lost_reference_was_taken_again() -> None:
    shop = Shop()
    shop.fail_over(("m1", _FIRST))
    shop.send("m2", _OTHER)
    shop.send("m3", _FIRST, refuses=False)

    with pytest.raises(Violation, match="other data under a reference are refused: m3"):
        shop.judge()


def test_refusal_that_was_lost_by_a_fail_over_is_not_looked_for() -> None:
    shop = Shop()
    shop.send("m1", _FIRST)
    shop.fail_over(("m2", _OTHER))

    shop.judge()


def test_other_data_are_refused_after_a_fail_over_that_lost_no_operation() -> None:
    shop = Shop()
    shop.send("m1", _FIRST)
    shop.fail_over()
    shop.send("m2", _OTHER, refuses=False)

    with pytest.raises(Violation, match="m2"):
        shop.judge()
