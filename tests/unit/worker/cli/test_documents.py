import json

import pytest

from uprid_client.names import Provider, Task
from worker.cli.documents import BadDocument, read, split

GOOD = {"reference": "order 1", "unit_id": 7, "payload": {"profile": {"first_name": "Иван"}}}


def text(**changes: object) -> str:
    return json.dumps({**GOOD, **changes})


def without(name: str) -> str:
    return json.dumps({key: value for key, value in GOOD.items() if key != name})


def test_document_keeps_arguments_apart_from_what_is_to_be_sealed() -> None:
    document = read(text(), Provider.MONETA)

    assert document.task is Task.MONETA_START
    assert document.arguments == {"reference": "order 1", "unit_id": 7}
    assert document.payload == GOOD["payload"]
    assert document.reference == "order 1"


def test_document_may_have_no_payload() -> None:
    assert read(without("payload"), Provider.MONETA).payload is None


@pytest.mark.parametrize("task", ["start_identification", "tasks.moneta.start_identification"])
def test_document_may_name_its_task_shortly_or_wholly(task: str) -> None:
    document = read(text(task=task), Provider.MONETA)

    assert document.task is Task.MONETA_START
    assert "task" not in document.arguments


def test_document_shows_no_value_in_its_text() -> None:
    assert "Иван" not in repr(read(text(), Provider.MONETA))


@pytest.mark.parametrize(
    ("line", "field"),
    [
        pytest.param("{", "JSON", id="cut off"),
        pytest.param("[" * 100_000, "deep", id="nested too deeply"),
        pytest.param("[1]", "object", id="array"),
        pytest.param('{"reference": "a", "reference": "b"}', "twice", id="field twice"),
        pytest.param(without("reference"), "reference", id="no reference"),
        pytest.param(text(reference=""), "reference", id="empty reference"),
        pytest.param(text(reference="r" * 256), "reference", id="long reference"),
        pytest.param(text(reference=" r"), "reference", id="reference with a space before it"),
        pytest.param(text(reference=7), "reference", id="reference that is a number"),
        pytest.param(text(payload="Иван"), "payload", id="payload that is no object"),
        pytest.param(text(payload=None), "payload", id="payload that is null"),
        pytest.param(text(sealed="token"), "sealed", id="payload and sealed"),
        pytest.param(text(task="poll_async_requests"), "task", id="another task"),
        pytest.param(text(task=7), "task", id="task that is a number"),
        pytest.param(text(task=["start_identification"]), "task", id="task that is a list"),
        pytest.param(text(unit_id="Иван"), "unit_id", id="unit that is a text"),
        pytest.param(text(unit_id=True), "unit_id", id="unit that is a boolean"),
        pytest.param(text(phone="Иван"), "phone: is no argument", id="personal data in clear"),
        pytest.param(text(Иван=1), "(unnamed)", id="a name as a name"),
        pytest.param(text(payload={"n": float("nan")}), "payload.n: must be", id="no number"),
        pytest.param(text(payload={"n": "\ud800"}), "payload.n: must be", id="half a sign"),
        pytest.param('{"reference": "r", "sealed": "Иван"}', "Fernet", id="sealed in clear"),
        pytest.param('{"reference": "r", "sealed": {"n": 1}}', "Fernet", id="sealed object"),
    ],
)
def test_bad_document_is_refused_by_field_without_its_values(line: str, field: str) -> None:
    with pytest.raises(BadDocument) as refused:
        read(line, Provider.MONETA)

    assert field in str(refused.value)
    assert "Иван" not in str(refused.value)


@pytest.mark.parametrize(
    ("provider", "given", "task"),
    [
        pytest.param("moneta", {"task": "receive_callback", "async_id": 7}, Task.MONETA_CALLBACK),
        pytest.param("npd", {"reference": "r", "unit_id": 7, "payload": {}}, Task.NPD_START),
        pytest.param("npd", {"reference": "r", "sealed": "gAAAAx"}, Task.NPD_START),
        pytest.param("npd", {"task": "receive_notification", "payload": {}}, Task.NPD_NOTIFICATION),
        pytest.param("mandarin", {"reference": "r", "payload": {}}, Task.MANDARIN_START),
        pytest.param(
            "mandarin",
            {"task": "submit_sms_code", "reference": "r", "payload": {"sms_code": "1"}},
            Task.MANDARIN_CODE,
        ),
        pytest.param(
            "intellectmoney",
            {"task": "fetch_invoices", "reference": "r", "filters": {"eshop_id": 1}},
            Task.INTELLECTMONEY_INVOICES,
        ),
        pytest.param(
            "intellectmoney",
            {"task": "fetch_scheduled_operations", "reference": "r", "filters": {}},
            Task.INTELLECTMONEY_LIST,
        ),
        pytest.param(
            "intellectmoney",
            {
                "task": "tasks.intellectmoney.save_scheduled_operation",
                "reference": "r",
                "operation": {"object_id": 1},
            },
            Task.INTELLECTMONEY_SAVE,
        ),
    ],
)
def test_document_of_each_task_is_read(provider: str, given: dict[str, object], task: Task) -> None:
    document = read(json.dumps(given), Provider(provider))

    assert document.task is task
    assert document.reference == given.get("reference")
    clear = {name: value for name, value in given.items() if name not in {"task", "payload"}}
    assert document.arguments == clear
    assert document.payload == given.get("payload")


@pytest.mark.parametrize(
    ("provider", "given", "said"),
    [
        pytest.param("npd", {"reference": "r"}, "payload: is missing", id="npd without data"),
        pytest.param(
            "mandarin", {"reference": "r", "unit_id": 1, "payload": {}}, "unit_id: is no argument",
            id="mandarin with a unit",
        ),
        pytest.param(
            "mandarin", {"task": "submit_sms_code", "payload": {}}, "reference: is missing",
            id="code of nobody",
        ),
        pytest.param(
            "mandarin", {"task": "receive_notification", "payload": {}},
            "task: must be one of start_identification, submit_sms_code",
            id="another provider's task",
        ),
        pytest.param(
            "npd", {"task": "receive_notification", "reference": "r", "payload": {}},
            "reference: is no argument", id="notification with a reference",
        ),
        pytest.param(
            "intellectmoney", {"reference": "r", "filters": {}},
            "task: must be one of fetch_invoices, fetch_scheduled_operations, "
            "save_scheduled_operation",
            id="no task",
        ),
        pytest.param(
            "intellectmoney", {"task": "fetch_invoices", "reference": "r", "filters": [1]},
            "filters: must be a JSON object", id="filters that are a list",
        ),
        pytest.param(
            "intellectmoney", {"task": "fetch_invoices", "reference": "r", "payload": {}},
            "payload: this task takes none", id="payload for a search",
        ),
        pytest.param(
            "intellectmoney",
            {"task": "save_scheduled_operation", "reference": "r", "filters": {}},
            "filters: is no argument", id="filters for a save",
        ),
    ],
)  # fmt: skip
def test_document_that_its_task_cannot_take_is_refused(
    provider: str, given: dict[str, object], said: str
) -> None:
    with pytest.raises(BadDocument) as refused:
        read(json.dumps(given), Provider(provider))

    assert said in str(refused.value)


def test_bad_document_names_all_that_is_wrong() -> None:
    line = json.dumps({"payload": 1, "sealed": "x", "task": "other"})

    with pytest.raises(BadDocument, match=r"reference.*payload, sealed.*payload.*task"):
        read(line, Provider.MONETA)


def test_file_of_one_object_may_spread_over_lines() -> None:
    spread = json.dumps(GOOD, indent=2)

    assert list(split(spread)) == [(1, spread)]


def test_file_of_lines_is_numbered_with_its_empty_lines() -> None:
    assert list(split('{"a": 1}\n\n{"b": 2}\nnot json\n')) == [
        (1, '{"a": 1}'),
        (3, '{"b": 2}'),
        (4, "not json"),
    ]


def test_file_of_lines_is_not_split_inside_of_a_text() -> None:
    # U+2028 ends a line for Python's `splitlines`, and is a letter like another for JSON.
    assert len(list(split('{"a": "\u2028"}\n{"b": 2}'))) == 2
