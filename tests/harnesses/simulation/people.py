"""The marketplace and the on-call engineers: they send, answer, make mistakes, and send again."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, update

from tests.harnesses.simulation.broker import TaskMessage
from tests.harnesses.simulation.database import SimulatedDatabase
from tests.harnesses.simulation.server import Task as Begun
from tests.harnesses.simulation.starts import Starts
from tests.harnesses.simulation.telling import PublishedEvent
from uprid_client.contract.events import EventType
from uprid_client.contract.states import State
from uprid_client.errors import BrokerUnavailable, DatabaseUnavailable
from uprid_client.names import Provider, Task
from worker.store import provider_pauses
from worker.store.tables import OPERATIONS

if TYPE_CHECKING:
    from tests.harnesses.simulation.world import World

_STARTS: Final = {
    Provider.MONETA: Task.MONETA_START,
    Provider.NPD: Task.NPD_START,
    Provider.MANDARIN: Task.MANDARIN_START,
}
_ACTIONS: Final = (Task.RETRY, Task.RESUME, Task.RESOLVE, Task.CANCEL)
_CODES: Final = ("1111", "2222", "3333", "4444", "5555", "6666", "7777")
_VERDICTS: Final = ("succeeded", "rejected", "failed", "expired")
#: The most attempts of one operation.
_MOST_ATTEMPTS: Final = 4


class People:
    """All people outside the worker."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._kernel = world.kernel
        self._plan = world.plan
        self._chance = world.kernel.random
        self._messages = 0
        self.accepted: set[str] = set()
        self.references: dict[str, Provider] = {}
        #: Attempts after which a next one was asked for.
        self.retried: set[tuple[str, int]] = set()
        self.starts = Starts(world.sealer)
        self.database = SimulatedDatabase(
            world.kernel, _AtKeyboard(world), world.committed, world.sickness
        )

    def begin(self) -> None:
        """Plan all actions."""
        chance, calm = self._chance, self._plan.calm_from
        for number in range(self._plan.operations):
            reference = f"o{number}"
            provider = chance.choice(self._plan.providers)
            self.references[reference] = provider
            self._do(partial(self._start, reference, number), chance.uniform(0, calm * 0.6))
            if chance.random() < 0.2:
                self._do(partial(self._conflict, reference), chance.uniform(0, calm))
        for _ in range(round(chance.uniform(0, 2) * self._plan.actions)):
            self._do(self._act_at_random, chance.uniform(1, calm))
        for _ in range(chance.choice([0, 0, 1, 2])):
            self._do(self._pause, chance.uniform(0, calm))
        self._do(self._mend, calm)

    def hear(self, told: PublishedEvent) -> None:
        """React to an event."""
        chance = self._chance
        match told.type:
            case EventType.ACCEPTED:
                self.accepted.add(told.subject)
            case EventType.INPUT_REQUIRED:
                if chance.random() < 0.85:
                    self._do(lambda: self._code(told.subject), chance.uniform(0, 12))
            case EventType.PROVIDER_PAUSED:
                self._do(
                    lambda: self._turn(provider_pauses.unpause, told.subject), chance.uniform(1, 12)
                )
            case EventType.WAITING_FOR_PERSON:
                if chance.random() < 0.2:
                    self._do(lambda: self._go_on_from_nowhere(told), chance.uniform(0, 5))
                if chance.random() < 0.7:
                    self._do(lambda: self._decide(told), chance.uniform(0.1, 15))
            case EventType.REJECTED | EventType.EXPIRED | EventType.FAILED:
                if chance.random() < 0.4 and self._world.rough:
                    self._do(
                        lambda: self._retry(told.subject, told.data["attempt"]),
                        chance.uniform(0.1, 10),
                    )

    def notify(self, task: Begun, status: str) -> None:
        """Pass on a provider's notification, or MONETA's callback."""
        if self.references[task.reference] is Provider.MONETA:
            self._do(lambda: self._send(Task.MONETA_CALLBACK, async_id=int(task.id)), 0)
            return
        said = {
            "notificationId": self._chance.choice([1, 1, 2]),
            "notificationName": "uprid",
            "upridAsyncId": task.id,
            "upridAsyncStatus": status,
            "userPhone": task.phone,
            "mntAccountId": "12345678",
        }
        sealed = self._world.sealer.seal(said)
        self._do(lambda: self._send(Task.NPD_NOTIFICATION, insist=True, sealed=sealed), 0)

    def _do(self, what: Callable[[], object], after: float) -> None:
        self._kernel.spawn("people", self._kernel.world, what, after)

    def _send(self, task: Task, *, insist: bool = False, **arguments: Any) -> None:
        self._messages += 1
        self._publish(TaskMessage(f"m{self._messages}", task, arguments), insist=insist)

    def _publish(self, message: TaskMessage, *, insist: bool) -> None:
        self._kernel.say("sends", message)
        while True:
            try:
                self._world.broker.publish(message)
            except BrokerUnavailable:
                if not insist:
                    return
                self._kernel.sleep(2.0)
            else:
                return

    def _start(self, reference: str, number: int) -> None:
        # Three phones, so that some operations share one.
        data = {"phone": f"7911000000{number % 3}", "name": "x"}
        while reference not in self.accepted:
            self._send_start(reference, data)
            if self._chance.random() < 0.3:
                self._send_start(reference, data)
            self._kernel.sleep(self._chance.uniform(5, 15))
        if self._chance.random() < 0.3:
            self._kernel.sleep(self._chance.uniform(0, 30))
            self._send_start(reference, data)

    def _conflict(self, reference: str) -> None:
        if reference in self.accepted:
            self._send_start(reference, {"phone": "79119999999", "name": "other"})

    def _send_start(self, reference: str, data: Mapping[str, str]) -> None:
        # The id that the message is about to get.
        self.starts.sent(f"m{self._messages + 1}", reference, data)
        task = _STARTS[self.references[reference]]
        self._send(task, reference=reference, sealed=self._world.sealer.seal(data))

    def _code(self, reference: str) -> None:
        chance = self._chance
        codes = [chance.choice(_CODES[:4])]
        if chance.random() < 0.1:
            # A person who tries every code.
            codes = chance.sample(_CODES, len(_CODES))
        for code in codes:
            sealed = self._world.sealer.seal({"sms_code": code})
            for _ in range(chance.choice([1, 1, 2])):
                self._send(Task.MANDARIN_CODE, insist=True, reference=reference, sealed=sealed)

    def _retry(self, reference: str, attempt: int) -> None:
        if attempt >= _MOST_ATTEMPTS:
            return
        self.retried.add((reference, attempt))
        corrected: dict[str, Any] = {}
        if self._chance.random() < 0.5:
            phone = f"7911000000{self._chance.randint(0, 2)}"
            corrected["sealed"] = self._world.sealer.seal({"phone": phone, "name": "y"})
        for _ in range(self._chance.choice([1, 2])):
            self._send(
                Task.RETRY, reference=reference, attempt=attempt, by="shop", note="again",
                **corrected,
            )  # fmt: skip

    def _decide(self, told: PublishedEvent) -> None:
        attempt = told.data["attempt"]
        self._act(self._chance.choice(_ACTIONS[:3]), told.subject, attempt)

    def _act_at_random(self) -> None:
        chance = self._chance
        known = sorted(self.accepted)
        if not known:
            return
        reference = chance.choice(known)
        row = self._world.row(reference)
        if row is not None:
            attempt = max(row.attempt + chance.choice([0, 0, 0, 0, -1, 1]), 1)
            self._act(chance.choice(_ACTIONS), reference, attempt)

    def _act(self, task: Task, reference: str, attempt: int) -> None:
        self._world.forgive(reference)
        if task is Task.RETRY:
            self._retry(reference, attempt)
            return
        more: dict[str, Any] = {}
        if task is Task.RESOLVE:
            more["verdict"] = self._chance.choice(_VERDICTS)
        if task is Task.RESUME:
            begun = self._world.begun(reference, attempt)
            # They look at the provider's own pages, and find what it took.
            if begun is not None and self._chance.random() < 0.7:
                more["provider_ref"] = begun.id
        for _ in range(self._chance.choice([1, 1, 2])):
            self._send(task, reference=reference, attempt=attempt, by="anna", note="so", **more)

    def _pause(self) -> None:
        self._turn(provider_pauses.pause, self._chance.choice(self._plan.providers))

    def _go_on_from_nowhere(self, told: PublishedEvent) -> None:
        """Erase the state from which it waits, and resume it nevertheless."""
        self._lose_origin(told.subject)
        self._world.forgive(told.subject)
        self._send(
            Task.RESUME, reference=told.subject, attempt=told.data["attempt"], by="anna", note="on"
        )

    def _lose_origin(self, reference: str) -> None:
        """Erase in the database from which state an operation waits."""
        waiting = OPERATIONS.c.state == State.WAITING_FOR_PERSON.value
        try:
            with self.database.begin() as connection:
                connection.execute(
                    update(OPERATIONS)
                    .where(OPERATIONS.c.reference == reference, waiting)
                    .values(waiting_from=None)
                )
        except DatabaseUnavailable:
            return

    def _mend(self) -> None:
        """Unpause every provider: nothing goes wrong any more."""
        for provider in self._plan.providers:
            self._turn(provider_pauses.unpause, provider)

    def _turn(self, turn: Callable[[Connection, str, str, str, Any], bool], provider: str) -> None:
        while True:
            try:
                self.turned(turn, provider)
            except DatabaseUnavailable:
                self._kernel.sleep(1.0)
            else:
                return

    def turned(self, turn: Callable[[Connection, str, str, str, Any], bool], provider: str) -> None:
        """Pause or unpause, as the command does."""
        with self.database.begin() as connection:
            turn(connection, provider, "anna", "", self.database.now())


class _AtKeyboard:
    """A person at the command line, whose process does not die."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def effect(self, spot: str) -> None:
        """Let other tasks run."""
        del spot
        self._world.kernel.sleep(0.002)

    def between(self, spot: str) -> bool:
        """Let other tasks run between any two statements."""
        self.effect(spot)
        return True

    def fails(self) -> bool:
        """Return False: no statement fails."""
        return False

    def monotonic(self) -> float:
        """Return the true time."""
        return self._world.kernel.seconds

    def mishap(self) -> bool:
        """Return False: every commit is confirmed."""
        return False
