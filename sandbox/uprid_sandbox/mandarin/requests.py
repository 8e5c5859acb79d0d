"""The two bodies that Mandarin takes, read by the letter."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Final

from uprid_sandbox.json_reading import read_json
from uprid_sandbox.names import NAME
from uprid_sandbox.strict import Violation

_PERSON: Final = (
    "firstName",
    "patronymic",
    "lastName",
    "passportSeries",
    "passportNumber",
    "snils",
    "inn?",
    "phone",
)
_FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    **dict.fromkeys(("firstName", "lastName"), re.compile(NAME)),
    # A guess: empty for a person without one, as `snils` is.
    "patronymic": re.compile(rf"(?:{NAME})?"),
    "passportSeries": re.compile("[0-9]{4}"),
    "passportNumber": re.compile("[0-9]{6}"),
    "snils": re.compile("([0-9]{11})?"),
    "inn": re.compile("[0-9]{12}"),
    "phone": re.compile(r"\+79[0-9]{9}"),
    # Its length is the merchant's setting.
    "smsCode": re.compile("[0-9]{1,10}"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """What a session is begun with. The rest of the data makes no difference here."""

    phone: str = field(repr=False)

    @property
    def key(self) -> str:
        """What counters show: the phone's last seven digits."""
        return self.phone[-7:]

    @property
    def number(self) -> int:
        """What decides the scenario: the phone's last three digits."""
        return int(self.phone[-3:])

    @property
    def code(self) -> str:
        """The right SMS code: the phone's last four digits."""
        return self.phone[-4:]


def read_person(content_type: str | None, body: bytes) -> Person:
    """Return the person in the body of a POST, or raise `Violation`.

    Either SNILS is said and INN is left out, or SNILS is empty and INN is said.
    """
    values = _read(content_type, body, *_PERSON)
    if bool(values["snils"]) == ("inn" in values):
        raise Violation("$", "must hold exactly one of snils and inn")
    return Person(values["phone"])


def read_code(content_type: str | None, body: bytes) -> str:
    """Return the SMS code in the body of a PUT, or raise `Violation`."""
    return _read(content_type, body, "smsCode")["smsCode"]


def _read(content_type: str | None, body: bytes, *members: str) -> dict[str, str]:
    header = Message()
    header["Content-Type"] = content_type or ""
    if header.get_content_type() != "application/json":
        raise Violation("Content-Type", "must be application/json")
    values = {}
    for name, node in read_json(body).members(*members).items():
        values[name] = node.text()
        if not _FORMS[name].fullmatch(values[name]):
            node.refuse("is not written as it must be")
    return values
