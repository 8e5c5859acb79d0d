"""MONETA requests for the sandbox, written by hand: no client of ours is asked to make them."""

import copy
import json
from typing import Any

JSON_TYPE = "application/json;charset=UTF-8"

Members = dict[str, Any]


def attribute(key: str, value: object) -> Members:
    return {"key": key, "value": value}


def personal_information() -> Members:
    """Return all data that an identification can have, in good order."""
    profile = {
        "last_name": "Образцов",
        "first_name": "Пример",
        "middle_initial_name": "Тестович",
        "cell_phone": "79001234567",
        "date_of_birth": "1990-01-31",
        "snils": "112-233-445 95",
        "inn": "501716749325",
    }
    document = {
        "SERIES": "0001",
        "NUMBER": "000002",
        "ISSUER": "Отдел",
        "ISSUED": "2010-02-28",
        "DEPARTMENT": "000-001",
    }
    return {
        "profile": {"attribute": [attribute(*pair) for pair in profile.items()]},
        "document": {
            "type": "PASSPORT",
            "attribute": [attribute(*pair) for pair in document.items()],
        },
    }


def envelope(body: Members, username: str = "sandbox", password: str = "sandbox") -> Members:
    token = {"Username": username, "Password": password}
    return {"Envelope": {"Header": {"Security": {"UsernameToken": token}}, "Body": body}}


def submit(unit_id: int, personal: Members | None = None) -> Members:
    request: Members = {"unitId": unit_id}
    if personal is not None:
        request["personalInformation"] = copy.deepcopy(personal)
    return envelope({"AsyncRequest": {"SimplifiedIdentificationRequest": request}})


def poll(async_id: int) -> Members:
    return envelope({"AsyncRequest": {"asyncId": async_id}})


def profile_check(unit_id: int, version: str = "VERSION_2") -> Members:
    return envelope({"GetProfileInfoRequest": {"version": version, "unitId": unit_id}})


def encoded(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()
