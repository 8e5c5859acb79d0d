"""Hostile values, and values that are near to an honest one."""

import copy
from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.harnesses.hostile.case import LATIN_MARKER, MARKER
from tests.harnesses.hostile.tree import Obj, Raw

_NUMBERS: Final = (
    0, -1, 1, 2, 3, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), 0.0, 1.0, 0.1,
    10**18, 10**19, 10**20, 10**40,
)  # fmt: skip
_RAW: Final = (
    "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e5", "1E-400", "1e999999999999999999999",
    "1.0", "0x10", "01", "+1", "1_000", ".5", "5.", "--1", "True", "TRUE", "tru", "nul", "'a'",
    "true ", "1" + "0" * 5000, "0." + "1" * 5000, "\\u0000", "<a/>", "<![CDATA[true]]>", "&lt;",
    "tr<!-- -->ue", "tr<?p?>ue", "&amp;", "&#0;", "&#1;", "&bomb;", "٣", "１", "²",
)  # fmt: skip
_WORDS: Final = (
    "", " ", "true", "false", " true ", "True", "TRUE", "yes", "0", "1", "-1", "2", "3", "None",
    "null", "CREATED", "INPROGRESS", "SUCCESS", "EXPIRED", "DONE", "created", "success", "100",
    "500.7.11", "500.7.3", "500.7.2", "500.9.1", "500.8", "300.1.1", "300.1", "500.7.30", "500.7",
    "500.7.11 ", "500.7.3.", "500.7.11\n", "no user found", "no async task", "wrong signature",
    "not updated", "no parthner", "Invalid request", "unitid", "parentid", "UNITID", "22", "33",
    "11", "022", "22 ", "4242", "04242", "4242.0", "37027", "37027 ", "٤٢٤٢", "2026-08-02T02:40:00",
    "0001-01-01T00:00:00", "9999-12-31T23:59:59-12:00", "2026-13-45T99:99:99", "2026-08-02",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.9999999Z", "2026-02-30T00:00:00",
    "1900-01-01T00:00:00+03:00", "\x00", "a\x00b", "a\nb", "\u202e", "\ufeff", "𝟙", "ı", "K",
    MARKER, MARKER, LATIN_MARKER, "x" * 101, "x" * 256, "x" * 5000, "é" * 300,
    "f2c33a48-17c8-4889-a327-5ad1b6260cd5", "00000000-0000-0000-0000-000000000000",
    "794d3cc7-a2b4-4579-9173-bafc7d7dc29d", "../../etc/passwd", "a/b", "a%2fb", "a\r\nX-Evil: 1",
    "'; DROP TABLE operation; --", "%s%n", "{0.__class__}", "${jndi:ldap://x}", "<script>",
)  # fmt: skip
#: Half a character: JSON can write it, UTF-8 cannot.
_HALF: Final = (Raw('"\\ud83d"'), Raw('"a\\udc00b"'))


def hostile_value(random: Random) -> Any:  # noqa: ANN401 - any value at all
    """Return a value that some member does not expect."""
    makers: tuple[Callable[[], Any], ...] = (
        lambda: random.choice((None, True, False)),
        lambda: random.choice(_NUMBERS),
        lambda: Raw(random.choice(_RAW)),
        lambda: random.choice(_WORDS),
        lambda: random.choice(_WORDS),
        lambda: random.choice(_HALF),
        lambda: random.choice(([], Obj(), [[]], [None], [Obj()], Obj([("", None)]))),
        lambda: Obj([(random.choice(_WORDS[:30]), hostile_value(random))]),
        lambda: [hostile_value(random)],
    )
    return random.choice(makers)()


def deep_value(random: Random) -> Raw:
    """Return a value that is nested deeper than any real one."""
    depth = random.choice((50, 250, 260, 900, 1000, 3000, 20_000))
    opened, closed = random.choice((("[", "]"), ('{"a":', "}"), ("<a>", "</a>"), ("[", "")))
    return Raw(opened * depth + ("1" if opened.startswith("{") else "") + closed * depth)


def near_value(random: Random, value: object) -> Any:  # noqa: ANN401 - of any type
    """Return a value that is similar to another one, but different."""
    match value:
        case bool():
            return random.choice((not value, str(value).lower(), int(value), str(value), [value]))
        case int():
            other = random.choice((value + 1, -value, value * 10, value % 10))
            return random.choice((other, str(value), float(value), f" {value} ", Raw(f"{value}.0")))
        case str():
            texts = (
                value.upper(), value.lower(), value + " ", " " + value, value + "\x00", value[:-1],
                value[1:], value * 2, value + "\n", value.replace("0", "٠"), value.title(),
            )  # fmt: skip
            return random.choice(texts)
        case Obj():
            return random.choice(([value], str(len(value)), Obj(), None))
        case list():
            return random.choice(
                (Obj(enumerate_names(value)), [*value, *copy.deepcopy(value)], [], value[:1])
            )
        case _:
            return random.choice((0, "", False, [], Obj()))


def enumerate_names(items: list[Any]) -> list[tuple[str, Any]]:
    """Return a list's items as members of an object."""
    return [(str(index), each) for index, each in enumerate(items)]
