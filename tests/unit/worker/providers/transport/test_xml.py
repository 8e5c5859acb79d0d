"""The reader of XML from outside: known elements or an error, and nothing fetched or expanded."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.support.loopback.http_stub import HttpStub
from worker.providers.transport.xml import (
    Each,
    Misshapen,
    NotXml,
    boolean,
    integer,
    members,
    parse,
    text,
    token,
)

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<a>", id="cut"),
        pytest.param(b"<a/>more", id="more"),
        pytest.param(b'{"a": 1}', id="JSON"),
        pytest.param(b"<a>\0</a>", id="a zero"),
        pytest.param(b"<a>&undefined;</a>", id="unknown entity"),
        pytest.param(b"<a>" * 300 + b"</a>" * 300, id="deep"),
        pytest.param('<?xml version="1.0"?><a>Ж</a>'.encode("cp1251"), id="not as declared"),
        pytest.param(b'<?xml version="1.0" encoding="x-none"?><a/>', id="unknown encoding"),
        pytest.param(b"<!DOCTYPE a><a/>", id="document type"),
        pytest.param("<!DOCTYPE a><a>Ж</a>".encode("utf-16"), id="document type in UTF-16"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', id="entity"),
        pytest.param(
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', id="a file"
        ),
        pytest.param(
            f'<!DOCTYPE a [<!ENTITY l0 "lol">{LAUGHS}]><a>&l9;</a>'.encode(), id="billion laughs"
        ),
        pytest.param(
            f'<!DOCTYPE a [<!ENTITY l0 "lol">{LAUGHS}]><a b="&l9;"/>'.encode(),
            id="billion laughs in an attribute",
        ),
        pytest.param(
            f'<!DOCTYPE a [<!ENTITY x "{"y" * 50_000}">]><a>{"&x;" * 50_000}</a>'.encode(),
            id="quadratic",
        ),
        pytest.param(
            b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/">%p;]><a/>', id="parameter"
        ),
    ],
)
def test_parse_refuses_what_is_no_plain_xml(content: bytes) -> None:
    with pytest.raises(NotXml) as caught:
        parse(content)

    assert (str(caught.value), caught.value.__cause__) == ("", None)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_parse_opens_no_file_that_a_document_type_names(tmp_path: Path) -> None:
    # Opening a pipe without a writer would block without end.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    for document in (
        f'<!DOCTYPE a SYSTEM "file://{pipe}"><a>&x;</a>',
        f'<!DOCTYPE a SYSTEM "{pipe}"><a/>',
    ):
        with pytest.raises(NotXml):
            parse(document.encode())


def test_parse_asks_no_host_that_a_document_type_names() -> None:
    with HttpStub() as stub:
        for inner in ("", f'[<!ENTITY x SYSTEM "{stub.url}">]'):
            with pytest.raises(NotXml):
                parse(f'<!DOCTYPE a SYSTEM "{stub.url}" {inner}><a>&amp;</a>'.encode())
        assert stub.asked == []


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-16", "utf-32", "windows-1251", "koi8-r", "cp866", "iso-8859-5"]
)
def test_parse_reads_the_declared_encoding(encoding: str) -> None:
    content = f'<?xml version="1.0" encoding="{encoding}"?><a>Проверка</a>'.encode(encoding)

    assert text(parse(content)) == "Проверка"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<a>true</a>", id="plain"),
        pytest.param(b"<a>tr<!-- no -->ue</a>", id="comment"),
        pytest.param(b"<a>tr<?no no?>ue</a>", id="processing instruction"),
        pytest.param(b"<a><![CDATA[tr]]>u<![CDATA[e]]></a>", id="CDATA"),
        pytest.param(b"<a>tr&#x75;&#101;</a>", id="character references"),
        pytest.param(b"<a>\n\t true\r\n</a>", id="blanks"),
        pytest.param(b"\xef\xbb\xbf<a>true</a>", id="byte order mark"),
        pytest.param(b'<a b="' + b"x" * 1_000_000 + b'">true</a>', id="a large attribute"),
        pytest.param(b"<!-- <!DOCTYPE a> --><a>true</a>", id="document type in a comment"),
    ],
)
def test_parse_reads_a_value_however_it_is_written(content: bytes) -> None:
    assert boolean(parse(content)) is True


@pytest.mark.parametrize(
    ("read", "written", "expected"),
    [
        (boolean, "true", True),
        (boolean, "1", True),
        (boolean, "false", False),
        (boolean, " 0 ", False),
        (boolean, "TRUE", "TRUE"),
        (boolean, "True", "True"),
        (boolean, "yes", "yes"),
        (boolean, "", ""),
        (boolean, "10", "10"),
        (boolean, "\u00a0true", "\u00a0true"),
        (integer, "37027", 37027),
        (integer, " +1 ", 1),
        (integer, "-1", -1),
        (integer, "1.0", "1.0"),
        (integer, "1e3", "1e3"),
        (integer, "1_0", "1_0"),
        (integer, "٣", "٣"),
        (integer, "1" * 20, "1" * 20),
        (integer, "", ""),
        (token, " x ", "x"),
        (text, " x ", " x "),
        (text, "", ""),
    ],
)
def test_value_that_has_not_its_types_form_stays_text(
    read: Callable[[etree._Element], object], written: str, expected: object
) -> None:
    element = etree.Element("a")
    element.text = written

    value = read(element)

    assert value == expected
    assert type(value) is type(expected)


def test_value_made_of_elements_is_misshapen() -> None:
    with pytest.raises(Misshapen, match="wrong types"):
        text(parse(b"<a>true<b/></a>"))


READ = members(
    {"one": text, "many": Each(integer), "part": members({"in": text}, own=frozenset({"urn:o"}))},
    own=frozenset({"urn:o"}),
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("<a/>", {}, id="nothing"),
        pytest.param("<a>x<one>y</one>z</a>", {"one": "y"}, id="text between"),
        pytest.param("<a><new><one>y</one></new></a>", {}, id="only children"),
        pytest.param("<a><many>1</many><b/><many>2</many></a>", {"many": [1, 2]}, id="many"),
        pytest.param('<a one="y"/>', {}, id="attribute"),
        pytest.param('<a xmlns="urn:x"><one>y</one></a>', {"one": "y"}, id="the parent's"),
        pytest.param('<x:a xmlns:x="urn:x"><one>y</one></x:a>', {"one": "y"}, id="none"),
        pytest.param('<a xmlns:o="urn:o"><o:one>y</o:one></a>', {"one": "y"}, id="our own"),
        pytest.param('<a xmlns:x="urn:x"><x:one>y</x:one></a>', {}, id="foreign"),
        pytest.param(
            '<a xmlns:x="urn:x"><x:one>z</x:one><one>y</one></a>', {"one": "y"}, id="foreign twin"
        ),
        pytest.param(
            '<o:a xmlns:o="urn:o" xmlns:x="urn:x"><o:part><x:in>z</x:in><in>y</in></o:part></o:a>',
            {"part": {"in": "y"}},
            id="foreign inside",
        ),
        pytest.param(f'<a {XSI}><one xsi:nil="true"/></a>', {"one": None}, id="nil"),
        pytest.param(f'<a {XSI}><one xsi:nil="1">y</one></a>', {"one": None}, id="nil with text"),
        pytest.param(f'<a {XSI}><one xsi:nil="false">y</one></a>', {"one": "y"}, id="not nil"),
        pytest.param(f'<a {XSI}><many xsi:nil="true"/></a>', {"many": [None]}, id="nil of many"),
        pytest.param('<a><one nil="true">y</one></a>', {"one": "y"}, id="another nil"),
    ],
)
def test_members_are_the_known_children(content: str, expected: dict[str, Any]) -> None:
    assert READ(parse(content.encode())) == expected


def test_members_of_any_namespace_go_by_local_name_alone() -> None:
    read = members({"one": text}, own=None)

    assert read(parse(b'<a xmlns:x="urn:x"><x:one>y</x:one></a>')) == {"one": "y"}


@pytest.mark.parametrize("content", ["<one/><one/>", "<one>y</one><many/><one>y</one>"])
def test_members_that_stand_twice_are_misshapen(content: str) -> None:
    with pytest.raises(Misshapen, match="twice"):
        READ(parse(f"<a>{content}</a>".encode()))


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda said: f"<a>{said}</a>".encode()))
def test_parse_reads_or_refuses_any_bytes(content: bytes) -> None:
    try:
        root = parse(content)
    except NotXml:
        return

    assert isinstance(READ(root) if root.tag else {}, dict)
