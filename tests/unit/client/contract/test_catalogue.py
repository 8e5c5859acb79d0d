"""Every task that others may send has a contract, found by its name."""

import pytest

from uprid_client.contract import operations
from uprid_client.contract.catalogue import contract_of, tasks_of
from uprid_client.contract.operations import Verdict
from uprid_client.contract.states import TERMINAL
from uprid_client.names import Provider, Task

#: What the workers send themselves.
OWN = {
    Task.MONETA_POLL, Task.MONETA_SETTLE, Task.NPD_ADVANCE, Task.MANDARIN_POLL,
    Task.INTELLECTMONEY_POLL, Task.SWEEP, Task.RELAY, Task.PURGE,
}  # fmt: skip


def test_every_task_that_others_send_has_a_contract() -> None:
    have = [*operations.TASKS, *(task for provider in Provider for task in tasks_of(provider))]

    assert len(have) == len(set(have))
    assert set(have) == set(Task) - OWN


@pytest.mark.parametrize("task", sorted(OWN))
def test_task_that_only_the_workers_send_has_none(task: Task) -> None:
    with pytest.raises(KeyError):
        contract_of(task)


@pytest.mark.parametrize("task", sorted(set(Task) - OWN))
def test_arguments_are_described_by_a_json_schema(task: Task) -> None:
    contract = contract_of(task)

    schema = contract.arguments.model_json_schema()

    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(contract.arguments.model_fields)
    if contract.payload is not None:
        assert contract.takes_payload
        assert contract.payload.model_json_schema()["properties"]


@pytest.mark.parametrize(
    ("task", "needed"),
    [
        pytest.param(Task.MONETA_START, False, id="moneta-may-use-what-it-has"),
        pytest.param(Task.NPD_START, True, id="npd"),
        pytest.param(Task.MANDARIN_START, True, id="mandarin"),
        pytest.param(Task.MANDARIN_CODE, True, id="code"),
        pytest.param(Task.NPD_NOTIFICATION, True, id="notification"),
        pytest.param(Task.RETRY, False, id="retry"),
        pytest.param(Task.INTELLECTMONEY_INVOICES, False, id="invoices"),
    ],
)
def test_payload_is_needed_where_there_is_nothing_without_it(task: Task, needed: bool) -> None:
    assert contract_of(task).needs_payload is needed


def test_arguments_in_clear_are_told_from_objects() -> None:
    invoices, moneta = contract_of(Task.INTELLECTMONEY_INVOICES), contract_of(Task.MONETA_START)

    assert invoices.in_clear == {"filters"}
    assert invoices.is_object("filters")
    assert moneta.in_clear == {"unit_id"}
    assert not moneta.is_object("unit_id")


def test_verdicts_are_the_terminal_states() -> None:
    assert {each.value for each in Verdict} == {state.value for state in TERMINAL}
