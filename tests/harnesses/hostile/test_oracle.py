"""The oracle finds failures: a product that is broken in one known way is caught, for each way."""

import http.client as http_client
import json
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree
from urllib3 import connectionpool

from config import logging as our_logging
from tests.harnesses.hostile import calls
from tests.harnesses.hostile.trial import run
from worker.domain.outcomes import Pending
from worker.providers.intellectmoney import access_tokens as im_tokens
from worker.providers.intellectmoney import parsing
from worker.providers.mandarin import client as mandarin_client
from worker.providers.mandarin import mapping as mandarin_mapping
from worker.providers.mandarin import plugin as mandarin_plugin
from worker.providers.mandarin import types as mandarin_types
from worker.providers.moneta import (
    faults,
    json_client,
    mapping,
    queries,
    replies,
    soap_client,
    soap_reader,
)
from worker.providers.moneta.types import Fault, Unlike
from worker.providers.npd import replies as npd_replies
from worker.providers.transport import connections, http, strict_json, xml
from worker.providers.transport.adapter import PinnedAdapter
from worker.providers.transport.connections import GuardedConnection

Patch = pytest.MonkeyPatch
Breaking = Callable[[Patch], None]
_parse_json = strict_json.parse_json


def _texts_as_truth(patch: Patch) -> None:
    def loosened(value: Any) -> Any:  # noqa: ANN401 - JSON
        match value:
            case dict():
                return {name: loosened(each) for name, each in value.items()}
            case list():
                return [loosened(each) for each in value]
            case "true" | "True" | 1:
                return True
            case _:
                return value

    def parsed(text: bytes) -> object:
        try:
            return loosened(_parse_json(text))
        except RecursionError:
            raise strict_json.NotJson from None

    patch.setattr(replies, "parse_json", parsed)


def _first_of_doubled(patch: Patch) -> None:
    def first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(reversed(pairs))

    def parsed(text: bytes) -> object:
        try:
            return json.loads(text, object_pairs_hook=first)
        except (ValueError, RecursionError):
            raise strict_json.NotJson from None

    patch.setattr(replies, "parse_json", parsed)


def _cut_documents(patch: Patch) -> None:
    def mended(content: bytes) -> Any:  # noqa: ANN401 - lxml's
        parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
        try:
            root = etree.fromstring(content, parser)
        except etree.XMLSyntaxError:
            raise xml.NotXml from None
        if root is None:
            raise xml.NotXml
        return root

    patch.setattr(soap_reader, "parse", mended)


def _cut_replies(patch: Patch) -> None:
    read = PinnedAdapter._read

    def lenient(self: PinnedAdapter, raw: Any) -> bytes:  # noqa: ANN401 - urllib3's
        raw.enforce_content_length = False
        content: bytes = read(self, raw)
        return content if content.endswith(b"}") else content + b"}" * 20

    patch.setattr(PinnedAdapter, "_read", lenient)


def _foreign_units(patch: Patch) -> None:
    patch.setattr(mapping, "is_of", lambda *_: True)


def _any_status(patch: Patch) -> None:
    patch.setattr(replies, "_refuse_failure", lambda _: None)


def _unknown_codes(patch: Patch) -> None:
    rejected = faults.MEANINGS["500.7.3"]
    patch.setattr(mapping, "meaning_of", lambda code: faults.MEANINGS.get(code, rejected))


def _free_text_in_notes(patch: Patch) -> None:
    patch.setattr(mapping, "note_of", lambda said: said.answer.decode("utf-8", "replace")[-90:])


def _unfinished_checks(patch: Patch) -> None:
    finished = property(lambda check: check.verified)
    patch.setattr(mandarin_types.Check, "known", finished)
    meaning_of = mandarin_mapping.meaning_of

    def hasty(person: Any, phone: Any, course: Any) -> Any:  # noqa: ANN401 - of any type
        done = type(person)(finished=True, verified=person.verified)
        return meaning_of(person if person.verified is None else done, phone, course)

    patch.setattr(mandarin_mapping, "meaning_of", hasty)


def _doubled_statuses(patch: Patch) -> None:
    def last(text: bytes) -> object:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise strict_json.NotJson from None

    patch.setattr(mandarin_client, "parse_json", last)


def _errors_beside_answers(patch: Patch) -> None:
    patch.setattr(npd_replies, "_holds_something", lambda *_: False)


def _expiry_for_trouble(patch: Patch) -> None:
    def failed(failure: Any, progress: Any) -> Pending:  # noqa: ANN401 - as the product's
        del progress
        raise ValueError(failure.note)

    patch.setattr(im_tokens, "failed", failed)


def _unknown_states(patch: Patch) -> None:
    said = parsing._answer

    def lenient(response: Any, pick: Any, answer: bytes) -> Any:  # noqa: ANN401 - as above
        state = response.result and response.result.state
        if state is not None and state.number is not None and state.number > 2:
            state.code = state.state = 0
        return said(response, pick, answer)

    patch.setattr(parsing, "_answer", lenient)


def _chunks_of_negative_size(patch: Patch) -> None:
    patch.setattr(GuardedConnection, "response_class", http_client.HTTPResponse)


def _broken_heads(patch: Patch) -> None:
    patch.delitem(our_logging._LOUD, "urllib3.connection")


#: The provider, what is broken, the first case that notices it, and the finding.
BROKEN: list[Any] = [
    pytest.param(
        "moneta-json", _texts_as_truth, 1975, "invented", id="a text is taken for a boolean"
    ),
    pytest.param(
        "moneta-json", _first_of_doubled, 1, "invented", id="the first of two names counts"
    ),
    pytest.param("moneta-soap", _cut_documents, 78, "invented", id="a cut document is completed"),
    pytest.param("npd", _cut_replies, 368, "invented", id="a reply that is cut off is completed"),
    pytest.param(
        "moneta-json", _foreign_units, 1591, "invented", id="a foreign unit is not noticed"
    ),
    pytest.param("moneta-json", _any_status, 270, "invented", id="the status is not looked at"),
    pytest.param("moneta-soap", _unknown_codes, 21, "invented", id="an unknown code is a no"),
    pytest.param(
        "moneta-json", _free_text_in_notes, 7, "leak in note", id="a note quotes the reply"
    ),
    pytest.param("mandarin", _unfinished_checks, 30, "invented", id="an unfinished check counts"),
    pytest.param("mandarin", _doubled_statuses, 32, "invented", id="the last of two names counts"),
    pytest.param(
        "npd", _errors_beside_answers, 140, "invented", id="an error beside an answer counts"
    ),
    pytest.param(
        "intellectmoney-xml", _unknown_states, 71, "invented", id="an unknown State is good"
    ),
    pytest.param("intellectmoney-json", _expiry_for_trouble, 4, "crash", id="a failed call raises"),
    pytest.param(
        "npd", _chunks_of_negative_size, 57, "crash", id="a chunk may be of negative size"
    ),
    pytest.param("npd", _broken_heads, 522, "leak in the log", id="a broken head is logged"),
]


def _interims_as_replies(patch: Patch) -> None:
    # `http.client` does the same: it knows no interim status but 100.
    usual = http_client.HTTPResponse._read_status  # type: ignore[attr-defined]  # not in its stub
    patch.setattr(connections._Reply, "_read_status", usual)


def _nothing_is_unexpected(patch: Patch) -> None:
    patch.setattr(connections._Reply, "_has_more", lambda _: False)
    patch.setattr(connections, "_has_spoken", lambda _: False)
    rested = property(lambda connection: connection.sock is not None)
    patch.setattr(GuardedConnection, "is_connected", rested)
    patch.setattr(connectionpool, "is_connection_dropped", lambda each: not each.is_connected)


def _what_follows_is_not_looked_at(patch: Patch) -> None:
    patch.setattr(connections._Reply, "_has_more", lambda _: False)


def _cut_connections_kept(patch: Patch) -> None:
    def idle(self: Any) -> None:  # noqa: ANN401 - a connection, and http.client's own state of it
        self._lent = None
        self._watchdog.release(self)
        self._HTTPConnection__response = None
        self._HTTPConnection__state = "Idle"

    def rest(self: Any) -> bool:  # noqa: ANN401 - likewise
        idle(self)
        return True

    patch.setattr(GuardedConnection, "cut", lambda _: None)
    patch.setattr(GuardedConnection, "close", idle)
    patch.setattr(GuardedConnection, "rest", rest)


def _twofold_lengths_believed(patch: Patch) -> None:
    patch.setattr(connections._Reply, "begin", http_client.HTTPResponse.begin)


def _greetings_as_replies(patch: Patch) -> None:
    patch.setattr(connections, "_has_spoken", lambda _: False)


def _costly_calls_on_kept_connections(patch: Patch) -> None:
    patch.setattr(http, "apart_from", lambda pool: pool)


def _nothing_tied(patch: Patch) -> None:
    def believed(ask: Any, apart: Any, read: Any, is_tied: Any) -> tuple[Any, int]:  # noqa: ANN401
        del apart, is_tied
        return read(ask()), 1

    for module in (json_client, soap_client, mandarin_client):
        patch.setattr(module, "tied", believed)


def _foreign_sessions(patch: Patch) -> None:
    class Lenient(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            return isinstance(other, str)

        def __ne__(self, other: object) -> bool:
            return not isinstance(other, str)

    session_id = mandarin_plugin._session_id
    patch.setattr(mandarin_plugin, "_session_id", lambda work: Lenient(session_id(work) or ""))


def _not_understood_is_ours(patch: Patch) -> None:
    of_task, of_unit = queries._is_of_task, queries._is_of_unit

    def is_of_task(said: Any, *ids: int) -> bool:  # noqa: ANN401 - of any type
        return isinstance(said, Unlike) or of_task(said, *ids)

    def is_of_unit(said: Any, unit_id: int) -> bool:  # noqa: ANN401 - as above
        return isinstance(said, Unlike | Fault) or of_unit(said, unit_id)

    patch.setattr(queries, "_is_of_task", is_of_task)
    patch.setattr(queries, "_is_of_unit", is_of_unit)


#: The same for calls that follow each other on one connection.
CALLS: list[Any] = [
    pytest.param(
        "transport", _interims_as_replies, 11, "interim",
        id="an interim reply is the reply",
    ),
    pytest.param(
        "transport", _nothing_is_unexpected, 32, "leak",
        id="kept after unexpected bytes",
    ),
    pytest.param(
        "transport", _what_follows_is_not_looked_at, 161, "went on",
        id="what follows is not seen",
    ),
    pytest.param(
        "transport", _cut_connections_kept, 2, "went on",
        id="kept after it was cut off",
    ),
    pytest.param(
        "transport", _twofold_lengths_believed, 151, "went on",
        id="kept after a twofold length",
    ),
    pytest.param(
        "transport", _greetings_as_replies, 198, "leak",
        id="a greeting is the reply",
    ),
    pytest.param(
        "npd", _greetings_as_replies, 400, "leak",
        id="a greeting starts",
    ),
    pytest.param(
        "mandarin", _costly_calls_on_kept_connections, 474, "leak",
        id="a start on a kept connection",
    ),
    pytest.param(
        "npd", _costly_calls_on_kept_connections, 239, "leak",
        id="a step on a kept connection",
    ),
    pytest.param(
        "intellectmoney-json", _costly_calls_on_kept_connections, 48, "leak",
        id="a list on a kept connection",
    ),
    pytest.param(
        "moneta-json", _nothing_tied, 10, "leak",
        id="an answer without an id is ours",
    ),
    pytest.param(
        "moneta-soap", _nothing_tied, 10, "leak",
        id="an element without an id is ours",
    ),
    pytest.param(
        "mandarin", _nothing_tied, 1, "leak",
        id="what is not tied is ours",
    ),
    pytest.param(
        "mandarin", _foreign_sessions, 94, "leak",
        id="another session is not noticed",
    ),
    pytest.param(
        "moneta-json", _not_understood_is_ours, 370, "leak",
        id="what is not understood is ours",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "breaking", "first", "said"), CALLS)
def test_reply_that_reaches_another_call_is_caught(
    monkeypatch: Patch, provider: str, breaking: Breaking, first: int, said: str
) -> None:
    breaking(monkeypatch)

    # If the cases change, the search for the first one takes longer.
    tally = calls.run(first, 4000, most_findings=1, asked=(provider,))

    assert [each for each in tally.findings if f": {said}" in each.what]


@pytest.mark.parametrize(
    ("provider", "number"), [pytest.param(*each.values[::2][:2], id=each.id) for each in CALLS]
)
def test_sound_product_is_not_caught_where_a_broken_one_is(provider: str, number: int) -> None:
    assert not calls.run(number, 1, asked=(provider,)).findings


@pytest.mark.parametrize(("provider", "breaking", "first", "said"), BROKEN)
def test_broken_reader_is_caught(
    monkeypatch: Patch, provider: str, breaking: Breaking, first: int, said: str
) -> None:
    breaking(monkeypatch)

    # If the cases change, the search for the first one takes longer.
    tally = run(provider, first, 4000, most_findings=1)

    assert [each for each in tally.findings if each.what.startswith(said)]


@pytest.mark.parametrize(
    ("provider", "number"), [pytest.param(*each.values[::2][:2], id=each.id) for each in BROKEN]
)
def test_sound_reader_is_not_caught_where_the_broken_one_is(provider: str, number: int) -> None:
    assert not run(provider, number, 1).findings
