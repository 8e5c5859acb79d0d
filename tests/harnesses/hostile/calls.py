"""Calls for several persons, one after the other on the same connections.

The oracle knows what each call comes to if it gets only its own reply, and what it comes to without
a reply. The outcome must be one of these, whichever bytes arrive on the connections: it must never
come from the reply to another call.
"""

import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from tests.harnesses.hostile import plain
from tests.harnesses.hostile.belonging import Alone, Came, ProviderCall, leaks, same, taken_over
from tests.harnesses.hostile.broken_wires import honest
from tests.harnesses.hostile.case import Finding, Question, Seed
from tests.harnesses.hostile.connection import (
    Clock,
    Host,
    Moment,
    Request,
    Step,
    connected_to,
    disconnected,
    skipping,
)
from tests.harnesses.hostile.mischief import (
    GREETINGS,
    MISCHIEF,
    Mischief,
    Own,
    early,
    honestly,
    silent,
    spoilt,
)
from tests.harnesses.hostile.persons import PERSONS, Person, strangers
from tests.harnesses.hostile.trial import PROVIDERS, SLOW, Records, Tally, listening
from worker.domain.outcomes import NotSent
from worker.engine.calls import Call

PROVIDER: Final = "calls"
#: What is tested: every provider's plugin, and the session below all of them.
ASKED: Final = (*PROVIDERS, plain.PROVIDER)
#: Progress with which the next answer that is not understood goes to an engineer.
_UNKNOWN: Final = {"unknown": 3}
#: Requests without an effect that a call with an effect makes.
_HARMLESS: Final = frozenset({"token"})


@dataclass(frozen=True, slots=True)
class Case:
    """Calls for different persons, and what their requests get in reply."""

    number: int
    calls: Sequence[ProviderCall]
    #: By the number of the request in the case, from 0.
    mischief: Mapping[int, Mischief]
    #: By the number of the connection, from 0: one of `GREETINGS`.
    greetings: Mapping[int, str]
    #: For all other requests, by the kind of request.
    usual: Mapping[str, Mischief] = field(default_factory=dict)

    @property
    def mutations(self) -> tuple[str, ...]:
        met = (f"{each.__name__} of request {nth + 1}" for nth, each in self.mischief.items())
        greeted = (f"{name} on connection {nth + 1}" for nth, name in self.greetings.items())
        return (*met, *greeted)


class _PluginCalls:
    """Calls through a provider's plugin."""

    def __init__(self, provider: str) -> None:
        self._asked = PROVIDERS[provider]()
        self.sessions = self._asked.sessions()
        self.kind_of = self._asked.kind_of
        self.close = self._asked.close
        self._questions = self._asked.all()
        self._persons = [Person.of(provider, number) for number in PERSONS]
        self._strangers = {each.number: strangers(each, self._persons) for each in self._persons}
        self._written: dict[tuple[str, str, int], Mapping[str, Own]] = {}

    def some(self, random: Random) -> list[ProviderCall]:
        question = random.choice(self._questions)
        calls = []
        for person in random.sample(self._persons, random.choice((2, 2, 2, 3))):
            calls.append(self._call(random, question, person))
            if random.random() < 0.4:
                question = random.choice(self._questions)
        return calls

    def _call(self, random: Random, question: Question, person: Person) -> ProviderCall:
        seed = random.choice(question.seeds)
        work = person.work(question.work)
        asks = (
            question.ask in {Call.POLL, Call.SETTLE, Call.CLEAR_UP}
            and "unknown" not in work.progress
        )
        is_last = asks and random.random() < 0.25
        if is_last:
            work = replace(work, progress={**work.progress, **_UNKNOWN})
        ask = getattr(question.plugin, question.ask.value)
        return ProviderCall(
            f"{question.name} of {person.number} ({seed.name}{', last' if is_last else ''})",
            self._strangers[person.number],
            self._replies(question, seed, person),
            lambda: ask(work),
            question.target,
            question.ask in {Call.SUBMIT, Call.SUPPLY},
        )

    def _replies(self, question: Question, seed: Seed, person: Person) -> Mapping[str, Own]:
        key = question.name, seed.name, person.number
        if key not in self._written:
            self._written[key] = person.replies(question, seed)
        return self._written[key]

    @staticmethod
    def wrongs(
        call: ProviderCall, came: Came, own: Alone, others: Sequence[Alone]
    ) -> Iterator[str]:
        yield from leaks(call, came.outcome)
        yield from taken_over(came, own, others)
        if not call.has_effect or own.explains(came):
            return
        if came.effects > own.by_its_replies.effects:
            yield "repeated: a call that has an effect was made twice"
        # If its own reply leads to a second submit, that reply says that nothing was done.
        is_sent_once = own.by_its_replies.effects <= 1
        if came.effects and is_sent_once and isinstance(came.outcome, NotSent):
            yield "invented: it was not sent"


class _PlainCalls:
    """Calls through a session."""

    def __init__(self, provider: str) -> None:
        del provider
        self._plain = plain.Plain()
        self.sessions = [self._plain.session]
        self.close = self._plain.session.close

    @staticmethod
    def kind_of(request: bytes) -> str:
        del request
        return "any"

    def some(self, random: Random) -> list[ProviderCall]:
        return [
            self._call(random, person)
            for person in random.sample(PERSONS, random.choice((2, 2, 2, 3)))
        ]

    def _call(self, random: Random, person: int) -> ProviderCall:
        name, ask = self._plain.way(random, person)
        replies = {"any": plain.reply_to(person)}
        return ProviderCall(f"{name} of {person}", (), replies, lambda: plain.got(ask), "any")

    @staticmethod
    def wrongs(
        call: ProviderCall, came: Came, own: Alone, others: Sequence[Alone]
    ) -> Iterator[str]:
        del own, others
        yield from plain.wrongs(call.reply("any"), came.outcome)


class Bench:
    """A provider's calls, and the host that answers them."""

    def __init__(self, provider: str, clock: Clock) -> None:
        self.provider = provider
        made = _PlainCalls if provider == plain.PROVIDER else _PluginCalls
        self._calls: _PluginCalls | _PlainCalls = made(provider)
        self._host = Host(clock, self)
        for session in self._calls.sessions:
            connected_to(session, self._host)
        self._own: dict[str, Alone] = {}
        self._went_on = False
        self._begin(Case(0, (), {}, {}))

    def close(self) -> None:
        self._calls.close()

    def case(self, random: Random, number: int) -> Case:
        """Make the case of this number. The number alone decides the case."""
        calls = self._calls.some(random)
        mischief = {random.choice((0, 0, 0, 1, 1, 2)): random.choice(MISCHIEF)}
        if random.random() < 0.15:
            mischief.setdefault(random.choice((0, 1, 2, 3)), random.choice(MISCHIEF))
        greetings = {}
        if random.random() < 0.08:
            greetings[random.choice((0, 0, 1, 2))] = random.choice(list(GREETINGS))
        return Case(number, calls, mischief, greetings)

    def run(self, case: Case) -> tuple[list[str], list[str]]:
        """Make the calls of a case. Return their outcomes and what is wrong with them."""
        own = [self._alone(call) for call in case.calls]
        wrongs: list[str] = []
        kinds: list[str] = []
        self._begin(case)
        for nth, call in enumerate(case.calls):
            try:
                came = self._made(nth)
            except Exception as error:  # noqa: BLE001 - that there is one is the finding
                wrongs.append(f"crash: {type(error).__name__} at {_where(error)}")
                break
            others = own[:nth] + own[nth + 1 :]
            wrongs += [
                f"{call.name}: {each}" for each in self._wrongs(call, came, own[nth], others)
            ]
            is_own = same(came, own[nth].by_its_replies)
            kinds.append("own" if is_own else type(came.outcome).__name__.lower())
        self._end()
        return kinds, wrongs

    def _wrongs(
        self, call: ProviderCall, came: Came, own: Alone, others: Sequence[Alone]
    ) -> Iterator[str]:
        # Bytes that come while a request is under way look like its reply. Only a client can find
        # out, by ids.
        is_for_the_client = self._host.has_interfered and self.provider == plain.PROVIDER
        if not is_for_the_client or came.outcome.is_first:
            yield from self._calls.wrongs(call, came, own, others)
        if self._went_on:
            self._went_on = False
            yield "went on: a call on a connection that was out of order"

    def _alone(self, call: ProviderCall) -> Alone:
        """Return what a call comes to when no other call is beside it."""
        if call.name not in self._own:
            tried = [
                self._by_itself(call, mischief, kind)
                for kind in call.replies
                for mischief in (silent, spoilt)
            ]
            self._own[call.name] = Alone(self._by_itself(call, honestly, ""), tried)
        return self._own[call.name]

    def _by_itself(self, call: ProviderCall, mischief: Mischief, kind: str) -> Came:
        self._begin(Case(0, (call,), {}, {}, {kind: mischief}))
        came = self._made(0)
        self._end()
        return came

    def _begin(self, case: Case) -> None:
        self._case = case
        self._random = Random(f"{case.number} on the way")  # noqa: S311 - to be had again
        self._nth = -1
        self._went_on = False

    def _made(self, nth: int) -> Came:
        self._current = nth
        self._effects = 0
        outcome = self._case.calls[nth].perform()
        self._host.call_ended()
        return Came(outcome, self._effects)

    def _end(self) -> None:
        for session in self._calls.sessions:
            disconnected(session)
        self._host.close()

    def greeting(self, connection: int) -> Sequence[Step]:
        """Return the greeting of this case."""
        name = self._case.greetings.get(connection)
        if name is None:
            return ()
        piece = GREETINGS[name]
        stray = self._stray("") if piece == b"" else piece
        return (Step(Moment.AT_ONCE, stray, spoils=stray is not None),)

    def early(self, request: Request) -> Sequence[Step]:
        """Begin a request. Only its call is known yet, not what it asks."""
        self._nth += 1
        self._went_on = self._went_on or request.is_out_of_order
        if self._case.mischief.get(self._nth) is not early:
            return ()
        call = self._case.calls[self._current]
        self._count(call.target)
        return early(self._random, call.reply(call.target), self._stray(call.target))

    def script(self, request: Request) -> Sequence[Step]:
        """Return this case's steps, made of the current call's reply and a stray one."""
        kind = self._calls.kind_of(request.wire)
        self._count(kind)
        usual = self._case.usual.get(kind, honestly)
        mischief = self._case.mischief.get(self._nth, usual)
        own = self._case.calls[self._current].reply(kind)
        return mischief(self._random, own, self._stray(kind))

    def _count(self, kind: str) -> None:
        self._effects += kind not in _HARMLESS

    def _stray(self, kind: str) -> bytes:
        """Return the reply to another call."""
        mine = self._case.calls[self._current]
        others = [each for each in self._case.calls if each is not mine] or [mine]
        reply = self._random.choice(others).reply(kind)
        return honest(reply.status, reply.body).wire


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames))


def run(first: int, cases: int, most_findings: int = 20, asked: Sequence[str] = ASKED) -> Tally:
    """Run cases `first` to `first + cases`; stop after so many findings."""
    tally = Tally()
    began = time.monotonic()
    with skipping() as clock, listening() as records:
        benches = {provider: Bench(provider, clock) for provider in asked}
        try:
            for number in range(first, first + cases):
                random = Random(f"{PROVIDER} {number}")  # noqa: S311 - to be had again
                bench = benches[random.choice(asked)]
                tally.findings += _tried(bench, bench.case(random, number), records, tally)
                if len(tally.findings) >= most_findings:
                    break
        finally:
            for bench in benches.values():
                bench.close()
    tally.seconds = time.monotonic() - began
    return tally


def _tried(bench: Bench, case: Case, records: Records, tally: Tally) -> Iterator[Finding]:
    records.clear()
    before = time.thread_time()
    kinds, wrongs = bench.run(case)
    took = time.thread_time() - before
    tally.cases += 1
    tally.slowest = max(tally.slowest, took)
    tally.outcomes.update(kinds)
    wrongs += records.leaks()
    if took > SLOW:
        wrongs.append(f"slow: {took:.1f} s")
    names = ", then ".join(call.name for call in case.calls)
    for each in wrongs:
        yield Finding(PROVIDER, f"{bench.provider}: {names}", case.number, case.mutations, each)
