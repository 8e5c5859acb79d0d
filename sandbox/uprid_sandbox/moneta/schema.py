"""Reads a request as strictly as MONETA's schema (as of June 2022) allows, in any language.

Stricter where the schema is silent and a client's mistake would go unseen: attribute keys must be
known, each comes once, and their values are written as the documentation has them.
"""

from collections.abc import Mapping
from typing import Final

from uprid_sandbox.moneta.forms import (
    DOCUMENT_FORMS,
    DOCUMENT_TYPES,
    PASSPORT,
    PASSPORT_FORMS,
    PROFILE_FORMS,
    Form,
    check_form,
)
from uprid_sandbox.moneta.requests import Bare, PersonalData, Poll, ProfileCheck, Request, Submit
from uprid_sandbox.strict import Node

_IDENTIFICATION: Final = "SimplifiedIdentificationRequest"
_VERSIONS: Final = {f"VERSION_{number}": number for number in range(1, 6)}


def read_request(body: Node) -> Request:
    """Return the one request in an envelope's body, or raise `Violation`."""
    requests = body.members("AsyncRequest?", "GetProfileInfoRequest?", f"{_IDENTIFICATION}?")
    if len(requests) != 1:
        body.refuse("must hold exactly one request")
    [(name, request)] = requests.items()
    if name == "AsyncRequest":
        return _async_request(request)
    if name == "GetProfileInfoRequest":
        return _profile_check(request)
    _identification(request, None)
    return Bare()


def _async_request(node: Node) -> Poll | Submit:
    members = node.members(f"{_IDENTIFICATION}?", "callbackUrl?", "asyncId?")
    if "asyncId" in members:
        if len(members) != 1:
            node.refuse("holds an asyncId: nothing may stand beside it")
        return Poll(members["asyncId"].identifier())
    if _IDENTIFICATION not in members:
        node.refuse(f"must hold either asyncId or {_IDENTIFICATION}")
    callback = members.get("callbackUrl")
    return _identification(members[_IDENTIFICATION], callback.text() if callback else None)


def _identification(node: Node, callback_url: str | None) -> Submit:
    members = node.members("attribute*", "unitId?", "personalInformation?")
    if "attribute" in members:
        for item in members["attribute"].items():
            _attribute(item)
    personal = members.get("personalInformation")
    return Submit(
        unit_id=_optional_id(members.get("unitId")),
        personal=_personal(personal) if personal else None,
        callback_url=callback_url,
    )


def _profile_check(node: Node) -> ProfileCheck:
    members = node.members("@version?", "unitId?", "profileId?")
    version = members.get("version")
    if version and version.text() not in _VERSIONS:
        version.refuse("must be VERSION_1 to VERSION_5")
    return ProfileCheck(
        unit_id=_optional_id(members.get("unitId")),
        profile_id=_optional_id(members.get("profileId")),
        version=_VERSIONS[version.text()] if version else 1,
    )


def _personal(node: Node) -> PersonalData:
    members = node.members("profile", "document?")
    profile = members["profile"].members("attribute*")
    values = _attributes(profile.get("attribute"), PROFILE_FORMS)
    if "document" not in members:
        return PersonalData(profile=values, document={})
    document = members["document"].members("id?", "type?", "attribute*", "hasAttachedFiles?")
    if "hasAttachedFiles" in document:
        document["hasAttachedFiles"].boolean()
    kind = _document_type(document.get("type"))
    forms = PASSPORT_FORMS if kind in {None, PASSPORT} else DOCUMENT_FORMS
    return PersonalData(
        profile=values,
        document=_attributes(document.get("attribute"), forms, any_case=True),
        document_type=kind,
        document_id=_optional_id(document.get("id")),
    )


def _document_type(node: Node | None) -> str | None:
    if node is None:
        return None
    if node.text() not in DOCUMENT_TYPES:
        node.refuse(f"must be one of {', '.join(sorted(DOCUMENT_TYPES))}")
    return node.text()


def _attributes(
    node: Node | None, forms: Mapping[str, Form], *, any_case: bool = False
) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for item in node.items() if node else ():
        key, value = _attribute(item)
        key = key.lower() if any_case else key
        check_form(key, value, forms, item)
        if key in values:
            item.refuse("has a key that came before")
        values[key] = value
    return values


def _attribute(node: Node) -> tuple[str, str | None]:
    """Read an attribute. `fromPrototype` is the provider's to write, so it is unknown here."""
    members = node.members("key", "value", "approved?", "published?")
    for flag in ("approved", "published"):
        if flag in members:
            members[flag].boolean()
    return members["key"].text(), members["value"].nillable_text()


def _optional_id(node: Node | None) -> int | None:
    return node.identifier() if node else None
