"""What MONETA's stand-in says in SOAP, beside the real schema and beside what it says in JSON."""

import pytest
from lxml import etree

from tests.support.providers.moneta_schema import real_schema
from tests.support.providers.sandbox import DELAY, JSON, SOAP, TIMEOUT, Clock, Transport
from tests.support.providers.sandbox_requests import (
    Members,
    personal_information,
    poll,
    profile_check,
    submit,
)
from tests.support.providers.sandbox_soap import SOAP_TYPE, WITHOUT_WWW, body_of
from uprid_sandbox.answers import Page
from uprid_sandbox.moneta.calls import unit_log
from uprid_sandbox.moneta.responder import Responder
from uprid_sandbox.moneta.scenarios import SCENARIOS
from uprid_sandbox.moneta.server import Server
from uprid_sandbox.moneta.tasks import TaskBook
from uprid_sandbox.options import SandboxOptions
from uprid_sandbox.outages import Outage

#: What says something that the schema does not know. All else holds to it in every reply.
IRREGULAR = {
    "success_undated_polls",
    "success_never_dated",
    "success_with_extra_members",
    "success_spelt_otherwise",
    "success_with_null_error",
    "success_in_every_manner",
    "poll_status_unknown",
    "success_as_text",
    "status_unknown",
    "success_as_number",
    "without_success",
    "status_beside_result",
    "submit_without_async_id",
    "lost_simplified",
    "submit_capital_fault",
}


class Counter:
    """A stand-in without a server, whose time stands still."""

    def __init__(self) -> None:
        self.clock = Clock()
        options = SandboxOptions()
        book = TaskBook(DELAY, TIMEOUT, self.clock)
        self._server = Server(Responder(options, book, unit_log(), Outage()))

    def ask(self, content: Members, transport: Transport = SOAP) -> Page | None:
        answer = self._server.answer(transport.content_type, transport.encode(content))
        return answer if isinstance(answer, Page) else None


def responses(number: int) -> list[etree._Element]:
    """Return every response, faults aside, in the course of a scenario."""
    counter, unit_id = Counter(), 1_000_000 + number
    pages = [counter.ask(submit(unit_id, personal_information())) for _ in range(3)]
    for wait in (0, DELAY, 0, TIMEOUT):
        counter.clock.advance(wait)
        # The first task's id is the first of a new book.
        pages.append(counter.ask(poll(40_001)))
    pages += [counter.ask(profile_check(unit_id, f"VERSION_{version}")) for version in (1, 2)]
    found = []
    for page in pages:
        if page is None or page.content_type != SOAP_TYPE or page.status != 200:
            continue
        try:
            found.append(body_of(page.body))
        except (ValueError, etree.XMLSyntaxError):
            continue
    return found


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return real_schema()


@pytest.mark.parametrize("number", sorted(SCENARIOS), ids=lambda number: SCENARIOS[number].name)
def test_response_holds_to_the_real_schema_unless_its_scenario_is_irregular(
    schema: etree.XMLSchema, number: int
) -> None:
    documents = [etree.fromstring(etree.tostring(each)) for each in responses(number)]
    assert documents
    irregular = [each for each in documents if not schema.validate(each)]
    assert bool(irregular) is (SCENARIOS[number].name in IRREGULAR)


@pytest.mark.parametrize("number", [8, 13, 221])
def test_response_has_a_namespace_without_www_when_it_is_spelt_otherwise(number: int) -> None:
    found = responses(number)
    assert found
    assert {etree.QName(each).namespace for each in found} == {WITHOUT_WWW}


def test_response_holds_strangers_before_and_after_what_is_known() -> None:
    [profile] = [
        each for each in responses(6)[-1:] if etree.QName(each).localname.startswith("GetProfile")
    ]
    names = [etree.QName(each).localname for each in profile]
    known = [at for at, name in enumerate(names) if name == "attribute"]
    assert 0 < known[0] < known[-1] < len(names) - 1
    assert profile.attrib


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        pytest.param(0, None, id="success"),
        pytest.param(9, None, id="nulls"),
        pytest.param(103, None, id="rejected"),
        pytest.param(203, None, id="unknown-group"),
        pytest.param(222, "500.9.1", id="wordy-fault"),
    ],
)
def test_replies_hold_the_same_in_both_languages(said: int, refusal: str | None) -> None:
    counter, unit_id = Counter(), 1_000_000 + said
    counter.ask(submit(unit_id, personal_information()))
    counter.clock.advance(DELAY)
    for content in (poll(40_001), profile_check(unit_id)):
        pages = [(counter.ask(content, each), each) for each in (JSON, SOAP)]
        in_json, in_soap = [each.decode(page.body) for page, each in pages if page]
        if "fault" in in_json:
            assert in_json["fault"]["detail"]["faultDetail"] == refusal
            in_soap["fault"]["faultcode"] = in_soap["fault"]["faultcode"].partition(":")[2]
            # XML has no numbers but those of its schema.
            in_soap["fault"]["detail"]["requestId"] = int(in_soap["fault"]["detail"]["requestId"])
        assert in_soap == in_json
