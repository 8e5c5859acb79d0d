"""JSON and SOAP against the sandbox, scenario by scenario: one behaviour, to the last note."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from tests.support.providers.moneta import PERSON, settings, work
from tests.support.providers.sandbox import Clock
from tests.support.providers.silence import PATIENCE, silences_told
from uprid_client.contract.states import State
from uprid_sandbox.background import background
from uprid_sandbox.options import SandboxOptions
from uprid_sandbox.scenarios import describe
from worker.domain.outcomes import Pending, Started
from worker.providers.moneta.plugin import MonetaPlugin

TRANSPORTS = ("json", "soap")
DELAY, TIMEOUT = 5.0, 60.0
LIMIT = timedelta(seconds=PATIENCE)
MOST_POLLS = 8
SCENARIOS = {row.name: row.number for row in describe() if row.provider == "moneta"}
#: A reply that drips takes the whole limit, twice: `test_moneta.py` has drips with a short one.
NAMES = [
    pytest.param(name, marks=[pytest.mark.exhaustive] * (name == "poll_drips"))
    for name in SCENARIOS
]


@dataclass
class Side:
    """A plugin that speaks one language, and a sandbox of its own."""

    plugin: MonetaPlugin
    clock: Clock

    def story(self, unit_id: int) -> list[object]:
        """Take an identification from its submit to the settlement; return every outcome."""
        asked = replace(work(State.SUBMITTING, payload=PERSON), args={"unit_id": unit_id})
        started = self.plugin.submit(asked)
        told: list[object] = [_comparable(started)]
        if not isinstance(started, Started):
            return [*told, _comparable(self.plugin.clear_up(asked))]
        asked = replace(asked, state=State.POLLING, provider_ref=started.provider_ref)
        for _ in range(MOST_POLLS):
            outcome = self.plugin.poll(asked)
            told.append(_comparable(outcome))
            if not isinstance(outcome, Pending):
                break
            asked = replace(asked, progress=outcome.progress or asked.progress)
            self.clock.advance(DELAY / 2)
        return [*told, _comparable(self.plugin.settle(replace(asked, state=State.SETTLING)))]


def _comparable(outcome: object) -> object:
    """Return an outcome without what must differ: the bytes of the answer and the task's id."""
    changes = {"answer": None, "provider_ref": ""}
    own = {name: value for name, value in changes.items() if hasattr(outcome, name)}
    return replace(outcome, **own) if own else outcome  # type: ignore[type-var]


@pytest.fixture(scope="module")
def sides() -> Iterator[tuple[Side, ...]]:
    """Both languages, each with a sandbox of its own whose time stands still."""
    options = SandboxOptions(delay=DELAY, task_timeout=TIMEOUT)
    with ExitStack() as stack:
        stack.enter_context(silences_told())
        made = []
        for transport in TRANSPORTS:
            clock = Clock()
            address = stack.enter_context(background(options, clock))
            plugin = MonetaPlugin(
                settings(
                    f"{address}/moneta/services",
                    transport=transport,
                    username=options.username,
                    password=SecretStr(options.password),
                    anonymous_group_id=options.anonymous_group_id,
                    simplified_group_id=options.simplified_group_id,
                    full_group_id=options.full_group_id,
                    connect_timeout=LIMIT,
                    read_timeout=LIMIT,
                    total_timeout=LIMIT,
                )
            )
            stack.callback(plugin.close)
            made.append(Side(plugin, clock))
        yield tuple(made)


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_is_the_same_story_over_both_transports(
    sides: tuple[Side, ...], name: str
) -> None:
    over_json, over_soap = (side.story(7_000_000 + SCENARIOS[name]) for side in sides)

    assert over_soap == over_json
    assert len(over_json) > 1
