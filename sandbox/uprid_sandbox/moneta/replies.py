"""The provider's replies, as its pages and its schema have them: members in the schema's order."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from uprid_sandbox.moneta.acts import Group, Oddity, Progress, Refusal, Verdict, Whose
from uprid_sandbox.moneta.messages import PLAIN, Fault, Manner, Reply
from uprid_sandbox.moneta.tasks import Task
from uprid_sandbox.moneta.units import Unit

#: Dates come in Moscow's time, with milliseconds.
_MOSCOW: Final = timezone(timedelta(hours=3))
_FOREIGN: Final = 7
#: Documented, or at least seen: `published` is sent from this version of the request on.
_PUBLISHED_SINCE: Final = 2
#: A person's keys that no client sends: they are null where nulls are in fashion.
_NEVER_SENT: Final = ("alias", "timezone")

_TEXTS: Final[Mapping[str | None, str]] = {
    None: "Внутренняя ошибка",
    "100": "Сервис недоступен",
    "200": "Запрос не соответствует схеме",
    "300.1": "Неверный логин или пароль",
    "500.7.3": "Customer data failed the check.",
    "500.9.1": "Нет такой асинхронной задачи",
}


def instant(moment: datetime) -> str:
    """Return a moment as the provider writes it: `2017-07-24T18:07:12.000+03:00`."""
    return moment.astimezone(_MOSCOW).isoformat(timespec="milliseconds")


def fault(refusal: Refusal, text: str | None = None, manner: Manner = PLAIN) -> Fault:
    """Return a fault."""
    detail: dict[str, Any] = {}
    if refusal.wordy:
        detail = {"requestId": 81, "source": {"module": "identification"}}
    if refusal.code is not None:
        detail["faultDetail"] = refusal.code
    description = text or _TEXTS.get(refusal.code, f"Ошибка {refusal.code}")
    return Fault(description, detail, manner)


def progress(act: Progress, task: Task) -> Reply:
    """Return how a task stands."""
    content: dict[str, Any] = {}
    if act.numbered:
        content["asyncId"] = task.id + act.shifted
    content["asyncStatus"] = act.status
    if act.dated:
        content["expirationDate"] = instant(task.expires_at)
    return _reply("AsyncResponse", content, task.scenario.manner)


def verdict(act: Verdict, task: Task) -> Reply:
    """Return a task's result."""
    result = {**_outcome(act), "personalInformation": _personal(act, task)}
    content: dict[str, Any] = {"SimplifiedIdentificationResponse": result}
    if act.oddity is Oddity.STATUS_TOO:
        content |= {"asyncId": task.id, "asyncStatus": "INPROGRESS"}
    return _reply("AsyncResponse", content, task.scenario.manner)


def profile_info(
    unit: Unit, group_id: int | None, whose: Whose, version: int, manner: Manner
) -> Reply:
    """Return a unit's profile; the group is its `parentid`."""
    attributes = _profile(unit, whose, manner)
    if group_id is not None:
        attributes.append(_attribute("parentid", group_id, approved=False))
    if version < _PUBLISHED_SINCE:
        for attribute in attributes:
            del attribute["published"]
    return _reply("GetProfileInfoResponse", {"attribute": attributes}, manner)


def group_id(group: Group, anonymous: int, simplified: int, full: int) -> int | None:
    """Return the number of a group, None for none."""
    numbers = {Group.ANONYMOUS: anonymous, Group.SIMPLIFIED: simplified, Group.FULL: full}
    if group is Group.NONE:
        return None
    return numbers.get(group, max(numbers.values()) + 1000)


def _outcome(act: Verdict) -> dict[str, Any]:
    outcome: dict[str, Any] = {"success": act.success}
    if act.oddity is Oddity.NO_SUCCESS:
        del outcome["success"]
    if act.oddity is Oddity.EMPTY_ERROR:
        return {**outcome, "error": "", "errorCode": ""}
    if act.oddity is Oddity.NULL_ERROR:
        return {**outcome, "error": None, "errorCode": None}
    if act.success is not True:
        outcome["error"] = _TEXTS.get(act.code, "Identification failed.")
    if act.code is not None:
        outcome["errorCode"] = act.code
    return outcome


def _personal(act: Verdict, task: Task) -> dict[str, Any]:
    attributes = _profile(task.unit, act.whose, task.scenario.manner)
    return {
        "profile": {"attribute": attributes},
        "document": _document(task.unit, task.ends_at),
    }


def _profile(unit: Unit, whose: Whose, manner: Manner) -> list[dict[str, Any]]:
    # A phone that is not confirmed never gets as far as a check.
    attributes = [
        _attribute(key, value, approved=unit.approved or key == "cell_phone")
        for key, value in unit.profile.items()
    ]
    if Manner.NULLS in manner:
        attributes += [_attribute(key, None, approved=False) for key in _NEVER_SENT]
    if whose is not Whose.ABSENT:
        unit_id = unit.id + (_FOREIGN if whose is Whose.FOREIGN else 0)
        attributes.append(_attribute("unitid", unit_id, approved=False))
        attributes.append(_attribute("profileid", 700_000 + unit_id, approved=False))
    return attributes


def _document(unit: Unit, modified_at: datetime) -> dict[str, Any]:
    checked = {"series", "number"}
    attributes = [
        _attribute(key, value, approved=unit.approved and key in checked)
        for key, value in unit.document.items()
    ]
    # The pages show this one without `published`.
    modified = {"key": "modificationdate", "value": instant(modified_at), "approved": True}
    document = {
        "id": unit.document_id,
        "type": unit.document_type,
        "attribute": [*attributes, modified],
        "hasAttachedFiles": False,
    }
    # Data may be stored without a document: what is not there is left out, not null.
    return {name: value for name, value in document.items() if value is not None}


def _attribute(key: str, value: object, *, approved: bool) -> dict[str, Any]:
    text = None if value is None else str(value)
    return {"key": key, "value": text, "approved": approved, "published": False}


def _reply(name: str, content: Mapping[str, Any], manner: Manner) -> Reply:
    return Reply(name, _with_strangers(content) if Manner.STRANGERS in manner else content, manner)


def _with_strangers(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with unknown members around the known ones, at every depth.

    Some come first: what follows an unknown element is what careless readers lose.
    """
    known = {name: _strangers_in(inner) for name, inner in content.items()}
    first = {"@node": "n2", "score": {"value": "0.97"}}
    return {**first, **known, "checkedBy": ["ESIA", "SMEV"], "riskLevel": None}


def _strangers_in(value: object) -> object:
    match value:
        case Mapping():
            return _with_strangers(value)
        case list():
            return [_strangers_in(item) for item in value]
        case _:
            return value
