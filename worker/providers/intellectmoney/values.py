"""The values of IntellectMoney's replies: types that take them from XML and from JSON.

What XML has as text JSON may have as text, number or boolean. Nothing and an empty element are
None. No message quotes a value.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from uprid_client.contract.intellectmoney import GUID, INVOICE_STATES, LARGEST_ID
from worker.providers.intellectmoney.dates import replied_moment

#: What may stand around a value. `strip` by itself takes off what other alphabets call blank, too.
_BLANK: Final = " \t\r\n"
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,10})?")
#: Digits of a sum before and after its point: what a column holds.
_WHOLE, _FRACTION = 18, 10
#: States and types are told in events, in clear: nobody's name may pass for one.
_WORD: Final = re.compile(r"[A-Za-z0-9_]{1,40}")
_CURRENCY: Final = re.compile(r"[A-Za-z0-9]{1,10}")
_FLAGS: Final = {"0": 0, "1": 1, "false": 0, "true": 1}
#: Characters of one free text that are kept.
_LONGEST_TEXT: Final = 4_000


def _integer(value: object) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip(_BLANK)):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_ID:
        message = "no integer"
        raise ValueError(message)
    return value


def _decimal(value: object) -> Decimal | None:
    """Read an exact sum; what has more digits than any sum of money is none."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip(_BLANK)):
        return Decimal(value.strip(_BLANK))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_WHOLE:
        return Decimal(value)
    # Before anything is done with it: 1E+1000000 is short only as long as it is left alone.
    if isinstance(value, Decimal) and value.is_finite():
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent >= -_FRACTION and value.adjusted() < _WHOLE:
            return value
    message = "no sum"
    raise ValueError(message)


def _word(value: object) -> str | None:
    if value is None or value == "":
        return None
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _WORD.fullmatch(text):
        message = "no word"
        raise ValueError(message)
    return text


def _invoice_state(value: object) -> str | None:
    word = _word(value)
    known = {str(number): name for number, name in INVOICE_STATES.items()}
    return None if word is None else known.get(word, word)


def _currency(value: object) -> object:
    if value is None or value == "" or (isinstance(value, str) and _CURRENCY.fullmatch(value)):
        return value or None
    message = "no currency"
    raise ValueError(message)


def _flag(value: object) -> int | None:
    if value is None or value == "":
        return None
    said = str(value).lower() if isinstance(value, bool | int | str) else ""
    if said not in _FLAGS:
        message = "no flag"
        raise ValueError(message)
    return _FLAGS[said]


def _guid(value: object) -> str | None:
    """Take a GUID; .NET's empty one is none, and neither is what has another form."""
    if isinstance(value, str) and GUID.fullmatch(value.strip(_BLANK)) and value.strip("0-"):
        return value.strip(_BLANK).lower()
    return None


def _text(value: object) -> str | None:
    """Take free text; what is none is not worth a whole page of invoices."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    # JSON may hold half a character, which nothing can store.
    return (
        value[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
        if isinstance(value, str)
        else None
    )


def _printable(value: object) -> str | None:
    text = _text(value)
    # PostgreSQL has no room for some of the others.
    return None if text is None else "".join(c for c in text if c.isprintable()) or None


Integer = Annotated[int | None, BeforeValidator(_integer)]
Id = Annotated[int, Field(gt=0), BeforeValidator(_integer)]
Sum = Annotated[Decimal | None, BeforeValidator(_decimal)]
Currency = Annotated[str | None, BeforeValidator(_currency)]
InvoiceState = Annotated[str, BeforeValidator(_invoice_state)]
Word = Annotated[str, BeforeValidator(_word)]
OptionalWord = Annotated[str | None, BeforeValidator(_word)]
Flag = Annotated[int | None, BeforeValidator(_flag)]
Guid = Annotated[str, BeforeValidator(_guid)]
OptionalGuid = Annotated[str | None, BeforeValidator(_guid)]
Moment = Annotated[datetime | None, BeforeValidator(replied_moment)]
#: Free text: personal.
Text = Annotated[str | None, BeforeValidator(_text)]
Printable = Annotated[str | None, BeforeValidator(_printable)]
