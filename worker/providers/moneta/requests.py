"""What MONETA is asked, as plain members in the schema's order: the same over every transport.

In XML the order is the schema's `sequence`, and JSON keeps to it.
"""

from collections.abc import Mapping
from typing import Any, Final

#: The passport's keys as they are sent; MONETA returns them in lower case.
_DOCUMENT_KEYS: Final = ("series", "number", "issuer", "issued", "department")
_PROFILE_KEYS: Final = (
    "first_name",
    "last_name",
    "middle_initial_name",
    "cell_phone",
    "date_of_birth",
    "snils",
    "inn",
)


def start_request(
    unit_id: int, payload: Mapping[str, Any] | None, callback_url: str | None
) -> dict[str, Any]:
    """Return the members of the `AsyncRequest` that starts an identification."""
    asked: dict[str, Any] = {
        "SimplifiedIdentificationRequest": _identification_request(unit_id, payload)
    }
    if callback_url is not None:
        asked["callbackUrl"] = callback_url
    return asked


def _identification_request(unit_id: int, payload: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a `SimplifiedIdentificationRequest`; without a payload, of the unit's stored data.

    `unitId` is always there: without it MONETA identifies the API's own user.
    """
    request: dict[str, Any] = {"unitId": unit_id}
    if payload is not None:
        document = payload["document"]
        passport: dict[str, Any] = {} if document.get("id") is None else {"id": document["id"]}
        passport["type"] = "PASSPORT"
        passport["attribute"] = [
            {"key": key.upper(), "value": document[key]}
            for key in _DOCUMENT_KEYS
            if document.get(key) is not None
        ]
        request["personalInformation"] = {
            "profile": {"attribute": _profile_attributes(payload["profile"])},
            "document": passport,
        }
    return request


def _profile_attributes(profile: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"key": key, "value": _snils(profile[key]) if key == "snils" else profile[key]}
        for key in _PROFILE_KEYS
        if profile.get(key) is not None
    ]


def _snils(digits: str) -> str:
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:9]} {digits[9:]}"
