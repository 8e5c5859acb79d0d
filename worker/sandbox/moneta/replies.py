"""The provider's replies, as its pages and its schema have them."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from worker.sandbox.answers import Page, json_page
from worker.sandbox.moneta.acts import Group, Oddity, Progress, Refusal, Verdict, Whose
from worker.sandbox.moneta.tasks import Task
from worker.sandbox.moneta.units import Unit

#: Dates come in Moscow's time, with milliseconds.
_MOSCOW: Final = timezone(timedelta(hours=3))
_FOREIGN: Final = 7
#: Documented, or at least seen: `published` is told from this version of the request on.
_PUBLISHED_SINCE: Final = 2

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


def fault(refusal: Refusal, text: str | None = None) -> Page:
    """Return a fault: in JSON it comes with HTTP 400."""
    said = text or _TEXTS.get(refusal.code, f"Ошибка {refusal.code}")
    detail: dict[str, Any] = {}
    if refusal.wordy:
        detail = {"requestId": 81, "source": {"module": "identification"}}
    if refusal.code is not None:
        detail["faultDetail"] = refusal.code
    content = {"detail": detail, "faultcode": "Client", "faultstring": said}
    return _enveloped("Fault" if refusal.capital else "fault", content, status=400)


def progress(said: Progress, task: Task) -> Page:
    """Return how a task stands."""
    content: dict[str, Any] = {"asyncStatus": said.status}
    if said.numbered:
        content["asyncId"] = task.id + said.shifted
    if said.dated:
        content["expirationDate"] = instant(task.expires_at)
    return _enveloped("AsyncResponse", content)


def verdict(said: Verdict, task: Task) -> Page:
    """Return a task's result."""
    result: dict[str, Any] = {"success": said.success}
    if said.oddity is Oddity.NO_SUCCESS:
        del result["success"]
    if said.success is not True:
        result["error"] = _TEXTS.get(said.code, "Identification failed.")
    if said.code is not None:
        result["errorCode"] = said.code
    result["personalInformation"] = {
        "profile": {"attribute": _profile(task.unit, said.whose)},
        "document": _document(task.unit, task.ends_at),
    }
    content: dict[str, Any] = {"SimplifiedIdentificationResponse": result}
    if said.oddity is Oddity.STATUS_TOO:
        content |= {"asyncId": task.id, "asyncStatus": "INPROGRESS"}
    if said.oddity is Oddity.EXTRA_MEMBERS:
        result |= {"checkedBy": ["ESIA"], "score": {"value": 0.97}}
        result["personalInformation"]["riskLevel"] = None
        content["processingNode"] = "n2"
    return _enveloped("AsyncResponse", content)


def profile_info(unit: Unit, group_id: int | None, whose: Whose, version: int) -> Page:
    """Return a unit's profile; the group is its `parentid`."""
    attributes = _profile(unit, whose)
    if group_id is not None:
        attributes.append(_attribute("parentid", group_id, approved=False))
    if version < _PUBLISHED_SINCE:
        for attribute in attributes:
            del attribute["published"]
    return _enveloped("GetProfileInfoResponse", {"attribute": attributes})


def group_id(group: Group, anonymous: int, simplified: int, full: int) -> int | None:
    """Return the number of a group, None for none."""
    numbers = {Group.ANONYMOUS: anonymous, Group.SIMPLIFIED: simplified, Group.FULL: full}
    if group is Group.NONE:
        return None
    return numbers.get(group, max(numbers.values()) + 1000)


def _profile(unit: Unit, whose: Whose) -> list[dict[str, Any]]:
    # A phone that is not confirmed never gets as far as a check.
    attributes = [
        _attribute(key, value, approved=unit.approved or key == "cell_phone")
        for key, value in unit.profile.items()
    ]
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
    modified = {"approved": True, "value": instant(modified_at), "key": "modificationdate"}
    return {
        "id": unit.document_id,
        "type": unit.document_type,
        "hasAttachedFiles": False,
        "attribute": [*attributes, modified],
    }


def _attribute(key: str, value: object, *, approved: bool) -> dict[str, Any]:
    return {"approved": approved, "value": str(value), "published": False, "key": key}


def _enveloped(name: str, content: Mapping[str, Any], status: int = 200) -> Page:
    return json_page(status, {"Envelope": {"Body": {name: content}}})
