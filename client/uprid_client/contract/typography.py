"""Typography: one writing for what people type, paste and print. Pure.

A text keeps its letters and digits; only how a program or a font wrote them is taken off. What
would change what a text says (a Latin letter that looks like a Cyrillic one, a digit of another
script, an accent) is left for the checks to refuse.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

#: Invisible and without meaning, beside all of the category Cf (zero-width and bidi signs,
#: the soft hyphen, the byte order mark): Unicode's other default-ignorable code points.
_INVISIBLE: Final = frozenset(
    [
        0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0,
        *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0),
    ]
)  # fmt: skip
#: Look like a space, and are none to Unicode.
_BLANK: Final = frozenset([0x2800])
#: Stand for a hyphen, beside all of the category Pd: modifier and other minus signs, bullets, the
#: hyphenation point, lines that are drawn.
_HYPHENS: Final = frozenset(
    [0x02D7, 0x2027, 0x2043, 0x207B, 0x208B, 0x2212, 0x23AF, 0x2500, 0x2501, 0x2796]
)
#: Stand for an apostrophe: quotation marks, primes, accents and modifier letters.
_APOSTROPHES: Final = frozenset(
    [
        0x0060, 0x00B4, 0x02B9, 0x02BB, 0x02BC, 0x02BD, 0x02BE, 0x02BF, 0x02C8, 0x02CA, 0x02CB,
        0x0384, 0x055A, 0x05F3, 0x07F4, 0x07F5, 0x1FBD, 0x1FBF, 0x1FEF, 0x1FFD, 0x1FFE, 0x2018,
        0x2019, 0x201B, 0x2032, 0x2035, 0x275B, 0x275C, 0xA78B, 0xA78C, 0xFF07, 0xFF40,
    ]
)  # fmt: skip
#: Full-width forms stand this far behind the ASCII that they are.
_FULL_WIDTH: Final = range(0xFF01, 0xFF5F)
_FULL_WIDTH_OFFSET: Final = 0xFF01 - 0x21


#: What nearly everything is: letters, digits and signs that stay, and single spaces between them.
_PLAIN: Final = re.compile(r"(?:[!-_a-~А-яЁё№«»]+(?: [!-_a-~А-яЁё№«»]+)*)?")
#: Characters. No field is that long: what is longer is refused, and not worth the work.
_LONGEST: Final = 10_000


def plain(text: str) -> str:
    """Return the text in its one writing; the same again for what it returns.

    Letters are composed (macOS types й in parts), blanks of every kind are single spaces and none
    at the ends, hyphens and dashes are `-`, apostrophes `'`, full-width ASCII is ASCII, and what
    cannot be seen is gone. A text beyond 10 000 characters is returned as it is.
    """
    if len(text) > _LONGEST or _PLAIN.fullmatch(text):
        return text
    if text.isascii():
        written = text.replace("`", "'")
    else:
        # Composed before, as some signs become ASCII by it, and again, as what is gone may have
        # kept a letter and its accent apart.
        composed = unicodedata.normalize("NFC", text)
        written = unicodedata.normalize("NFC", "".join(_written(composed)))
    return re.sub(" +", " ", "".join(" " if c.isspace() else c for c in written)).strip(" ")


def _written(text: str) -> Iterator[str]:
    for sign in text:
        code = ord(sign)
        category = unicodedata.category(sign)
        if category == "Cf" or code in _INVISIBLE:
            continue
        if code in _BLANK or category in {"Zs", "Zl", "Zp"}:
            yield " "
        elif category == "Pd" or code in _HYPHENS:
            yield "-"
        elif code in _APOSTROPHES:
            yield "'"
        elif code in _FULL_WIDTH:
            yield chr(code - _FULL_WIDTH_OFFSET)
        else:
            yield sign
