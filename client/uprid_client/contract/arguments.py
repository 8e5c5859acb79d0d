"""Arguments of task messages: the fields that several tasks have, and what all models share.

A field that is wrong is named with what it must be, all of them at once, and no value is quoted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from uprid_client.contract.typography import plain
from uprid_client.contract.words import (
    LONGEST_NAME,
    LONGEST_NOTE,
    LONGEST_REFERENCE,
    is_provider_ref,
    is_reference,
    name_of,
    note_of,
)
from uprid_client.shown_names import shown_field

_LARGEST_ATTEMPT: Final = 2**31 - 1
_LARGEST_ID: Final = 2**63 - 1
_WRONG: Final = "is not valid"
_NOT_SEALED: Final = "must be a Fernet token"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a refusal says of a field."""

    wrong: str
    #: Where it was not given; None: the same.
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that is wrong."""

    field: str
    what: str

    def __str__(self) -> str:
        """Return it as refusals have it."""
        return f"{self.field}: {self.what}"


class Arguments(BaseModel):
    """The keyword arguments of a task."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _read_names(cls, given: object) -> object:
        """Replace half characters in names: one such name would hide every other fault."""
        if not isinstance(given, Mapping):
            return given
        return {
            name.encode("utf-8", "replace").decode() if isinstance(name, str) else name: value
            for name, value in given.items()
        }

    @classmethod
    def rules(cls) -> Mapping[str, Rule]:
        """Return what refusals say of each field that has words of its own."""
        return {
            name: rule
            for name, field in cls.model_fields.items()
            for rule in field.metadata
            if isinstance(rule, Rule)
        }


def errors_in(error: ValidationError, model: type[Arguments]) -> list[FieldError]:
    """Return every faulty argument once, in the order in which the model has them."""
    rules = model.rules()
    found: dict[str, FieldError] = {}
    for each in error.errors(include_input=False, include_url=False):
        name = str(each["loc"][0]) if each["loc"] else "arguments"
        if each["type"] == "extra_forbidden":
            shown = shown_field(name)
            found.setdefault(name, FieldError(shown, "is no argument of this task"))
            continue
        rule = rules.get(name, Rule(_WRONG))
        missing = each["type"] == "missing" and rule.missing is not None
        found.setdefault(name, FieldError(name, (rule.missing or "") if missing else rule.wrong))
    return list(found.values())


def _reference(value: str) -> str:
    if not is_reference(value):
        raise ValueError(_WRONG)
    return value


def _name(value: str) -> str:
    name = name_of(value)
    if name is None:
        raise ValueError(_WRONG)
    return name


def _note(value: str) -> str:
    note = note_of(value)
    if note is None:
        raise ValueError(_WRONG)
    return note


def _provider_ref(value: str) -> str | None:
    given = plain(value) or None
    if given is not None and not is_provider_ref(given):
        raise ValueError(_WRONG)
    return given


def plain_text(value: Any) -> Any:  # noqa: ANN401 - a text, or what the type then refuses
    """Return a text in plain typography, and everything else as it is."""
    return plain(value) if isinstance(value, str) else value


#: The marketplace's name of an operation.
Reference = Annotated[
    str,
    Field(strict=True, min_length=1, max_length=LONGEST_REFERENCE),
    AfterValidator(_reference),
    Rule(
        f"must be 1 to {LONGEST_REFERENCE} printable characters, without spaces around",
        missing="is missing",
    ),
]
#: The attempt that is acted on, from 1: a message about another one does nothing.
Attempt = Annotated[
    int,
    Field(strict=True, gt=0, le=_LARGEST_ATTEMPT),
    Rule("must be the number of the attempt that is acted on"),
]
#: Who acts. Stored without what may be a person's: of an address the part before the @.
By = Annotated[
    str,
    Field(strict=True),
    AfterValidator(_name),
    Rule(f"must say who, in 1 to {LONGEST_NAME} printable characters"),
]
#: Why. It may be empty, but not left out.
Note = Annotated[
    str,
    Field(strict=True),
    AfterValidator(_note),
    Rule(f"must be a text of at most {LONGEST_NOTE} printable characters", missing="is missing"),
]
#: The provider's id of an attempt.
ProviderRef = Annotated[
    str | None, AfterValidator(_provider_ref), Rule("must be the provider's id as text")
]
#: A provider's number of something.
PositiveId = Annotated[
    int, Field(strict=True, gt=0, le=_LARGEST_ID), Rule("must be a positive integer")
]
#: A Fernet token over UTF-8 JSON.
Sealed = Annotated[str, Field(strict=True), Rule(_NOT_SEALED, missing="is missing")]
#: The same where nothing need be sealed.
OptionalSealed = Annotated[str | None, Field(strict=True), Rule(_NOT_SEALED)]
#: A word of ours, however it was typed.
PlainText = BeforeValidator(plain_text)


class OfOperation(Arguments):
    """What every message has that is about one operation."""

    reference: Reference


class Start(OfOperation):
    """What every start message has. Whether `sealed` may be left out, its provider says."""

    sealed: OptionalSealed = None


class Input(OfOperation):
    """What every message has that brings something for an operation, sealed."""

    sealed: Sealed


class Action(OfOperation):
    """What every message has by which a person acts on an operation."""

    attempt: Attempt
    by: By
    note: Note
