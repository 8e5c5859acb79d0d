"""The tables are sound."""

from collections.abc import Callable
from functools import partial

import pytest

from tests.support.providers.sandbox_requests import (
    JSON_TYPE,
    Members,
    encoded,
    personal_information,
    submit,
)
from tests.support.providers.sandbox_soap import SOAP_TYPE, as_soap
from uprid_sandbox.answers import Page
from uprid_sandbox.clock import utc_now
from uprid_sandbox.moneta.acts import Act, Progress
from uprid_sandbox.moneta.calls import unit_log
from uprid_sandbox.moneta.cells import CELLS, ROWS, Place, number_of
from uprid_sandbox.moneta.responder import Responder
from uprid_sandbox.moneta.scenarios import SCENARIOS, scenario_of
from uprid_sandbox.moneta.server import Server
from uprid_sandbox.moneta.tasks import TaskBook
from uprid_sandbox.options import SandboxOptions
from uprid_sandbox.outages import Outage
from uprid_sandbox.scenarios import describe
from uprid_sandbox.steps import EVER, Step, step_at


def test_description_has_one_row_for_each_number_and_name() -> None:
    rows = describe()
    assert len({(row.provider, row.number) for row in rows}) == len(rows)
    assert len({(row.provider, row.name) for row in rows}) == len(rows)
    assert all(0 <= row.number < 1000 and row.what for row in rows)
    assert len(rows) >= 190


def test_cells_have_a_number_of_their_own_for_each_code_in_each_place() -> None:
    numbers = {number_of(place, row.code) for place in Place for row in ROWS}
    assert len(numbers) == len(CELLS) == len(ROWS) * len(Place)
    assert all(SCENARIOS[each.number] is each for each in CELLS)


def test_scenario_is_the_same_for_units_a_thousand_apart() -> None:
    assert scenario_of(103) is scenario_of(7_103) is SCENARIOS[103]


def test_scenario_is_plain_success_when_the_number_is_unknown() -> None:
    assert scenario_of(999) is SCENARIOS[0]


FIRST, LATER = Step[Act](Progress("A"), 2), Step[Act](Progress("B"), EVER)


@pytest.mark.parametrize(
    ("steps", "number", "expected"),
    [
        pytest.param((), 1, None, id="none"),
        pytest.param((FIRST,), 2, FIRST, id="within"),
        pytest.param((FIRST,), 3, None, id="past-the-last"),
        pytest.param((FIRST, LATER), 3, LATER, id="next"),
        pytest.param((FIRST, LATER), 1_000_000, LATER, id="for-ever"),
    ],
)
def test_step_is_found_by_the_number_of_the_request(
    steps: tuple[Step[Act], ...], number: int, expected: Step[Act] | None
) -> None:
    assert step_at(steps, number) is expected


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(partial(SandboxOptions, full_group_id=101), "must differ", id="groups"),
        pytest.param(partial(SandboxOptions, port=70_000), "port", id="port"),
        pytest.param(partial(SandboxOptions, delay=-1.0), "delay", id="delay"),
        pytest.param(partial(SandboxOptions, task_timeout=0.0), "timeout", id="timeout"),
        pytest.param(
            partial(SandboxOptions, notify_url="https://shop.example/"), "loopback", id="notify"
        ),
    ],
)
def test_options_are_refused_when_they_make_no_sense(
    wrong: Callable[[], SandboxOptions], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()


def test_options_never_show_the_password() -> None:
    assert "geheim" not in repr(SandboxOptions(password="geheim"))


@pytest.mark.parametrize(
    ("content_type", "encode"),
    [pytest.param(JSON_TYPE, encoded, id="json"), pytest.param(SOAP_TYPE, as_soap, id="soap")],
)
def test_answers_never_show_personal_data(
    content_type: str, encode: Callable[[Members], bytes]
) -> None:
    server = Server(Responder(SandboxOptions(), TaskBook(0, 10, utc_now), unit_log(), Outage()))
    content = submit(11_000, personal_information())
    answer = server.answer(content_type, encode(content))
    assert isinstance(answer, Page)
    assert answer.content_type == content_type
    assert "Образцов" not in repr(answer)
    assert "asyncId" not in repr(answer)
