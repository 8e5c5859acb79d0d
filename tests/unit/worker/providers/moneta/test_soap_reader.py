"""The reader of MONETA's SOAP: a content or `ReplyUnreadable`, for any reply."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.support.providers.moneta import ASYNC_ID, envelope, fault, profile, result, ticket
from tests.support.providers.wires import ENVELOPE, JSON, MESSAGES, SOAP, as_bytes
from worker.domain.errors import ReplyUnreadable
from worker.providers.moneta.replies import read_json
from worker.providers.moneta.soap_reader import read_soap
from worker.providers.moneta.types import Content, Fault, Profile, Result, Ticket, Unlike

OLD = "http://moneta.ru/schemas/messages.xsd"
REPLIES = {
    "ticket": ticket(),
    "no date": envelope(AsyncResponse={"asyncId": 1, "asyncStatus": "INPROGRESS"}),
    "unknown status": ticket("DONE"),
    "success": result(),
    "no unitid": result(unit_id=None),
    "failure": result(success=False, code="500.7.3"),
    "profile": profile(22),
    "empty profile": envelope(GetProfileInfoResponse={"attribute": []}),
    "fault": fault("500.9.1"),
    "Fault": fault("500.9.1", "Fault"),
}


def renamed(content: bytes, name: str, to: str) -> bytes:
    return content.replace(f":{name}>".encode(), f":{to}>".encode())


def said(content: Content) -> dict[str, object]:
    """Return all that a content says but the bytes that it was read from."""
    names = [name for name in content.__slots__ if name != "answer"]
    return {"kind": type(content), **{name: getattr(content, name) for name in names}}


@pytest.mark.parametrize("name", REPLIES)
def test_reader_reads_what_the_one_of_json_reads(name: str) -> None:
    reply = REPLIES[name]

    read = read_soap(SOAP.written(reply))

    assert not isinstance(read, Unlike)
    assert said(read) == said(read_json(JSON.written(reply)))
    assert read.answer == SOAP.written(reply)


def _prefixed(content: bytes) -> bytes:
    return content.replace(b"ns0", b"anything")


def _without_www(content: bytes) -> bytes:
    return content.replace(MESSAGES.encode(), OLD.encode())


def _without_namespaces(content: bytes) -> bytes:
    root = etree.fromstring(content)
    for element in root.iter():
        element.tag = etree.QName(element).localname
    return as_bytes(root)


def _of_unknown_namespaces(content: bytes) -> bytes:
    return content.replace(MESSAGES.encode(), b"urn:2031").replace(ENVELOPE.encode(), b"urn:soap")


def _with_a_header(content: bytes) -> bytes:
    root = etree.fromstring(content)
    header = etree.Element(f"{{{ENVELOPE}}}Header")
    etree.SubElement(header, f"{{{MESSAGES}}}asyncId").text = "1"
    root.insert(0, header)
    return as_bytes(root)


def _with_unknown_elements(content: bytes) -> bytes:
    """Put an unknown element before and after each other one that holds elements."""
    root = etree.fromstring(content)
    for element in list(root.iter()):
        if len(element) and etree.QName(element).localname != "Envelope":
            for place, space in ((0, MESSAGES), (len(element), "urn:new"), (1, None)):
                new = etree.Element("new" if space is None else f"{{{space}}}new")
                etree.SubElement(new, f"{{{MESSAGES}}}success").text = "false"
                element.insert(place, new)
    return as_bytes(root)


def _with_unknown_attributes(content: bytes) -> bytes:
    root = etree.fromstring(content)
    for element in root.iter():
        element.set("success", "false")
        element.set(f"{{{MESSAGES}}}asyncStatus", "DONE")
        element.set("{urn:new}nil", "true")
    return as_bytes(root)


def _with_foreign_twins(content: bytes) -> bytes:
    """Put beside every element of MONETA's one of the same name in a foreign namespace."""
    root = etree.fromstring(content)
    for element in list(root.iter(f"{{{MESSAGES}}}*")):
        parent, name = element.getparent(), etree.QName(element).localname
        if parent is not None and etree.QName(parent).namespace == MESSAGES:
            twin = etree.Element(f"{{urn:other}}{name}")
            twin.text = "true"
            parent.insert(0, twin)
    return as_bytes(root)


def _in_utf_16(content: bytes) -> bytes:
    return as_bytes(etree.fromstring(content), "UTF-16")


def _in_windows_1251(content: bytes) -> bytes:
    return as_bytes(etree.fromstring(content), "windows-1251")


def _indented(content: bytes) -> bytes:
    root = etree.fromstring(content)
    etree.indent(root)
    return as_bytes(root)


def _commented(content: bytes) -> bytes:
    """Split every text and surround every element with a comment."""
    root = etree.fromstring(content)
    for element in list(root.iter()):
        if element.text:
            half = etree.Comment("asyncStatus")
            half.tail, element.text = element.text[2:], element.text[:2]
            element.insert(0, half)
        else:
            element.insert(0, etree.ProcessingInstruction("success", "true"))
    return as_bytes(root)


WRITINGS = [
    _prefixed,
    _without_www,
    _without_namespaces,
    _of_unknown_namespaces,
    _with_a_header,
    _with_unknown_elements,
    _with_unknown_attributes,
    _with_foreign_twins,
    _in_utf_16,
    _in_windows_1251,
    _indented,
    _commented,
]


def test_every_writing_differs() -> None:
    content = SOAP.written(result())

    assert len({content, *(rewritten(content) for rewritten in WRITINGS)}) == 1 + len(WRITINGS)


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("rewritten", [pytest.param(w, id=w.__name__[1:]) for w in WRITINGS])
def test_reader_reads_the_same_however_it_is_written(
    rewritten: Callable[[bytes], bytes], name: str
) -> None:
    content = SOAP.written(REPLIES[name])

    assert said(read_soap(rewritten(content))) == said(read_soap(content))


@pytest.mark.parametrize(
    ("written", "success"), [("true", True), ("1", True), ("false", False), ("0", False)]
)
def test_reader_takes_every_writing_of_a_boolean(written: str, *, success: bool) -> None:
    read = read_soap(SOAP.written(result(success=written, code="500.7.11")))

    assert isinstance(read, Result)
    assert read.success is success


@pytest.mark.parametrize("name", ["success", "personalInformation", "profile", "key"])
def test_reader_makes_nothing_of_an_element_that_stands_twice(name: str) -> None:
    root = etree.fromstring(SOAP.written(result()))
    [first, *_] = root.iter(f"{{*}}{name}")
    first.addnext(etree.fromstring(etree.tostring(first)))

    assert read_soap(as_bytes(root)) == Unlike("a name is given twice", as_bytes(root))


@pytest.mark.parametrize("name", ["AsyncResponse", "Body"])
def test_reader_makes_nothing_of_two_answers(name: str) -> None:
    root = etree.fromstring(SOAP.written(ticket()))
    [first] = root.iter(f"{{*}}{name}")
    first.addnext(etree.fromstring(etree.tostring(first)))

    assert isinstance(read_soap(as_bytes(root)), Unlike)


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param("<faultDetail>500.9.1</faultDetail>", id="alone"),
        pytest.param("<a><b/>x</a>&#10;<faultDetail> 500.9.1\n</faultDetail>", id="after others"),
        pytest.param("<a><b><x:faultDetail>500.9.1</x:faultDetail></b></a>", id="deep inside"),
        pytest.param("<faultDetail>500.<!-- -->9.1</faultDetail>", id="comment"),
        pytest.param(
            "<faultDetail>500.9.1</faultDetail><x:faultDetail>500.9.1</x:faultDetail>", id="twice"
        ),
    ],
)
def test_reader_finds_the_fault_detail_by_name(detail: str) -> None:
    written = (
        f'<e:Envelope xmlns:e="{ENVELOPE}" xmlns:x="urn:x"><e:Body><e:Fault>'
        f"<faultcode>Client</faultcode><detail>{detail}</detail></e:Fault></e:Body></e:Envelope>"
    )

    assert said(read_soap(written.encode())) == {"kind": Fault, "code": "500.9.1"}


def test_reader_takes_a_fault_without_an_envelope() -> None:
    read = read_soap(b"<fault><detail><faultDetail>100</faultDetail></detail></fault>")

    assert said(read) == {"kind": Fault, "code": "100"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<html><body>502</body></html>", id="a page"),
        pytest.param(b"<AsyncResponse><asyncId>1</asyncId></AsyncResponse>", id="no envelope"),
        pytest.param(b"<Envelope><Body/></Envelope>", id="empty body"),
        pytest.param(b"<Envelope><Body>text</Body></Envelope>", id="text"),
        pytest.param(b"<Envelope><Body><Fault/></Body></Envelope>", id="empty fault"),
        pytest.param(
            b"<Envelope><Body><Fault><detail>500.7.3</detail></Fault></Body></Envelope>",
            id="code without faultDetail",
        ),
        pytest.param(
            b"<Envelope><Body><Fault><detail><faultDetail><c>500.7.3</c></faultDetail></detail>"
            b"</Fault></Body></Envelope>",
            id="code inside faultDetail",
        ),
        pytest.param(b"<!DOCTYPE e><Envelope><Body><AsyncResponse/></Body></Envelope>", id="DTD"),
    ],
)
def test_reader_refuses_what_moneta_did_not_say(content: bytes) -> None:
    with pytest.raises(ReplyUnreadable) as caught:
        read_soap(content)

    assert "500.7.3" not in str(caught.value)


def test_reader_lets_no_unknown_response_pass_for_a_known_one() -> None:
    content = renamed(SOAP.written(result()), "SimplifiedIdentificationResponse", "PingResponse")

    assert isinstance(read_soap(content), Unlike)


NAMES = st.sampled_from(
    [
        "Envelope",
        "Body",
        "Fault",
        "fault",
        "detail",
        "faultDetail",
        "AsyncResponse",
        "SimplifiedIdentificationResponse",
        "GetProfileInfoResponse",
        "success",
        "asyncId",
        "asyncStatus",
        "expirationDate",
        "personalInformation",
        "attribute",
        "key",
        "value",
    ]
)
TEXTS = st.text(st.characters(categories=["L", "N", "Z"]), max_size=4)
TREES = st.recursive(
    st.sampled_from(["", "true", "0", str(ASYNC_ID), "500.7.3"]) | TEXTS,
    lambda inner: st.lists(st.tuples(NAMES, inner), max_size=4),
)


def _tree(name: str, inner: object) -> etree._Element:
    element = etree.Element(name)
    if isinstance(inner, str):
        element.text = inner
    else:
        assert isinstance(inner, list)
        for child, below in inner:
            element.append(_tree(child, below))
    return element


@given(TREES)
def test_reader_reads_or_refuses_any_document(tree: object) -> None:
    for names in (("Envelope",), ("Envelope", "Body"), ("Envelope", "Body", "AsyncResponse")):
        root = _tree(names[-1], tree)
        for name in reversed(names[:-1]):
            outer = etree.Element(name)
            outer.append(root)
            root = outer
        try:
            read = read_soap(as_bytes(root))
        except ReplyUnreadable:
            continue
        assert isinstance(read, Fault | Ticket | Result | Profile | Unlike)


@given(st.binary(max_size=200))
def test_reader_reads_or_refuses_any_bytes(answer: bytes) -> None:
    try:
        read = read_soap(answer)
    except ReplyUnreadable:
        return

    assert isinstance(read, Unlike)


@pytest.mark.parametrize("name", REPLIES)
def test_reader_shows_nothing_of_the_answer_in_a_repr(name: str) -> None:
    read = read_soap(SOAP.written(REPLIES[name]))

    assert "Проверк" not in repr(read)
    assert "Envelope" not in repr(read)
