r"""What a marketplace sends about a person: types that check a value and write it canonically.

The same person gives the same bytes, however it was typed: `Given` has the texts in plain
typography before a type here sees them. No message quotes a value.
Digits are `[0-9]`: `\d` also takes the digits of every other script.
"""

import logging
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from uprid_client.contract.given import is_todays
from uprid_client.contract.typography import plain

#: The key of the validation context that says what a wrong SNILS checksum means: refuse or warn.
SNILS_CHECKSUM: Final = "snils_checksum"
#: Numbers up to 001-001-998 were issued without a check.
_LAST_UNCHECKED_SNILS: Final = 1_001_998
#: Of the eleventh digit of an INN and of the twelfth.
_INN_WEIGHTS: Final = ((7, 2, 4, 10, 3, 5, 9, 4, 6, 8), (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8))
_EARLIEST: Final = date(1900, 1, 1)
#: The day begins in Kamchatka: what is dated today there is no mistake.
_FIRST_ZONE: Final = timezone(timedelta(hours=12))
_NAME_MARKS: Final = frozenset(" -.'")
#: What release 0.1.0 took in a name, and left as it was.
_MARKS_OF_0_1_0: Final = _NAME_MARKS | {"\u2019", "\u02bc"}
#: What people write in the place of a name that is not there, without the marks around it.
_WORDS_FOR_NONE: Final = frozenset(
    [
        "нет", "нет отчества", "без отчества", "отсутствует", "отсутствуют", "не имеется",
        "не имеет", "не указано", "не указан", "не указана", "не заполнено", "не предусмотрено",
        "не требуется", "нет данных", "нет сведений", "неизвестно", "прочерк", "пусто", "б/о",
        "б о", "б/н", "н/д", "none", "null", "n/a", "not applicable", "not available", "undefined",
        "empty",
    ]
)  # fmt: skip
#: The same, but each is a name somewhere in the world: no patronymic is.
_WORDS_FOR_NO_PATRONYMIC: Final = _WORDS_FOR_NONE | {
    "нету", "no", "nil", "nan", "na", "n a", "nmn", "net", "н д", "неизвестен", "unknown",
    "missing", "no patronymic", "without patronymic", "no middle name", "no name",
}  # fmt: skip
#: A patronymic has none of these words, and does not begin with one of the others.
_WORDS_IN_NO_PATRONYMIC: Final = frozenset(["отч", "отчество", "отчества"])
_BEGIN_NO_PATRONYMIC: Final = frozenset(["нет", "нету", "без", "отсутствует"])
_BETWEEN_WORDS: Final = re.compile(r"[ \-.'\"«»(),!]+")
#: What to do about a missing patronymic.
NULL_WHERE_NONE: Final = "give null where there is none"
#: A double name is printed with a dash and blanks as often as with the hyphen that it has.
_HYPHENS_IN_A_NAME: Final = re.compile(r"(?: *-)+ *")
_ALPHABETS: Final = ("CYRILLIC", "LATIN", "GREEK")
#: Nearly every word.
_ONE_ALPHABET: Final = re.compile(r"[А-яЁё]*|[A-Za-z]*")

#: The standard library's: it writes into the marketplace's own log, too.
_log = logging.getLogger(__name__)


def _today() -> date:
    return datetime.now(_FIRST_ZONE).date()


def _matching(pattern: str, message: str, dropped: str = "") -> Callable[[str], str]:
    """Return a check: without the `dropped` characters the value matches the whole pattern."""
    compiled = re.compile(pattern)
    drop = str.maketrans("", "", dropped)

    def check(value: str) -> str:
        bare = value.translate(drop)
        if not compiled.fullmatch(bare):
            raise ValueError(message)
        return bare

    return check


def _snils_sum_holds(digits: str) -> bool:
    if int(digits[:9]) <= _LAST_UNCHECKED_SNILS:
        return True
    total = sum(int(digit) * (9 - place) for place, digit in enumerate(digits[:9]))
    return total % 101 % 100 == int(digits[9:])


def _snils(digits: str, info: ValidationInfo) -> str:
    if not digits.strip("0"):
        message = "must not be all zeros"
        raise ValueError(message)
    if not _snils_sum_holds(digits):
        if (info.context or {}).get(SNILS_CHECKSUM) != "warn":
            message = "has a wrong checksum: look for a typing error"
            raise ValueError(message)
        if is_todays(info):
            _log.warning("snils_checksum_wrong")
    return digits


def _inn_sums_hold(digits: str) -> bool:
    """Return whether the last two of the twelve digits check the ones before them."""
    return all(
        sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False)) % 11 % 10
        == int(digits[len(weights)])
        for weights in _INN_WEIGHTS
    )


def _inn(digits: str) -> str:
    if digits.startswith("00"):
        message = "must not begin with 00: there is no such region"
        raise ValueError(message)
    if not _inn_sums_hold(digits):
        message = "has wrong check digits: look for a typing error"
        raise ValueError(message)
    return digits


def _mobile(bare: str) -> str:
    return "7" + bare[-10:]


def _date(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        message = "must be a day of the calendar"
        raise ValueError(message) from None


def _birth(value: str) -> str:
    if not _EARLIEST <= _date(value) < _today():
        message = "must be in the past, and not before 1900"
        raise ValueError(message)
    return value


def _issued(value: str) -> str:
    if not _EARLIEST <= _date(value) <= _today():
        message = "must not be in the future, nor before 1900"
        raise ValueError(message)
    return value


def _name(value: str, info: ValidationInfo) -> str:
    if not is_todays(info):
        return _name_of_0_1_0(value)
    if _bare(plain(value)) in _WORDS_FOR_NONE:
        message = "must be the name that the passport has, not a word for none"
        raise ValueError(message)
    if not any(sign.isalpha() for sign in value):
        message = "must have letters"
        raise ValueError(message)
    if not all(sign.isalpha() or sign in _NAME_MARKS for sign in value):
        message = "must be made of letters; spaces, hyphens, apostrophes and dots may stand between"
        raise ValueError(message)
    if any(_mixes_alphabets(word) for word in re.split(r"[ \-.']", value)):
        message = "has letters of two alphabets in one word: type it anew in one of them"
        raise ValueError(message)
    return _HYPHENS_IN_A_NAME.sub("-", value)


def _mixes_alphabets(word: str) -> bool:
    """Return whether a word has a Latin `o` where the others are Cyrillic: no register has that."""
    if _ONE_ALPHABET.fullmatch(word):
        return False
    names = [unicodedata.name(letter, "") for letter in word]
    return sum(any(name.startswith(each) for name in names) for each in _ALPHABETS) > 1


def _not_a_word_for_none(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and is_todays(info) and _stands_for_none(plain(value)):
        message = f"must be a name: {NULL_WHERE_NONE}"
        raise ValueError(message)
    return value


def _stands_for_none(value: str) -> bool:
    bare = _bare(value)
    words = bare.split(" ")
    return (
        bare in _WORDS_FOR_NO_PATRONYMIC
        or words[0] in _BEGIN_NO_PATRONYMIC
        or not _WORDS_IN_NO_PATRONYMIC.isdisjoint(words)
        or not any(map(str.isalpha, value))
    )


def _bare(value: str) -> str:
    """Return the words of a text in lower case, with nothing but a blank between them."""
    return _BETWEEN_WORDS.sub(" ", value.casefold()).strip(" ")


def _none_is_blank(value: str | None) -> str:
    return value or ""


def _text(value: str, info: ValidationInfo) -> str:
    text = value if is_todays(info) else _spaced_as_in_0_1_0(value)
    if not text or not text.isprintable():
        message = "must be printable text"
        raise ValueError(message)
    return text


def _name_of_0_1_0(value: str) -> str:
    """Take what 0.1.0 took, and write it as it did. Never to be changed: see decision 0036."""
    name = _spaced_as_in_0_1_0(value)
    if not any(sign.isalpha() for sign in name) or not all(
        sign.isalpha() or sign in _MARKS_OF_0_1_0 for sign in name
    ):
        message = "was no name in 0.1.0"
        raise ValueError(message)
    return name


def _spaced_as_in_0_1_0(value: str) -> str:
    return re.sub(" +", " ", unicodedata.normalize("NFC", value)).strip(" ")


_Short = Annotated[str, Field(strict=True, max_length=40)]
_ISO_DATE: Final = _matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "must be a date such as 1990-01-31")

#: 11 digits. What people put between them is dropped, here and below.
Snils = Annotated[
    _Short,
    AfterValidator(_matching(r"[0-9]{11}", "must be 11 digits, 0 to 9", dropped="- .")),
    AfterValidator(_snils),
]
#: 12 digits: a person's, not a company's.
Inn = Annotated[
    _Short,
    AfterValidator(_matching(r"[0-9]{12}", "must be 12 digits, 0 to 9", dropped="- ")),
    AfterValidator(_inn),
]
#: 79XXXXXXXXX.
MobilePhone = Annotated[
    _Short,
    AfterValidator(
        _matching(
            r"(?:\+7|7|8)?9[0-9]{9}",
            "must be a Russian mobile number such as +7 900 000-00-00",
            dropped="- ().",
        )
    ),
    AfterValidator(_mobile),
]
PassportSeries = Annotated[
    _Short, AfterValidator(_matching(r"[0-9]{4}", "must be 4 digits, 0 to 9", dropped="- "))
]
PassportNumber = Annotated[
    _Short, AfterValidator(_matching(r"[0-9]{6}", "must be 6 digits, 0 to 9", dropped="- "))
]
Department = Annotated[
    _Short, AfterValidator(_matching(r"[0-9]{3}-[0-9]{3}", "must be written as 000-000"))
]
#: yyyy-mm-dd.
BirthDate = Annotated[_Short, AfterValidator(_ISO_DATE), AfterValidator(_birth)]
#: yyyy-mm-dd.
IssueDate = Annotated[_Short, AfterValidator(_ISO_DATE), AfterValidator(_issued)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=100), AfterValidator(_name)]
#: None: the person has none. A word that says so is refused: it would be looked up as a name.
Patronymic = Annotated[Name | None, BeforeValidator(_not_a_word_for_none)]
#: The same where the provider asks for it in any case: null must be given, and is written `""`.
PatronymicOrNull = Annotated[Patronymic, AfterValidator(_none_is_blank)]
Issuer = Annotated[str, Field(strict=True, min_length=1, max_length=300), AfterValidator(_text)]
