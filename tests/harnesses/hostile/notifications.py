"""Hostile notifications and callbacks, through the intake into a database.

They decide nothing: the operation that they name keeps its state. What is stored must be what they
state, and everything else must be refused with a record.
"""

import json
import tempfile
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, cast

from cryptography.fernet import Fernet
from sqlalchemy import select

from tests.harnesses.hostile.broken_bytes import BYTES
from tests.harnesses.hostile.broken_trees import TREES
from tests.harnesses.hostile.case import LATIN_MARKER, MARKER, MARKERS, Finding, Seed
from tests.harnesses.hostile.reader import JsonSaid, SaysNothing, read_json
from tests.harnesses.hostile.tree import Obj, Raw, as_json, tree_of
from tests.harnesses.hostile.trial import Tally, encoded, listening
from tests.harnesses.hostile.values import hostile_value
from tests.support.engine.broker import MemoryBroker
from tests.support.engine.operations import operations, polling
from tests.support.engine.process import Bell
from tests.support.engine.schema import bring_to_newest
from tests.support.providers import moneta as moneta_support
from tests.support.providers import npd as npd_support
from tests.support.providers.npd import notification
from uprid_client.names import Provider
from uprid_client.sealing import Sealer
from worker.engine.wakeups import Wakeups
from worker.intake import callbacks, notifications
from worker.intake.message import Message
from worker.privacy.fingerprints import Fingerprinter
from worker.process.runtime import Runtime
from worker.providers.moneta.callback import CALLBACK
from worker.providers.moneta.plugin import MonetaPlugin
from worker.providers.npd.notification import NOTIFICATION
from worker.providers.npd.plugin import NpdPlugin
from worker.providers.protocol import Plugin
from worker.store.database import Database
from worker.store.tables import METADATA, NOTIFICATIONS, REFUSALS

PROVIDER: Final = "notifications"
_SEEDS: Final = (
    Seed("success", notification()),
    Seed("expired", notification("EXPIRED")),
    Seed("as text", {name: str(value) for name, value in notification().items()}),
)
_NOTIFICATION: Final = "tasks.npd.receive_notification"
_CALLBACK: Final = "tasks.moneta.receive_callback"


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a runtime that the intake uses. The others would need a real broker."""

    database: Database
    sealer: Sealer
    fingerprinter: Fingerprinter
    wakeups: Wakeups
    relay: Bell
    plugins: Mapping[Provider, Plugin]

    def plugin(self, provider: Provider) -> Plugin:
        return self.plugins[provider]


class _Intake:
    """The intake with a database of its own."""

    def __init__(self, directory: Path) -> None:
        self.url = f"sqlite:///{directory / 'hostile.db'}"
        bring_to_newest(self.url)
        self.database = Database(self.url)
        self.sealer = Sealer([Fernet.generate_key().decode()])
        self._npd = NpdPlugin(npd_support.settings("http://127.0.0.1:1/npdapi"), None)
        self._moneta = MonetaPlugin(moneta_support.settings("http://127.0.0.1:1/services"))
        minute = timedelta(minutes=1)
        parts = _Parts(
            self.database,
            self.sealer,
            Fingerprinter("f" * 32),
            Wakeups(MemoryBroker(self.database), self.database, width=minute / 60, longest=minute),
            Bell(),
            {Provider.NPD: self._npd, Provider.MONETA: self._moneta},
        )
        self.runtime = cast("Runtime", parts)
        polling(self.database, "order-1")
        self.before = self._standing()

    def close(self) -> None:
        self._npd.close()
        self._moneta.close()
        self.database.dispose()

    def _standing(self) -> list[tuple[Any, ...]]:
        return [(row["state"], row["provider_ref"]) for row in operations(self.database)]

    def is_as_before(self) -> bool:
        return self._standing() == self.before

    def kept(self) -> int:
        with self.database.read() as connection:
            return len(connection.execute(select(NOTIFICATIONS.c.key)).all())

    def last_kept(self) -> dict[str, Any]:
        """Return the content of the notification that was stored last."""
        with self.database.read() as connection:
            newest = select(NOTIFICATIONS.c.sealed).order_by(NOTIFICATIONS.c.at.desc()).limit(1)
            token = connection.execute(newest).scalar_one()
        content: dict[str, Any] = self.sealer.open(token)
        return content

    def is_refused(self, message_id: str) -> bool:
        with self.database.read() as connection:
            found = select(REFUSALS.c.message_id).where(REFUSALS.c.message_id == message_id)
            return connection.execute(found).first() is not None

    def forget(self) -> None:
        """Delete the stored notifications."""
        with self.database.begin() as connection:
            connection.execute(NOTIFICATIONS.delete())

    def leaks(self) -> set[str]:
        """Return the markers that are readable anywhere in the database."""
        with self.database.read() as connection:
            rows = [
                repr(tuple(row))
                for table in METADATA.sorted_tables
                for row in connection.execute(select(table))
            ]
        shown = "\n".join(rows)
        return {each for each in MARKERS if each in shown or json.dumps(each)[1:-1] in shown}


def message_of(
    random: Random, number: int, sealer: Sealer
) -> tuple[Message, bytes | None, tuple[str, ...]]:
    """Return a message, the content of its payload (None: it has none), and the mutations."""
    if random.random() < 0.15:
        given = _plain(hostile_value(random))
        kwargs = {"async_id": given, **({"x": MARKER} if random.random() < 0.2 else {})}
        return Message(str(number), _CALLBACK, (), kwargs), None, ("callback",)
    seed = random.choice(_SEEDS)
    names = [f"seed: {seed.name}"]
    tree = tree_of(seed.document)
    tree.insert(0, ("userName", MARKER))
    kinds = random.choices(("tree", "bytes"), (3, 1), k=random.choice((0, 1, 1, 2)))
    for _ in range(kinds.count("tree")):
        break_tree = random.choice(TREES)
        break_tree(random, tree, _SEEDS)
        names.append(break_tree.__name__)
    body = encoded(as_json(tree))
    for _ in range(kinds.count("bytes")):
        break_bytes = random.choice(BYTES)
        body = break_bytes(random, body)
        names.append(break_bytes.__name__)
    if random.random() < 0.05:
        kwargs = random.choice((
            {}, {"sealed": LATIN_MARKER}, {"sealed": None}, {"sealed": 5}, {"sealed": [MARKER]},
            {"sealed": "x", "y" + MARKER: 1}, {"sealed": sealer.seal(MARKER)},
        ))  # fmt: skip
        return Message(str(number), _NOTIFICATION, (), kwargs), None, (*names, "odd arguments")
    kwargs = {"sealed": sealer.seal_bytes(body)}
    return Message(str(number), _NOTIFICATION, (), kwargs), body, tuple(names)


def _plain(value: Any) -> Any:  # noqa: ANN401 - as JSON's reader would have it
    match value:
        case Raw():
            return value.text[:500]
        case Obj():
            return {name: _plain(each) for name, each in value}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value


def _wrongs(intake: _Intake, message: Message, body: bytes | None) -> list[str]:
    refused = intake.is_refused(message.id)
    is_kept = intake.kept() > 0
    wrongs = []
    if message.task == _NOTIFICATION and not refused and not is_kept and body is None:
        wrongs.append("taken without a payload")
    if refused and is_kept:
        wrongs.append("refused and kept")
    if is_kept and body is not None:
        wrongs += _invented(intake.last_kept(), body)
    if not intake.is_as_before():
        wrongs.append("decided: the operation has moved")
    return wrongs


def _invented(kept: Mapping[str, Any], body: bytes) -> list[str]:
    """Find what is stored and was not stated."""
    try:
        # A sealed payload is read as Python's own `json` writes it.
        said = read_json(body, constants=True)
    except SaysNothing:
        return ["invented: kept what says nothing"]
    stated = {
        "status": _text(said, "upridAsyncStatus"),
        "async_id": _text(said, "upridAsyncId"),
        "notification_id": _text(said, "notificationId"),
    }
    wrongs = [
        f"invented: {name} {kept[name]!r}"
        for name, word in stated.items()
        if word is None or str(kept[name]) != (word.lstrip("0") if name != "status" else word)
    ]
    if _text(said, "notificationName") != "uprid" or kept["status"] not in {"SUCCESS", "EXPIRED"}:
        wrongs.append("invented: no notification of NPD's")
    return wrongs


def _text(said: JsonSaid, name: str) -> str | None:
    found = said.one(name)
    if found is None or isinstance(found.value, bool | float | list | dict):
        return None
    return str(found.value)


def run(first: int, cases: int, most_findings: int = 20) -> Tally:
    """Run cases `first` to `first + cases`; stop after so many findings."""
    tally = Tally()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, listening() as records:
        intake = _Intake(Path(directory))
        try:
            for number in range(first, first + cases):
                random = Random(f"{PROVIDER} {number}")  # noqa: S311 - to be had again
                message, body, names = message_of(random, number, intake.sealer)
                records.clear()
                take = (
                    callbacks.take(CALLBACK)
                    if message.task == _CALLBACK
                    else notifications.take(NOTIFICATION)
                )
                before = time.monotonic()
                try:
                    take(intake.runtime, message)
                    wrongs = _wrongs(intake, message, body)
                except Exception as error:  # noqa: BLE001 - that there is one is the finding
                    frame = traceback.extract_tb(error.__traceback__)[-1]
                    wrongs = [f"crash: {type(error).__name__} at {frame.name}:{frame.lineno}"]
                wrongs += records.leaks()
                tally.slowest = max(tally.slowest, time.monotonic() - before)
                tally.cases += 1
                tally.outcomes["refused" if intake.is_refused(message.id) else "taken"] += 1
                tally.findings += [
                    Finding(PROVIDER, message.task, number, names, each) for each in wrongs
                ]
                if len(tally.findings) >= most_findings:
                    break
                intake.forget()
            tally.findings += [
                Finding(PROVIDER, "database", first, (), f"leak in a row: {each}")
                for each in intake.leaks()
            ]
        finally:
            intake.close()
    tally.seconds = time.monotonic() - began
    return tally
