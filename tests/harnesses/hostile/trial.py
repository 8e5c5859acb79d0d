"""The trial of one case: send the reply, and compare the outcome with what the reply states."""

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Protocol

from structlog.testing import capture_logs

from config.logging import _quiet
from tests.harnesses.hostile import intellectmoney, mandarin, moneta, npd
from tests.harnesses.hostile.broken_bytes import BYTES
from tests.harnesses.hostile.broken_trees import TREES
from tests.harnesses.hostile.broken_wires import WIRES, bombed, honest
from tests.harnesses.hostile.case import MARKERS, Finding, Question, Seed, Sent
from tests.harnesses.hostile.oracle import invented
from tests.harnesses.hostile.seam import answered_by
from tests.harnesses.hostile.tree import tree_of
from tests.harnesses.hostile.writing import written
from worker.domain.outcomes import Doubtful, Finished, NeedsPerson, Outcome, Pending
from worker.engine.calls import Call
from worker.providers.transport.http import PinnedSession

#: Seconds of this thread's processor time, so that other load does not count. An honest case takes
#: a millisecond; one that takes longer than this is a finding.
SLOW: Final = 5.0


class Asked(Protocol):
    """A provider's questions."""

    def sessions(self) -> list[PinnedSession]:
        """Return the sessions that carry its requests."""

    def kind_of(self, request: bytes) -> str:
        """Return which request it is."""

    def all(self) -> list[Question]:
        """Return all questions."""

    def close(self) -> None:
        """Close the sessions."""


PROVIDERS: Final[dict[str, Callable[[], Asked]]] = {
    "moneta-json": lambda: moneta.Questions("json"),
    "moneta-soap": lambda: moneta.Questions("soap"),
    "npd": npd.Questions,
    "mandarin": mandarin.Questions,
    "intellectmoney-xml": lambda: intellectmoney.Questions("xml"),
    "intellectmoney-json": lambda: intellectmoney.Questions("json"),
}


class Records(logging.Handler):
    """What is logged, at the level of a worker."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self.events: list[MutableMapping[str, Any]] = []
        # A worker's own handler has the same filter.
        self.addFilter(_quiet)

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "".join(traceback.format_exception(*record.exc_info))
        self.lines.append(text)

    def clear(self) -> None:
        """Forget the records of the case before."""
        self.lines.clear()
        self.events.clear()

    def leaks(self) -> list[str]:
        """Find markers in the log."""
        shown = "\n".join([*self.lines, *map(str, self.events)])
        return [f"leak in the log: {each}" for each in MARKERS if each in shown]


@contextmanager
def listening() -> Iterator[Records]:
    """Record everything that is logged during a `with` block."""
    records = Records()
    root = logging.getLogger()
    root.addHandler(records)
    try:
        with capture_logs() as events:
            records.events = events
            yield records
    finally:
        root.removeHandler(records)


@dataclass
class Tally:
    """The results of many cases."""

    cases: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


class Bench:
    """A provider's plugin, and the host that answers it."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.asked = PROVIDERS[provider]()
        for session in self.asked.sessions():
            answered_by(session, self._host)
        self.questions = self.asked.all()
        self._honest = {
            question.name: {
                name: honest(seed.status, question.write(tree_of(seed.document)).encode()).wire
                for name, seed in question.others.items()
            }
            for question in self.questions
        }
        self._wires: dict[str, bytes] = {}
        self._requests: list[str] = []

    def close(self) -> None:
        self.asked.close()

    def _host(self, request: bytes) -> bytes:
        kind = self.asked.kind_of(request)
        self._requests.append(kind)
        return self._wires[kind]

    def case(self, number: int) -> "Case":
        """Make the case of this number. The number alone decides the case."""
        random = Random(f"{self.provider} {number}")  # noqa: S311 - to be had again
        question = random.choice(self.questions)
        seed = random.choice(question.seeds)
        return Case(number, question, seed, *mutated(random, question, seed))

    def ask(self, case: "Case") -> Outcome:
        """Ask the plugin. Its request gets the case's reply."""
        question = case.question
        self._wires = {**self._honest[question.name], question.target: case.sent.wire}
        self._requests = []
        outcome: Outcome = getattr(question.plugin, question.ask.value)(question.work)
        return outcome

    def run(self, case: "Case", records: Records) -> tuple[str, list[Finding]]:
        """Ask, and judge the outcome."""
        records.clear()
        began = time.thread_time()
        wrongs: list[str] = []
        outcome: Outcome | None = None
        try:
            outcome = self.ask(case)
        except Exception as error:  # noqa: BLE001 - that there is one is the finding
            wrongs.append(f"crash: {type(error).__name__} at {_where(error)}")
        took = time.thread_time() - began
        if took > SLOW:
            wrongs.append(f"slow: {took:.1f} s")
        if outcome is not None:
            wrongs += self._judged(case, outcome)
            wrongs += written(case.question, outcome)
        wrongs += records.leaks()
        found = [
            Finding(self.provider, case.question.name, case.number, case.mutations, each)
            for each in wrongs
        ]
        return _kind(outcome), found

    def _judged(self, case: "Case", outcome: Outcome) -> Iterator[str]:
        question = case.question
        has_effect = question.ask in {Call.SUBMIT, Call.SUPPLY}
        is_again = has_effect and self._requests.count(question.target) > 1
        # To wait, to doubt or to ask a person needs no reason in the reply.
        if is_again or not isinstance(outcome, Pending | Doubtful | NeedsPerson):
            allowed = question.judge(case.sent.heard)
            yield from invented(outcome, allowed)
            if is_again and not allowed.undone:
                yield "repeated: a call that has an effect was made twice"
        elif isinstance(outcome, Doubtful) and question.ask not in {Call.SUBMIT, Call.CLEAR_UP}:
            yield f"a doubt about a {question.ask}"


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames))


@dataclass(frozen=True, slots=True)
class Case:
    """A mutated reply to a question."""

    number: int
    question: Question
    seed: Seed
    sent: Sent
    mutations: tuple[str, ...]


def mutated(random: Random, question: Question, seed: Seed) -> tuple[Sent, tuple[str, ...]]:
    """Return a documented answer with none to three mutations, and their names."""
    names = [f"seed: {seed.name}"]
    tree = tree_of(seed.document)
    kinds = random.choices(
        ("tree", "bytes", "wire"), (11, 5, 4), k=random.choice((0, 1, 1, 1, 2, 2, 3))
    )
    for _ in range(kinds.count("tree")):
        break_tree = random.choice(TREES)
        break_tree(random, tree, question.seeds)
        names.append(break_tree.__name__)
    body = encoded(question.write(tree))
    for _ in range(kinds.count("bytes")):
        break_bytes = random.choice(BYTES)
        body = break_bytes(random, body)
        names.append(break_bytes.__name__)
    if "wire" not in kinds:
        return honest(seed.status, body), tuple(names)
    # A compression bomb takes as long as a hundred other cases.
    break_wire = bombed if random.random() < 0.005 else random.choice(WIRES)
    names.append(break_wire.__name__)
    return break_wire(random, seed.status, body), tuple(names)


def encoded(text: str) -> bytes:
    # Half a character is written as three bytes that are not valid UTF-8.
    return text.encode("utf-8", "surrogatepass")


def _kind(outcome: Outcome | None) -> str:
    if isinstance(outcome, Finished):
        return outcome.state.value
    return "crash" if outcome is None else type(outcome).__name__.lower()


def run(
    provider: str, first: int, cases: int, *, most_findings: int = 20,
    progress: Callable[[Tally], None] | None = None,
) -> Tally:  # fmt: skip
    """Run cases `first` to `first + cases`; stop after so many findings."""
    tally = Tally()
    bench = Bench(provider)
    began = time.monotonic()
    try:
        with listening() as records:
            for number in range(first, first + cases):
                before = time.monotonic()
                outcome, findings = bench.run(bench.case(number), records)
                tally.slowest = max(tally.slowest, time.monotonic() - before)
                tally.cases += 1
                tally.outcomes[outcome] += 1
                tally.findings += findings
                tally.seconds = time.monotonic() - began
                if len(tally.findings) >= most_findings:
                    break
                if progress is not None and tally.cases % 5_000 == 0:
                    progress(tally)
    finally:
        bench.close()
    return tally
