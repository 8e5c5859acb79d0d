"""A base for the models of a marketplace's data, so that every field is read alike."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator

from uprid_client.contract.typography import plain


class Writing(StrEnum):
    """How what was given is written down."""

    #: As it is checked, stored and sent.
    TODAYS = "today's"
    #: As release 0.1.0 wrote it: what fingerprints are made of (decision 0036).
    FINGERPRINTED = "0.1.0"


#: The key of the validation context that says which writing is wanted; today's without it.
WRITING: Final = "writing"


def is_todays(info: ValidationInfo) -> bool:
    """Return whether a validation is to write as it is checked and sent today."""
    return (info.context or {}).get(WRITING, Writing.TODAYS) is Writing.TODAYS


def is_given(value: object) -> bool:
    """Return whether something was given: neither nothing nor blanks."""
    return plain(value) != "" if isinstance(value, str) else value is not None


class Given(BaseModel):
    """Something that a marketplace gives: texts in plain typography, blanks as not given.

    Both is done before anything is checked. A blank text in a field that must be given stays one,
    and is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: Fields whose text is another program's, such as JSON: left as it is.
    verbatim: ClassVar[frozenset[str]] = frozenset()
    #: What to do where a field is missing, for refusals.
    hints: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: object, info: ValidationInfo) -> object:
        if not isinstance(given, Mapping) or not is_todays(info):
            return given
        written: dict[Any, Any] = {}
        for name, value in given.items():
            text = plain(value) if isinstance(value, str) else value
            if text == "" and cls._is_optional(name):
                continue
            written[name] = value if name in cls.verbatim else text
        return written

    @classmethod
    def _is_optional(cls, name: object) -> bool:
        field = cls.model_fields.get(name) if isinstance(name, str) else None
        return field is not None and not field.is_required()
