"""The trial of one case: the reply goes in, and what comes out is held against what it stated."""

import json
import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final, Protocol

from config.logging import _quiet
from tests.hostile import intellectmoney, mandarin, moneta, npd
from tests.hostile.broken_bytes import BYTES
from tests.hostile.broken_trees import TREES
from tests.hostile.broken_wires import WIRES, bombed, honest
from tests.hostile.case import MARKERS, Allowed, Finding, Question, Seed, Sent
from tests.hostile.seam import Host
from tests.hostile.tree import tree_of
from worker.engine.asks import Answer, Ask
from worker.engine.decisions import decide
from worker.events.telling import tell
from worker.operations.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Prepared,
    Settle,
    Started,
)
from worker.operations.store.changes import Move
from worker.operations.store.claims import Claimed

#: Seconds; what takes longer is a finding. Honest ones take a millisecond.
SLOW: Final = 5.0
#: Characters of a result that is told in clear.
_LONGEST_RESULT: Final = 8_192
_BIGGEST: Final = 2**63


class Asked(Protocol):
    """A provider's questions."""

    def connect(self, host: Host) -> None:
        """Have its connections answered."""

    def kind_of(self, request: bytes) -> str:
        """Return which request it is."""

    def all(self) -> list[Question]:
        """Return all questions."""

    def close(self) -> None:
        """End."""


PROVIDERS: Final[dict[str, Callable[[], Asked]]] = {
    "moneta-json": lambda: moneta.Questions("json"),
    "moneta-soap": lambda: moneta.Questions("soap"),
    "npd": npd.Questions,
    "mandarin": mandarin.Questions,
    "intellectmoney-xml": lambda: intellectmoney.Questions("xml"),
    "intellectmoney-json": lambda: intellectmoney.Questions("json"),
}


class _Records(logging.Handler):
    """What is logged, at a level that a worker shows."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        # As a worker's own handler does.
        self.addFilter(_quiet)

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "".join(traceback.format_exception(*record.exc_info))
        self.lines.append(text)


@contextmanager
def listening() -> Iterator[_Records]:
    """Record what is logged by anybody, for the time of a `with` block."""
    records = _Records()
    root = logging.getLogger()
    root.addHandler(records)
    try:
        yield records
    finally:
        root.removeHandler(records)


@dataclass
class Tally:
    """What came of many cases."""

    cases: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


class Bench:
    """A provider's plugin, and the host that it meets."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.asked = PROVIDERS[provider]()
        self.asked.connect(self._host)
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
        """Make a case of its number."""
        random = Random(f"{self.provider} {number}")  # noqa: S311 - to be had again
        question = random.choice(self.questions)
        seed = random.choice(question.seeds)
        return Case(number, question, seed, *mutated(random, question, seed))

    def run(self, case: "Case", records: _Records) -> tuple[str, list[Finding]]:
        """Ask, and judge what came of it."""
        question = case.question
        self._wires = {**self._honest[question.name], question.target: case.sent.wire}
        self._requests = []
        records.lines.clear()
        began = time.monotonic()
        wrongs: list[str] = []
        outcome: Outcome | None = None
        try:
            outcome = getattr(question.plugin, question.ask.value)(question.work)
        except Exception as error:  # noqa: BLE001 - that there is one is the finding
            frames = traceback.extract_tb(error.__traceback__)[-3:]
            where = " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames))
            wrongs.append(f"crash: {type(error).__name__} at {where}")
        took = time.monotonic() - began
        if took > SLOW:
            wrongs.append(f"slow: {took:.1f} s")
        if outcome is not None:
            wrongs += self._judged(case, outcome)
            wrongs += written(question, outcome)
        wrongs += [f"leak in the log: {m}" for m in MARKERS if any(m in x for x in records.lines)]
        where_ = (self.provider, question.name, case.number, case.mutations)
        return _kind(outcome), [Finding(*where_, each) for each in wrongs]

    def _judged(self, case: "Case", outcome: Outcome) -> Iterator[str]:
        question = case.question
        has_effect = question.ask in {Ask.SUBMIT, Ask.SUPPLY}
        is_again = has_effect and self._requests.count(question.target) > 1
        # Who waits, doubts or asks a person says nothing that would have to be stated.
        if is_again or not isinstance(outcome, Pending | Doubtful | NeedsPerson):
            allowed = question.judge(case.sent.heard)
            yield from invented(outcome, allowed)
            if is_again and not allowed.undone:
                yield "repeated: a call that has an effect was made twice"
        elif isinstance(outcome, Doubtful) and question.ask not in {Ask.SUBMIT, Ask.CLEAR_UP}:
            yield f"a doubt about a {question.ask}"


@dataclass(frozen=True, slots=True)
class Case:
    """A mutated reply to a question."""

    number: int
    question: Question
    seed: Seed
    sent: Sent
    mutations: tuple[str, ...]


def mutated(random: Random, question: Question, seed: Seed) -> tuple[Sent, tuple[str, ...]]:
    """Break a documented answer in none to three ways; return it, and how."""
    names = [f"seed: {seed.name}"]
    tree = tree_of(seed.document)
    kinds = random.choices(("tree", "bytes", "wire"), (11, 5, 4), k=random.choice((0, 1, 1, 1, 2, 2, 3)))
    for _ in range(kinds.count("tree")):
        break_tree = random.choice(TREES)
        break_tree(random, tree, question.seeds)
        names.append(break_tree.__name__)
    body = _encoded(question.write(tree))
    for _ in range(kinds.count("bytes")):
        break_bytes = random.choice(BYTES)
        body = break_bytes(random, body)
        names.append(break_bytes.__name__)
    if "wire" not in kinds:
        return honest(seed.status, body), tuple(names)
    # One that swells takes as long as a hundred others.
    break_wire = bombed if random.random() < 0.005 else random.choice(WIRES)
    names.append(break_wire.__name__)
    return break_wire(random, seed.status, body), tuple(names)


def _encoded(text: str) -> bytes:
    # Half a character is written as three bytes that are no UTF-8.
    return text.encode("utf-8", "surrogatepass")


def invented(outcome: Outcome, allowed: Allowed) -> Iterator[str]:
    """Tell what an outcome says that the reply did not."""
    match outcome:
        case Finished(state=state):
            if state.value not in allowed.ends:
                yield f"invented: {state} ({outcome.note})"
            yield from _wrong_facts(outcome, allowed)
        case Started(provider_ref=reference) if reference not in allowed.started:
            yield f"invented: started as {reference!r}"
        case NotSent() if not allowed.undone:
            yield f"invented: nothing was done ({outcome.note})"
        case Misconfigured() if not allowed.misconfigured:
            yield f"invented: our settings are wrong ({outcome.note})"
        case Settle() if not allowed.over:
            yield f"invented: the wait is over ({outcome.note})"
        case Prepared() if not allowed.prepared:
            yield f"invented: a step is done ({outcome.note})"
        case Pending() | Doubtful() | NeedsPerson() | Started() | NotSent() | Misconfigured():
            return
        case Settle() | Prepared():
            return
        case _:
            yield f"no outcome: {type(outcome).__name__}"


def _wrong_facts(outcome: Finished, allowed: Allowed) -> Iterator[str]:
    for name, told in outcome.result.items():
        if name not in allowed.facts:
            continue
        stated = allowed.facts[name]
        if name == "approved":
            if not set(told) <= stated:
                yield f"invented: approved {sorted(set(told) - stated)}"
        elif told != stated:
            yield f"invented: {name} {told!r} in the place of {stated!r}"


def written(question: Question, outcome: Outcome) -> Iterator[str]:
    """Have the engine decide, and hold what it would write against the columns."""
    work = question.work
    claimed = Claimed(
        id=work.id, reference=work.reference, provider="moneta", kind=work.kind, state=work.state,
        attempt=work.attempt, args=work.args, provider_ref=work.provider_ref, due_at=work.due_at,
        deadline_at=work.deadline_at, polls=work.polls, faults=work.faults,
        progress=json.dumps(dict(work.progress)), created_at=work.now, started_at=work.now,
        run=None, missing=work.missing, inputs_sent=work.inputs_sent,
        input_sent_at=work.input_sent_at, input_id="1" if question.ask is Ask.SUPPLY else None,
    )  # fmt: skip
    answer = Answer(claimed, question.ask, outcome, work.now, 3)
    try:
        change = decide(answer, question.plugin, work.now, 0.5, _seal)
        texts = _texts(change)
    except Exception as error:  # noqa: BLE001 - that there is one is the finding
        yield f"undecidable: {type(error).__name__}"
        return
    for name, text, longest in texts:
        yield from _unwritable(name, text, longest)
    for record in change.records:
        yield from _unstorable(asdict(record))
    if change.due_at is not None and change.due_at > work.now + timedelta(days=31):
        yield "due in more than a month"


def _seal(content: bytes) -> str:
    del content
    return "(sealed)"


def _texts(change: Any) -> list[tuple[str, str, int]]:  # noqa: ANN401 - a Stay or a Move
    """Return every text that is written, with the most characters that its place holds."""
    found = [("progress", change.progress or "", 1_000_000)]
    if not isinstance(change, Move):
        return [*found, ("note", change.run.note, 100)]
    if change.call is not None:
        found.append(("note", change.call.note, 100))
    if change.reason is not None:
        found.append(("reason", change.reason.as_text(), 2_000))
    found.append(("provider_ref", change.provider_ref or "", 100))
    found.append(("missing", change.missing or "", 20))
    result = json.dumps(dict(change.result), allow_nan=False)
    found.append(("result", result, _LONGEST_RESULT))
    for kind, event_id in change.events:
        event = tell(kind, change.standing, 1, change.claimed.due_at, event_id)
        row = event.row()
        found.append(("event", row["data"], 64_000))
        json.loads(row["data"], parse_constant=_no_constant)
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _unwritable(name: str, text: str, longest: int) -> Iterator[str]:
    if len(text) > longest:
        yield f"{name} is too long: {len(text)}"
    if "\x00" in text:
        yield f"{name} holds a NUL"
    try:
        text.encode()
    except UnicodeEncodeError:
        yield f"{name} holds half a character"
    # What is JSON may hide them in escapes.
    shown = text.encode("ascii", "backslashreplace").decode().replace("\\\\u", "\\u")
    plain = shown.encode().decode("unicode_escape", "replace") if "\\u" in shown else text
    for marker in MARKERS:
        if marker in text or marker in plain:
            yield f"leak in {name}: {marker}"


def _unstorable(record: dict[str, Any]) -> Iterator[str]:
    """Hold an invoice and its transactions against their columns."""
    longest = {"state": 40, "payment_type": 40, "currency": 10, "amount": 40, "order_number": 4_000}
    for name, value in record.items():
        if name == "transactions":
            for each in value:
                yield from _unstorable(each)
        elif isinstance(value, int) and not -_BIGGEST <= value < _BIGGEST:
            yield f"{name} of an invoice has no place in its column"
        elif isinstance(value, str) and name != "sealed":
            known = name if name in longest else name.rpartition("_")[2]
            if len(value) > longest[known] or "\x00" in value:
                yield f"{name} of an invoice has no place in its column"


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

