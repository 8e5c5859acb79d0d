"""Validation of what a marketplace sends: one `Refused` that names every faulty field, no value."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from uprid_client.contract.field_errors import errors_of
from uprid_client.contract.given import Given
from uprid_client.errors import Refused

_Model = TypeVar("_Model", bound=BaseModel)
_First = TypeVar("_First")
_Second = TypeVar("_Second")
_NO_CONTEXT: Final[Mapping[str, Any]] = {}


def validated(
    model: type[_Model],
    value: object,
    whole: str,
    context: Mapping[str, Any] = _NO_CONTEXT,
) -> _Model:
    """Validate a value; raise `Refused` with all its errors.

    `whole` is what the value as a whole is called in a refusal: `payload`, `arguments`. None is
    a value that was not given.
    """
    if value is None:
        raise Refused(f"{whole} is missing", [whole])
    hints = model.hints if issubclass(model, Given) else {}
    try:
        return model.model_validate(value, context=dict(context))
    except ValidationError as error:
        fields, reason = errors_of(error, whole, hints)
    # Outside of the `except`: the cause holds what was validated.
    raise Refused(reason, fields)


def both(first: Callable[[], _First], second: Callable[[], _Second]) -> tuple[_First, _Second]:
    """Return what two validations return; raise one `Refused` for the errors of both.

    All that is wrong stands in one refusal, so that one correction is enough.
    """
    try:
        one = first()
    except Refused as refusal:
        refusals = [refusal, *_refusals(second)]
    else:
        return one, second()
    # Outside of the `except`: no refusal has another one behind it.
    raise merged(refusals)


def merged(refusals: Sequence[Refused]) -> Refused:
    """Return one refusal that says what all of them say; each field is named once."""
    fields = dict.fromkeys(name for refusal in refusals for name in refusal.fields)
    return Refused("; ".join(refusal.reason for refusal in refusals), list(fields))


def _refusals(check: Callable[[], object]) -> list[Refused]:
    try:
        check()
    except Refused as refusal:
        return [refusal]
    return []
